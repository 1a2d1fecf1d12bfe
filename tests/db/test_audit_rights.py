"""In whose right people read and changed: an entry for each organisation, with the actor's role."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from poutama.changes import ChangePlans, Changes
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.features import load_model
from poutama.schedule import SYSTEM
from tests.db.sample_people import fill, viewer_for
from tests.features.record import Caller
from tests.features.sample import LONG_AGO, id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient

STUDENT, CLASSMATE = id_of(Caller.STUDENT), id_of(Caller.CLASSMATE)
NEAR, FAR = id_of("organisation"), id_of("other organisation")
GOALS = f'{{ person(personId: "{STUDENT}") {{ name goals {{ title }} }} }}'
OPEN = """
mutation ($student: UUID!) {
  openRecord(input: { personId: $student, reason: "A mentor reported harm" }) {
    openedRecord { id }
  }
}
"""
NOTE = """
mutation ($goal: UUID!) {
  createGoalNote(input: { goalId: $goal, information: "Ka pai" }) { note { id } }
}
"""
ADD = """
insert into membership (id, organisation_id, group_id, person_id, child_id, role, source, begins_at,
    accepted_at)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::text, 'INVITED', $7::timestamptz,
    $7::timestamptz)
"""


@pytest.fixture(params=RENDERINGS)
async def school(request: pytest.FixtureRequest, engine_database: Database) -> EngineClient:
    await fill(engine_database)
    client = EngineClient(engine_database, request.param)
    await write(client, "delete from audit_entry")
    return client


async def write(school: EngineClient, statement: str, *values: object) -> None:
    await school.database.write(statement, list(values), deadline=time.monotonic() + 30)


async def join(
    school: EngineClient,
    person: Caller,
    role: str,
    *,
    place: str = "other organisation",
    group: str | None = "far group",
    child: Caller | None = None,
) -> None:
    where = (id_of(place), id_of(group) if group else None)
    whose = (id_of(person), id_of(child) if child else None)
    await write(school, ADD, uuid4(), *where, *whose, role, LONG_AGO)


async def entries(school: EngineClient, kind: str) -> list[tuple[object, ...]]:
    """Organisation and role of each entry of that kind about the student."""
    rows = await school.database.read(
        "select organisation_id, actor_role from audit_entry where kind = $1 and subject_id = $2"
        " order by organisation_name, actor_role",
        [kind, STUDENT],
        deadline=time.monotonic() + 30,
    )
    return [tuple(row) for row in rows]


READS = {
    "a mentor": (Caller.MENTOR, GOALS, "Goal", "MENTOR"),
    "a caregiver": (Caller.CAREGIVER, GOALS, "Goal", "CAREGIVER"),
    "a manager": (Caller.MANAGER, GOALS, "Person", "MENTOR_MANAGER"),
    "an administrator": (Caller.ADMIN, GOALS, "Person", "ADMIN"),
    "a membership": (Caller.MENTOR, "{ groups { members { role } } }", "Membership", "MENTOR"),
    "a caregiver's membership": (
        Caller.CAREGIVER, "{ me { memberships { role } } }", "Membership", "CAREGIVER",
    ),
}  # fmt: skip


@pytest.mark.parametrize("read", READS)
async def test_an_entry_says_in_which_role_the_actor_read(school: EngineClient, read: str) -> None:
    caller, query, kind, role = READS[read]
    await school.ask(query, viewer_for(caller))
    assert await entries(school, kind) == [(NEAR, role)]


async def test_who_has_opened_the_record_reads_goals_as_that(school: EngineClient) -> None:
    manager = viewer_for(Caller.MANAGER)
    await school.ask(OPEN, manager, student=str(STUDENT))
    assert await entries(school, "OpenedRecord") == [(NEAR, "MENTOR_MANAGER")]
    await school.ask(GOALS, manager)
    assert await entries(school, "Goal") == [(NEAR, "OPENED_RECORD")]
    assert await entries(school, "Person") == [(NEAR, "MENTOR_MANAGER")]


async def test_of_several_roles_it_is_the_one_in_which_they_could(school: EngineClient) -> None:
    """A mentor of another group, who is a caregiver of the student at the same school."""
    who, place = Caller.ENDED_MENTOR, "organisation"
    await join(school, who, "CAREGIVER", place=place, group=None, child=Caller.STUDENT)
    await join(school, who, "MENTOR", place=place, group="other group")
    await school.ask(GOALS, viewer_for(Caller.ENDED_MENTOR))
    assert await entries(school, "Goal") == [(NEAR, "CAREGIVER")]


async def test_a_child_reads_who_their_caregiver_is_as_a_student(school: EngineClient) -> None:
    await school.ask("{ me { access { membership { role } } } }", viewer_for(Caller.STUDENT))
    rows = await school.database.read(
        "select actor_role from audit_entry where kind = 'Membership' and subject_id = $1",
        [id_of(Caller.CAREGIVER)],
        deadline=time.monotonic() + 30,
    )
    assert [row[0] for row in rows] == ["STUDENT"]


async def test_an_entry_of_a_change_says_the_role(school: EngineClient) -> None:
    color = 'mutation { updateGoal(input: { goalId: "%s", color: null }) { goal { id } } }'
    await school.ask(color % id_of("goal"), viewer_for(Caller.STUDENT))
    assert await entries(school, "Goal") == [(None, "SELF")]
    await school.ask(NOTE, viewer_for(Caller.MENTOR), goal=str(id_of("goal")))
    assert await entries(school, "GoalNote") == [(NEAR, "MENTOR")]
    end = 'mutation { endMembership(input: { membershipId: "%s" }) { membership { id } } }'
    await school.ask(end % id_of("student's"), viewer_for(Caller.ADMIN))
    # Also of their caregiver, who waits to be confirmed again.
    assert set(await entries(school, "Membership")) == {(NEAR, "ADMIN")}


async def test_a_role_is_that_of_the_time(school: EngineClient) -> None:
    await school.ask(NOTE, viewer_for(Caller.MENTOR), goal=str(id_of("goal")))
    await write(school, "delete from membership where id = $1", id_of("mentor's"))
    assert await entries(school, "GoalNote") == [(NEAR, "MENTOR")]


async def test_what_the_service_does_by_itself_is_the_operators(school: EngineClient) -> None:
    async def change(transaction: Transaction) -> None:
        changes = Changes(ChangePlans(load_model()), transaction, SYSTEM)
        await changes.update("Goal", id_of("goal"), {"color": None})

    await run_transaction(school.database, change, deadline=time.monotonic() + 30)
    assert await entries(school, "Goal") == [(None, "OPERATOR")]


async def show_to(school: EngineClient, *organisations: object) -> None:
    """The student has one goal, for those organisations alone."""
    listed = ", ".join(f'"{each}"' for each in organisations)
    await write(school, "update goal set organisation_ids = $1", f"[{listed}]")


@pytest.fixture
async def shared(school: EngineClient) -> EngineClient:
    """Student and mentor are so in two organisations."""
    await join(school, Caller.STUDENT, "STUDENT")
    await join(school, Caller.MENTOR, "MENTOR")
    return school


async def test_reading_in_the_right_of_another_organisation_leaves_another_entry(
    shared: EngineClient,
) -> None:
    mentor = viewer_for(Caller.MENTOR)
    await show_to(shared, NEAR)
    await shared.ask(GOALS, mentor)
    assert await entries(shared, "Goal") == [(NEAR, "MENTOR")]
    await show_to(shared, FAR)
    for _ in range(2):
        await shared.ask(GOALS, mentor)
        assert await entries(shared, "Goal") == [(NEAR, "MENTOR"), (FAR, "MENTOR")]
    search = GOALS.replace("goals", 'goals(filter: { search: "words of none" })')
    await shared.ask(search, mentor)
    assert len(await entries(shared, "Goal")) == 2


async def test_searching_in_the_right_of_another_organisation_leaves_another_entry(
    shared: EngineClient,
) -> None:
    mentor = viewer_for(Caller.MENTOR)
    search = GOALS.replace("goals", 'goals(filter: { search: "words of none" })')
    for place in (NEAR, FAR, FAR):
        await show_to(shared, place)
        await shared.ask(search, mentor)
    assert await entries(shared, "Goal") == [(NEAR, "MENTOR"), (FAR, "MENTOR")]


async def test_what_is_read_in_the_right_of_both_leaves_an_entry_for_each(
    shared: EngineClient,
) -> None:
    for _ in range(2):
        await shared.ask(GOALS, viewer_for(Caller.MENTOR))
    for kind in ("Goal", "Person"):
        assert await entries(shared, kind) == [(NEAR, "MENTOR"), (FAR, "MENTOR")]


async def test_administrators_see_the_entries_of_their_own_organisation(
    shared: EngineClient,
) -> None:
    await show_to(shared, FAR)
    await shared.ask(GOALS, viewer_for(Caller.MENTOR))
    look = (
        f'{{ person(personId: "{STUDENT}") {{ auditConnection(filter: {{ kind: {{ eq: "Goal" }} }})'
        " { nodes { organisationName actorRole } } } }"
    )
    seen = {
        caller: (await shared.ask(look, viewer_for(caller)))["person"]["auditConnection"]["nodes"]
        for caller in (Caller.ADMIN, Caller.OTHER_ADMIN)
    }
    assert seen == {
        Caller.ADMIN: [],
        Caller.OTHER_ADMIN: [{"organisationName": "other organisation", "actorRole": "MENTOR"}],
    }
