"""Reminders of goals that are due soon or overdue: made by the schedule, dismissed by the student.

Days are those of the organisation's time zone: whatever is due today is not overdue before tomorrow
begins there. Whoever studies in several organisations counts with the first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from poutama.db.connection import Database
from poutama.sql.standing import render_counting

SOON_DAYS = 7
LATELY_DAYS = 30
"""What was due longer ago than this is not reminded of any more."""

_BATCH = 500
_ORGANISATIONS = "SELECT id, time_zone FROM organisation WHERE id > $1::uuid ORDER BY id LIMIT 500"
_REMIND = f"""
INSERT INTO reminder (id, person_id, goal_id, kind, due_at)
SELECT gen_random_uuid(), d.person_id, d.id, d.kind, d.due_at
FROM (
    SELECT g.id, g.person_id, g.due_at,
        CASE WHEN g.due_at < $3::timestamptz THEN 'OVERDUE' ELSE 'DUE_SOON' END AS kind
    FROM membership AS m JOIN goal AS g ON g.person_id = m.person_id
    WHERE m.organisation_id = $1::uuid AND m.role = 'STUDENT' AND {render_counting("m")}
        AND NOT EXISTS (
            SELECT 1 FROM membership AS f
            WHERE f.person_id = m.person_id AND f.role = 'STUDENT' AND {render_counting("f")}
                AND (f.begins_at < m.begins_at OR (f.begins_at = m.begins_at AND f.id < m.id))
        )
        AND NOT g.complete AND g.due_at >= $2::timestamptz AND g.due_at < $4::timestamptz
) AS d
WHERE NOT EXISTS (
    SELECT 1 FROM reminder AS r
    WHERE r.goal_id = d.id AND r.kind = d.kind AND r.due_at = d.due_at
)
LIMIT {_BATCH}
ON CONFLICT DO NOTHING
RETURNING 1
"""  # noqa: S608  constants
_FORGET = f"""
DELETE FROM reminder WHERE id IN (
    SELECT r.id FROM reminder AS r JOIN goal AS g ON g.id = r.goal_id
    WHERE g.complete OR g.due_at IS NULL OR g.due_at <> r.due_at
        OR r.due_at < now() - interval '{LATELY_DAYS + 2} days'
        OR (r.kind = 'DUE_SOON' AND EXISTS (
            SELECT 1 FROM reminder AS o
            WHERE o.goal_id = r.goal_id AND o.kind = 'OVERDUE' AND o.due_at = r.due_at
        ))
    LIMIT {_BATCH}
) RETURNING 1
"""  # noqa: S608


async def remind(database: Database, *, deadline: float, now: datetime | None = None) -> int:
    """Make the reminders that are missing, and clear away what reminds of nothing any more.

    As often as one likes: what is there is not made again. Returns how many were made. Every batch
    commits by itself, so that what is not done by the deadline is done next time.

    Args:
        database: where goals are.
        deadline: an absolute `time.monotonic()`.
        now: the moment whose day it is; this one unless a test says otherwise.

    Raises:
        UnavailableError, DeadlineExceededError: as every statement.
    """
    moment = now or datetime.now(UTC)
    made, last = 0, UUID(int=0)
    while rows := await database.read(_ORGANISATIONS, [last], deadline=deadline, name="remind/of"):
        for row in rows:
            bounds = _bounds(moment.astimezone(ZoneInfo(row["time_zone"])))
            values = [row["id"], *bounds]
            while done := await database.write(_REMIND, values, deadline=deadline, name="remind"):
                made += len(done)
        last = rows[-1]["id"]
    while await database.write(_FORGET, [], deadline=deadline, name="remind/forget"):
        pass
    return made


def _bounds(local: datetime) -> tuple[datetime, datetime, datetime]:
    """From when what was due is lately overdue, when today begins, and when soon is over."""
    # Days are counted on the calendar: one with a change of clocks is a day as well.
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return (
        (today - timedelta(days=LATELY_DAYS)).astimezone(UTC),
        today.astimezone(UTC),
        (today + timedelta(days=SOON_DAYS + 1)).astimezone(UTC),
    )
