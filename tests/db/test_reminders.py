"""Reminders: once each, by the days of the organisation's time zone, and gone when void."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from poutama.db.connection import Database
from poutama.features.reminders.reminders import remind
from poutama.viewer import Viewer
from tests.db.sample_people import fill
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

AUCKLAND = ZoneInfo("Pacific/Auckland")
STUDENT = Viewer(id_of(Caller.STUDENT))
TODAY = datetime.now(AUCKLAND).replace(hour=0, minute=30, second=0, microsecond=0)
"""Half an hour after midnight, there."""
REMINDERS = "{ me { reminders { id kind dueAt goal { title } } } }"
ADD = """
INSERT INTO goal (id, person_id, goal_type, title, title_search, information, information_search,
    complete, due_at)
VALUES ($1, $2, 'SPORTS', $3, $3, '', '', $4, $5)
"""


def days(number: int, hour: int = 12) -> datetime:
    """A local hour of another day."""
    return (TODAY + timedelta(days=number)).replace(hour=hour)


@pytest.fixture
async def school(engine_database: Database) -> EngineClient:
    await fill(engine_database)
    await engine_database.write("delete from reminder", deadline=soon())
    return EngineClient(engine_database, "json")


async def add(
    school: EngineClient,
    due: datetime | None,
    *,
    whose: str = Caller.STUDENT,
    complete: bool = False,
) -> UUID:
    goal = uuid4()
    values = [goal, id_of(whose), goal.hex, complete, due]
    await school.database.write(ADD, values, deadline=soon())
    return goal


async def shown(school: EngineClient, viewer: Viewer = STUDENT) -> Sequence[Any]:
    found: Sequence[Any] = (await school.ask(REMINDERS, viewer))["me"]["reminders"]
    return found


async def kinds(school: EngineClient) -> list[str]:
    return [each["kind"] for each in await shown(school)]


@pytest.mark.parametrize(
    ("due", "kind"),
    [
        (days(-31, 23), None),
        (days(-29, 0), "OVERDUE"),
        (days(-1, 23), "OVERDUE"),
        (days(0, 0), "DUE_SOON"),
        (days(0, 23), "DUE_SOON"),
        (days(7, 23), "DUE_SOON"),
        (days(8, 0), None),
        (None, None),
    ],
)
async def test_days_are_those_of_the_organisation(
    school: EngineClient, due: datetime | None, kind: str | None
) -> None:
    await add(school, due)
    assert await remind(school.database, deadline=soon(), now=TODAY) == (kind is not None)
    assert await kinds(school) == [kind] * (kind is not None)


async def test_what_is_there_is_not_made_again(school: EngineClient) -> None:
    for number in range(5):
        await add(school, days(number))
    both = [remind(school.database, deadline=soon(), now=TODAY) for _ in range(2)]
    assert sum(await asyncio.gather(*both)) == 5
    assert await remind(school.database, deadline=soon(), now=TODAY) == 0
    assert len(await shown(school)) == 5


async def test_a_day_later_it_is_overdue_and_said_once(school: EngineClient) -> None:
    await add(school, days(0))
    await remind(school.database, deadline=soon(), now=TODAY)
    assert await kinds(school) == ["DUE_SOON"]
    assert await remind(school.database, deadline=soon(), now=days(1)) == 1
    assert await kinds(school) == ["OVERDUE"]


async def test_only_students_of_an_organisation_are_reminded(school: EngineClient) -> None:
    for whose in (Caller.STRANGER, Caller.MENTOR, Caller.OTHER_ADMIN):
        await add(school, days(1), whose=whose)
    await add(school, days(1), complete=True)
    assert await remind(school.database, deadline=soon(), now=TODAY) == 0


async def test_a_student_of_two_counts_with_the_first(school: EngineClient) -> None:
    await school.database.write(
        "update organisation set time_zone = 'Pacific/Pago_Pago' where id = $1",
        [id_of("other organisation")],
        deadline=soon(),
    )
    await school.database.write(
        "insert into membership (id, organisation_id, group_id, person_id, role, source,"
        " begins_at, accepted_at) values ($1, $2, $3, $4, 'STUDENT', 'INVITED',"
        " now() - interval '1 day', now())",
        [uuid4(), id_of("other organisation"), id_of("far group"), STUDENT.person_id],
        deadline=soon(),
    )
    # There it is still yesterday, and this is due today.
    await add(school, days(-1, 20))
    assert await remind(school.database, deadline=soon(), now=TODAY) == 1
    assert await kinds(school) == ["OVERDUE"]


async def test_another_due_date_is_another_reminder(school: EngineClient) -> None:
    goal = await add(school, days(1))
    await remind(school.database, deadline=soon(), now=TODAY)
    await change(school, goal, dueAt=days(3).astimezone(UTC).isoformat())
    assert await shown(school) == []
    assert await remind(school.database, deadline=soon(), now=TODAY) == 1
    assert len(await shown(school)) == 1


async def test_what_is_done_is_not_reminded_of(school: EngineClient) -> None:
    goal = await add(school, days(1))
    await remind(school.database, deadline=soon(), now=TODAY)
    await change(school, goal, complete=True)
    assert await shown(school) == []
    await remind(school.database, deadline=soon(), now=TODAY)
    rows = await school.database.read("select 1 from reminder", deadline=soon())
    assert not rows


async def test_dismissed_is_dismissed_and_not_made_again(school: EngineClient) -> None:
    goal = await add(school, days(1))
    await remind(school.database, deadline=soon(), now=TODAY)
    (reminder,) = await shown(school)
    dismiss = "mutation ($id: UUID!) { dismissReminder(input: {reminderId: $id}) { goal { id } } }"
    for _ in range(2):
        answer = await school.ask(dismiss, STUDENT, id=reminder["id"])
        assert answer["dismissReminder"]["goal"]["id"] == str(goal)
    assert await shown(school) == []
    assert await remind(school.database, deadline=soon(), now=TODAY) == 0
    entries = await school.database.read(
        "select 1 from audit_entry where kind = 'Reminder'", deadline=soon()
    )
    assert len(entries) == 1


async def change(school: EngineClient, goal: UUID, **values: object) -> None:
    await school.ask(
        "mutation ($i: UpdateGoalInput!) { updateGoal(input: $i) { goal { id } } }",
        STUDENT,
        i={"goalId": str(goal), **values},
    )
