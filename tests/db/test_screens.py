"""What those around a student look at: one statement each, and just what is theirs to see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.text import fold
from tests.db.sample_people import fill, viewer_for
from tests.db.sessions import soon
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
    "class's": (
        Caller.MENTOR,
        """{ groups { goalsConnection(filter: { complete: { eq: false } }, orderBy: [DUE_AT_ASC],
            first: 5) { totalCount nodes { title owner { name } tasks { information } }
            pageInfo { hasNextPage endCursor } } } }""",
    ),
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


CLASS_GOALS = """
query ($after: String, $filter: GoalFilter) {
  groups { goalsConnection(first: 2, after: $after, filter: $filter, orderBy: [DUE_AT_ASC]) {
    totalCount nodes { title owner { name } } pageInfo { hasNextPage endCursor } } }
  organisations { goals(filter: $filter, orderBy: [DUE_AT_DESC]) { title } }
}
"""
ADD_GOALS = """
INSERT INTO goal (id, person_id, goal_type, title, title_search, information, information_search,
    audience, complete, due_at)
SELECT gen_random_uuid(), $1::uuid, 'SPORTS', $2::text || n, $2::text || n, '', '', CASE n WHEN 3
    THEN 'ME' ELSE 'MENTORS' END, n = 2, now() + n * interval '1 day' FROM generate_series(1, 4) n
"""


async def add_goals(engine_database: Database) -> None:
    """The student's own goal has no due date; of each of these one is complete, one for no one."""
    await fill(engine_database)
    for caller, title in ((Caller.STUDENT, "s"), (Caller.CLASSMATE, "c")):
        await engine_database.write(ADD_GOALS, [id_of(caller), title], deadline=soon())


@pytest.mark.parametrize("rendering", RENDERINGS)
async def test_a_mentor_pages_through_the_goals_of_a_class_by_their_dates(
    engine_database: Database, rendering: str
) -> None:
    await add_goals(engine_database)
    client = EngineClient(engine_database, rendering)
    mentor, filter_ = (
        viewer_for(Caller.MENTOR),
        {"complete": {"eq": False}, "title": {"in": TITLES}},
    )
    seen, after = [], None
    while True:
        data = await client.ask(CLASS_GOALS, mentor, after=after, filter=filter_)
        (page,) = (group["goalsConnection"] for group in data["groups"])
        seen += [(node["title"], node["owner"]["name"]) for node in page["nodes"]]
        assert page["totalCount"] == 4
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(seen[:2]) == [("c1", Caller.CLASSMATE), ("s1", Caller.STUDENT)]
    assert sorted(seen[2:]) == [("c4", Caller.CLASSMATE), ("s4", Caller.STUDENT)]
    (organisation,) = data["organisations"]
    assert {goal["title"] for goal in organisation["goals"]} == {"c1", "s1", "c4", "s4"}
    one = {**filter_, "owner": {"id": {"eq": str(id_of(Caller.CLASSMATE))}}}
    data = await client.ask(CLASS_GOALS, mentor, filter=one)
    assert [goal["title"] for goal in data["organisations"][0]["goals"]] == ["c4", "c1"]


TITLES = [f"{letter}{number}" for letter in "sc" for number in range(1, 5)]


@pytest.mark.parametrize("rendering", RENDERINGS)
async def test_the_goals_of_a_class_are_for_those_who_see_the_students(
    engine_database: Database, rendering: str
) -> None:
    """A manager without an opened record sees none; students see their own."""
    await add_goals(engine_database)
    client = EngineClient(engine_database, rendering)
    found = {}
    for caller in (Caller.MANAGER, Caller.ADMIN, Caller.STUDENT, Caller.OTHER_MENTOR):
        data = await client.ask(CLASS_GOALS, viewer_for(caller), filter={"title": {"in": TITLES}})
        found[caller] = sum(group["goalsConnection"]["totalCount"] for group in data["groups"])
    assert found == {
        Caller.MANAGER: 0,
        Caller.ADMIN: 0,
        Caller.STUDENT: 4,
        # Whose students of their own group have not accepted, or wait.
        Caller.OTHER_MENTOR: 0,
    }


@pytest.mark.parametrize("rendering", RENDERINGS)
async def test_comparing_the_goals_of_a_class_leaves_an_entry_for_each_student(
    engine_database: Database, rendering: str
) -> None:
    await add_goals(engine_database)
    client = EngineClient(engine_database, rendering)
    asked = '{ groups { goalsConnection(first: 0, filter: { search: "c1" }) { totalCount } } }'
    await client.ask(asked, viewer_for(Caller.MENTOR))
    rows = await engine_database.read(
        "SELECT p.name, e.action, e.kind FROM audit_entry AS e JOIN person AS p"
        " ON p.id = e.subject_id WHERE e.actor_id = $1 ORDER BY p.name",
        [id_of(Caller.MENTOR)],
        deadline=soon(),
    )
    actions = {(row["name"], row["kind"]) for row in rows}
    assert actions == {(Caller.CLASSMATE, "Goal"), (Caller.STUDENT, "Goal")}


PEOPLE = """
query ($search: String!) {
  organisations { peopleConnection(filter: { search: $search }) {
    totalCount nodes { name } } people { name } }
  groups { people(orderBy: [NAME_DESC]) { name }
    members(filter: { person: { search: $search } }) { role } }
}
"""


@pytest.mark.parametrize("rendering", RENDERINGS)
async def test_people_are_found_by_their_names(engine_database: Database, rendering: str) -> None:
    await fill(engine_database)
    client = EngineClient(engine_database, rendering)
    rename = "mutation ($id: UUID!) { updatePerson(input: { personId: $id, name: %s })"
    student = viewer_for(Caller.STUDENT)
    rename = rename % '"T\u016b\u012b \u0100ria"' + " { person { name } } }"
    await client.ask(rename, student, id=str(id_of(Caller.STUDENT)))
    seen = await client.ask(PEOPLE, viewer_for(Caller.MANAGER), search="aria TUI")
    (organisation,) = seen["organisations"]
    assert organisation["peopleConnection"] == {
        "totalCount": 1, "nodes": [{"name": "T\u016b\u012b \u0100ria"}]
    }  # fmt: skip
    names = [fold(person["name"]) for person in organisation["people"]]
    assert names == sorted(names)
    assert len(names) > 5
    for group in seen["groups"]:
        names = [fold(person["name"]) for person in group["people"]]
        assert names == sorted(names, reverse=True)
    found = [member["role"] for group in seen["groups"] for member in group["members"]]
    assert found == ["STUDENT", "STUDENT"]  # in one group, and invited to the other
    own = await client.ask(PEOPLE, student, search="mentor")
    assert own["organisations"][0]["peopleConnection"]["totalCount"] == 0
