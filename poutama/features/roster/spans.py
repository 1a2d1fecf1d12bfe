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
