"""Reminders of goals that are due soon or overdue: made by the schedule, dismissed by the student.

Days are those of the organisation's time zone: whatever is due today is not overdue before tomorrow
begins there. A student of several organisations counts with the first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from poutama.db.connection import Database
from poutama.db.statements import load_sql
from poutama.sql.relationship import render_is_current

SOON_DAYS = 7
LATELY_DAYS = 30
"""What was due longer ago than this is no longer reminded of."""

_BATCH = 500
_SQL = load_sql(
    __package__,
    "reminders.sql",
    {
        "batch": str(_BATCH),
        "kept_days": str(LATELY_DAYS + 2),
        "m_counts": render_is_current("m"),
        "f_counts": render_is_current("f"),
    },
)


async def remind(database: Database, *, deadline: float, now: datetime | None = None) -> int:
    """Make the reminders that are missing, and delete those that no longer apply.

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
    while rows := await database.read(
        _SQL["find_organisations"], [last], deadline=deadline, name="remind/of"
    ):
        for row in rows:
            bounds = _bounds(moment.astimezone(ZoneInfo(row["time_zone"])))
            values = [row["id"], *bounds]
            while done := await database.write(
                _SQL["remind"], values, deadline=deadline, name="remind"
            ):
                made += len(done)
        last = rows[-1]["id"]
    while await database.write(_SQL["purge"], [], deadline=deadline, name="remind/purge"):
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
