"""Which organisation decides about a person's request for access or erasure, as SQL.

Called by the procedures, by the job ERASURE and by the daily task. A verified organisation decides,
and no other: anyone may found one, and its administrators would read what a child writes to be
erased.
"""

from __future__ import annotations

from poutama.sql.relationship import render_is_current

_JOIN = "JOIN organisation AS o ON o.id = m.organisation_id AND o.verified"


def render_decider(person: str) -> str:
    """Return the SQL value that is the id of the organisation that decides; NULL: the operator.

    It is the one verified organisation that the person belongs to. Of a person who belongs to none,
    it is the one that they left and that still keeps their data.
    """
    belongs = (
        f"SELECT 1 FROM membership AS m {_JOIN}"  # noqa: S608  names
        f" WHERE m.person_id = {person} AND {render_is_current('m')}"
    )
    return f"""(
    SELECT CASE WHEN count(DISTINCT m.organisation_id) = 1
        THEN min(m.organisation_id::text)::uuid END
    FROM membership AS m {_JOIN}
    WHERE m.person_id = {person} AND (
        ({render_is_current("m")})
        OR (
            m.accepted_at IS NOT NULL AND m.confirmed AND m.ends_at <= now()
            AND m.ends_at > now() - o.retention_days * interval '1 day'
            AND NOT EXISTS ({belongs})
        )
    )
)"""  # noqa: S608


def render_may_decide(request: str) -> str:
    """Return the SQL condition that the organisation of the request of this alias decides it."""
    decider = render_decider(f"{request}.person_id")
    return f"coalesce({request}.organisation_id = {decider}, false)"
