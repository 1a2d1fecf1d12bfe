"""How long a membership lasts for which several rows of a roster stand, as terms give them.

`roster.membership_changes` compares it with the membership that is there, and `roster.writing`
writes it. Pure.
"""

from __future__ import annotations


def render_span(begins: str, ends: str) -> str:
    """Return the SQL aggregates `begins_at` and `ends_at`: the first beginning, and the last end.

    Each is null where one of the rows has none: it begins at once, or goes on.

    Args:
        begins: the column of a row's beginning.
        ends: the column of its end.
    """
    return (
        f"CASE WHEN NOT bool_or({begins} IS NULL) THEN min({begins}) END AS begins_at,"
        f" CASE WHEN NOT bool_or({ends} IS NULL) THEN max({ends}) END AS ends_at"
    )


def render_beginning(begins: str, had: str) -> str:
    """Return the SQL value that is the beginning of a membership to which rows give another one.

    What a membership was in the past stays: one that has begun keeps its beginning, unless it is to
    begin later, and one that has not begun does so now at the earliest. Who was away in between has
    been away (`sql.relationship`).

    Args:
        begins: the beginning by the rows; null is at once.
        had: the one that the membership has.
    """
    return f"CASE WHEN {begins} > now() THEN {begins} WHEN {had} <= now() THEN {had} ELSE now() END"
