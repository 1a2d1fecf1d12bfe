"""What those around a student look at: one statement each, and just what is theirs to see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from tests.db.sample_people import fill, viewer_for
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient

MENTOR_SCREEN = """
{ groups { name joinCode progress { active overdue completed }
    members { role person { name email goals { title owner { name } tasks { information }
        notes { information author { name } } } } } } }
"""
SCREENS = {
    "mentor's": (Caller.MENTOR, MENTOR_SCREEN),
    "manager's": (
        Caller.MANAGER,
        """{ organisations { groups { progress { active } membersConnection(first: 2) {
            totalCount nodes { person { name goalsConnection { totalCount } } } } }
            memberships(filter: { person: { goals: { some: {} } } }) { role } } }""",
    ),
    "admin's": (
        Caller.ADMIN,
        """{ organisations { memberships { role person { name email auditConnection(first: 5) {
            totalCount nodes { actorName action } } } child { name } } } }""",
    ),
    "caregiver's": (
        Caller.CAREGIVER,
        """{ me { memberships { child { name goals { title tasks { complete } notes {
            information author { name } } } } } } }""",
    ),
}
GOAL = {
    "title": "Kōrero",
    "owner": {"name": Caller.STUDENT.value},
    "tasks": [{"information": "task 2"}, {"information": "task"}],
}


@pytest.mark.parametrize("rendering", RENDERINGS)
@pytest.mark.parametrize("screen", SCREENS)
async def test_a_screen_is_one_statement(
    engine_database: Database, screen: str, rendering: str
) -> None:
    await fill(engine_database)
    client = EngineClient(engine_database, rendering)
    caller, query = SCREENS[screen]
    # The first time the dialect is asked for, and the statement prepared.
    first = await client.send(query, viewer_for(caller))
    traces: list[StatementTrace] = []
    with engine_database.observe(traces.append):
        answer = await client.send(query, viewer_for(caller))
    assert [trace.outcome for trace in traces] == ["ok"]
    assert "errors" not in json.loads(answer.body)
    if caller is not Caller.ADMIN:  # who sees that they have looked before
        assert answer.body == first.body


async def see(engine_database: Database, rendering: str, caller: Caller) -> dict[str, Any]:
    """The person of each membership on the mentor's screen, by what the membership is."""
    await fill(engine_database)
    data = await EngineClient(engine_database, rendering).ask(MENTOR_SCREEN, viewer_for(caller))
    return {
        f"{group['name']}, {member['role']}, {member['person'] and member['person']['name']}": (
            member["person"]
        )
        for group in data["groups"]
        for member in group["members"]
    }


@pytest.mark.parametrize("rendering", RENDERINGS)
async def test_a_mentor_sees_students_and_their_goals_but_no_addresses(
    engine_database: Database, rendering: str
) -> None:
    seen = await see(engine_database, rendering, Caller.MENTOR)
    student = seen["group, STUDENT, the student"]
    notes = student["goals"][0].pop("notes")
    assert student == {"name": Caller.STUDENT, "email": None, "goals": [GOAL]}
    # The mentor no longer sees a person who left; what they wrote is the student's.
    assert {note["information"]: note["author"] and note["author"]["name"] for note in notes} == {
        "from the student": Caller.STUDENT,
        "from the mentor": Caller.MENTOR,
        "from the ended mentor": None,
    }
    assert seen["group, MENTOR, mentor"]["email"] == "mentor@school.example"
    assert seen["group, MENTOR, None"] is None
    assert not [name for name in seen if name.startswith("other")]


@pytest.mark.parametrize("rendering", RENDERINGS)
async def test_a_mentor_sees_no_student_who_has_not_accepted(
    engine_database: Database, rendering: str
) -> None:
    seen = await see(engine_database, rendering, Caller.OTHER_MENTOR)
    assert set(seen) == {
        "other group, STUDENT, None",
        "other group, MENTOR, mentor of another group",
    }


@pytest.mark.parametrize("rendering", RENDERINGS)
@pytest.mark.parametrize("caller", [Caller.STRANGER, Caller.ENDED_MENTOR, Caller.CAREGIVER])
async def test_who_is_in_no_group_sees_none(
    engine_database: Database, rendering: str, caller: Caller
) -> None:
    assert await see(engine_database, rendering, caller) == {}


@pytest.mark.parametrize("rendering", RENDERINGS)
async def test_a_student_sees_themselves_and_the_group_but_not_its_code_or_progress(
    engine_database: Database, rendering: str
) -> None:
    await fill(engine_database)
    data = await EngineClient(engine_database, rendering).ask(
        MENTOR_SCREEN, viewer_for(Caller.STUDENT)
    )
    (group,) = data["groups"]
    assert (group["joinCode"], group["progress"]) == (None, None)
    (member,) = group["members"]
    assert member["person"]["name"] == Caller.STUDENT


@pytest.mark.parametrize("rendering", RENDERINGS)
async def test_an_admin_sees_no_person_of_another_organisation(
    engine_database: Database, rendering: str
) -> None:
    await fill(engine_database)
    client = EngineClient(engine_database, rendering)
    _, screen = SCREENS["admin's"]
    (organisation,) = (await client.ask(screen, viewer_for(Caller.OTHER_ADMIN)))["organisations"]
    (membership,) = organisation["memberships"]
    assert membership["person"]["name"] == Caller.OTHER_ADMIN
    asked = "query ($id: UUID!) { person(personId: $id) { name } }"
    student = str(id_of(Caller.STUDENT))
    answers = {
        caller: (await client.ask(asked, viewer_for(caller), id=student))["person"] is not None
        for caller in (Caller.ADMIN, Caller.OTHER_ADMIN)
    }
    assert answers == {Caller.ADMIN: True, Caller.OTHER_ADMIN: False}
