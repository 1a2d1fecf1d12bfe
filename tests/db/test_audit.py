"""The audit log: nothing of a student is read by others, or changed, without an entry."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from poutama.db.connection import Database
from poutama.features import load_model
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sample_people import fill, viewer_for
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient

STUDENT, MENTOR = Viewer(id_of(Caller.STUDENT)), Viewer(id_of(Caller.MENTOR))
LOOK = "{ groups { members { person { goals { title } } } } }"


@pytest.fixture(params=RENDERINGS)
async def school(request: pytest.FixtureRequest, engine_database: Database) -> EngineClient:
    await fill(engine_database)
    await engine_database.write("delete from audit_entry", deadline=time.monotonic() + 30)
    return EngineClient(engine_database, request.param)


async def entries(school: EngineClient) -> Counter[tuple[str, str, bool]]:
    """Action, kind, and whether it is about the student."""
    rows = await school.database.read(
        "select action, kind, subject_id from audit_entry", deadline=time.monotonic() + 30
    )
    return Counter((row[0], row[1], row[2] == STUDENT.person_id) for row in rows)


async def note(school: EngineClient) -> str:
    """Write a note about the student's goal as the mentor; returns its id."""
    made = await school.ask(
        'mutation ($goal: UUID!) { createGoalNote(input: {goalId: $goal, information: "Ka pai"})'
        " { note { id } } }",
        MENTOR,
        goal=str(id_of("goal")),
    )
    return str(made["createGoalNote"]["note"]["id"])


EVIDENCE = id_of("evidence")
READS = {
    "Goal": (MENTOR, LOOK),
    "Evidence": (MENTOR, f'{{ evidence(evidenceId: "{EVIDENCE}") {{ title }} }}'),
    "Person": (MENTOR, "{ groups { members { person { name } } } }"),
    "Membership": (MENTOR, "{ groups { members { role } } }"),
    "AuditEntry": (
        viewer_for(Caller.ADMIN),
        f'{{ person(personId: "{STUDENT.person_id}") {{ auditConnection {{ nodes {{ at }} }} }} }}',
    ),
}


@pytest.mark.parametrize("kind", READS)
async def test_every_kind_of_data_is_written_down_with_the_organisation(
    school: EngineClient, kind: str
) -> None:
    await note(school)  # for the admin's look at the audit
    viewer, query = READS[kind]
    await school.ask(query, viewer)
    await school.ask(query, viewer)
    rows = await school.database.read(
        "select organisation_id, organisation_name from audit_entry"
        " where action = 'READ' and kind = $1 and subject_id = $2",
        [kind, STUDENT.person_id],
        deadline=time.monotonic() + 30,
    )
    assert [tuple(row) for row in rows] == [(id_of("organisation"), "organisation")]


EXPORT = "mutation ($who: UUID!) { exportJourney(input: {personId: $who}) { job { id } } }"


async def forget(school: EngineClient) -> None:
    await school.database.write("delete from audit_entry", deadline=time.monotonic() + 30)


async def test_reading_ones_own_row_leaves_an_entry_of_another_person_whom_it_names(
    school: EngineClient,
) -> None:
    await school.ask("{ me { memberships { role } } }", viewer_for(Caller.CAREGIVER))
    assert await entries(school) == {("READ", "Membership", True): 1}
    await forget(school)
    await school.ask(EXPORT, MENTOR, who=str(STUDENT.person_id))
    await forget(school)
    await school.ask("{ jobs { state } }", MENTOR)
    assert await entries(school) == {("READ", "Job", True): 1}
    (row,) = await school.database.read(
        "select organisation_name from audit_entry", deadline=time.monotonic() + 30
    )
    assert row[0] == "organisation", "where the mentor mentors; the job is of none"


async def test_a_row_of_two_persons_leaves_an_entry_of_each(school: EngineClient) -> None:
    query = "{ organisations { memberships { role } } }"
    await school.ask(query, viewer_for(Caller.ADMIN))
    rows = await school.database.read(
        "select subject_id, organisation_name from audit_entry where kind = 'Membership'",
        deadline=time.monotonic() + 30,
    )
    found = {tuple(row) for row in rows}
    assert len(found) == len(rows)
    people = {STUDENT.person_id, id_of(Caller.CAREGIVER), MENTOR.person_id}
    assert {(person, "organisation") for person in people} <= found


async def test_a_change_of_a_row_of_two_persons_leaves_an_entry_of_each(
    school: EngineClient,
) -> None:
    made = await school.ask(EXPORT, MENTOR, who=str(STUDENT.person_id))
    await forget(school)
    await school.ask(
        "mutation ($job: UUID!) { cancelJob(input: {jobId: $job}) { job { state } } }",
        MENTOR,
        job=made["exportJourney"]["job"]["id"],
    )
    rows = await school.database.read(
        "select subject_id from audit_entry where kind = 'Job' and action = 'UPDATE'",
        deadline=time.monotonic() + 30,
    )
    assert {row[0] for row in rows} == {STUDENT.person_id, MENTOR.person_id}
    assert len(rows) == 2


async def test_asking_for_a_journey_names_the_organisation(school: EngineClient) -> None:
    await school.ask(
        "mutation ($who: UUID!) { exportJourney(input: {personId: $who}) { job { id } } }",
        MENTOR,
        who=str(STUDENT.person_id),
    )
    rows = await school.database.read(
        "select organisation_id from audit_entry where kind = 'Journey' and subject_id = $1",
        [STUDENT.person_id],
        deadline=time.monotonic() + 30,
    )
    assert [row[0] for row in rows] == [id_of("organisation")]


async def test_students_read_the_names_of_their_mentors_unnoticed(school: EngineClient) -> None:
    await school.ask("{ goals { notes { author { name } } } }", STUDENT)
    assert not await entries(school)


async def test_a_mentor_who_looks_is_written_down_once_a_visit(school: EngineClient) -> None:
    await school.ask(LOOK, MENTOR)
    await school.ask(LOOK, MENTOR)
    assert (await entries(school))["READ", "Goal", True] == 1


@pytest.mark.parametrize("shown", ["goals { title }", "goalsConnection { totalCount }"])
async def test_many_rows_of_a_person_are_one_entry(school: EngineClient, shown: str) -> None:
    create = 'mutation { createGoal(input: {goalType: SPORTS, title: "Swim"}) { goal { id } } }'
    await school.ask(create, STUDENT)
    await school.ask(f"{{ groups {{ members {{ person {{ {shown} }} }} }} }}", MENTOR)
    assert (await entries(school))["READ", "Goal", True] == 1


async def test_students_read_their_own_unnoticed(school: EngineClient) -> None:
    await school.ask("{ goals { title owner { goals { id } } } me { goals { id } } }", STUDENT)
    assert not await entries(school)


async def test_counting_is_reading(school: EngineClient) -> None:
    count = "{ groups { members { person { goalsConnection { totalCount } } } } }"
    await school.ask(count, MENTOR)
    await school.ask(count, MENTOR)
    assert (await entries(school))["READ", "Goal", True] == 1


async def test_counting_ones_own_is_not_written_down(school: EngineClient) -> None:
    await school.ask(
        "{ goalsConnection { totalCount } me { goalsConnection { totalCount } } }", STUDENT
    )
    assert not await entries(school)


async def test_counting_and_reading_at_once_is_one_entry(school: EngineClient) -> None:
    both = "goalsConnection { totalCount nodes { title } } goals { title }"
    await school.ask(f"{{ groups {{ members {{ person {{ {both} }} }} }} }}", MENTOR)
    assert (await entries(school))["READ", "Goal", True] == 1


PROBES = {
    "some": "{ goals: { some: { notes: { some: %s } } } }",
    "none": "{ goals: { none: { notes: { some: %s } } } }",
    "every": "{ goals: { every: { notes: { every: %s } } } }",
    "not": "{ not: { goals: { some: { notes: { some: %s } } } } }",
    "or": '{ or: [{ name: { eq: "" } }, { goals: { some: { notes: { some: %s } } } }] }',
}


@pytest.mark.parametrize("needle", ["from the student", "words of none"])
@pytest.mark.parametrize("probe", PROBES)
async def test_a_filter_by_what_others_wrote_leaves_an_entry(
    school: EngineClient, probe: str, needle: str
) -> None:
    """Whether it fits or not, and although no row is shown: the answer tells either way."""
    condition = PROBES[probe] % f'{{ information: {{ startsWith: "{needle}" }} }}'
    await school.ask(
        "{ groups { membersConnection(first: 0, filter: { role: { eq: STUDENT },"
        f" person: {condition} }}) {{ totalCount }} }} }}",
        MENTOR,
    )
    assert {key: number for key, number in (await entries(school)).items() if key[2]} == {
        ("SEARCH", "Goal", True): 1
    }


@pytest.mark.parametrize(
    "shown", ["goals(filter: %s) { id }", "goalsConnection(first: 0, filter: %s) { totalCount }"]
)
async def test_goals_that_do_not_fit_leave_an_entry(school: EngineClient, shown: str) -> None:
    find = shown % '{ search: "words of none" }'
    search = f"{{ groups {{ members {{ person {{ {find} }} }} }} }}"
    await school.ask(search, MENTOR)
    await school.ask(search, MENTOR)
    assert (await entries(school))["SEARCH", "Goal", True] == 1
    await school.ask(LOOK, MENTOR)
    await school.ask(search, MENTOR)
    found = await entries(school)
    assert (found["SEARCH", "Goal", True], found["READ", "Goal", True]) == (1, 1)


async def test_another_condition_beside_it_keeps_the_others_out(school: EngineClient) -> None:
    """Of whom the filter is not about, its answer tells nothing."""
    goals = '{ goals: { some: { title: { contains: "k" } } } }'
    await school.ask(
        "{ groups { members(filter: { role: { eq: MENTOR },"
        f" person: {goals} }}) {{ id }} }} }}",
        MENTOR,
    )
    assert (await entries(school))["SEARCH", "Goal", True] == 0


async def test_probing_a_text_costs_and_shows_in_the_log(
    school: EngineClient, caplog: pytest.LogCaptureFixture
) -> None:
    condition = PROBES["some"] % '{ information: { startsWith: "%s" } }'
    probe = "{ groups { membersConnection(first: 0, filter: { person: %s }) { totalCount } } }"
    spent: list[int] = []

    async def spend(cost: int) -> None:
        spent.append(cost)

    for needle in range(20):
        request = GraphQLRequest(probe % (condition % f"secret {needle}"))
        deadline = time.monotonic() + 60
        await school.engine.execute(request, MENTOR, deadline=deadline, spend=spend)
    (record,) = [each for each in caplog.records if hasattr(each, "search")]
    assert record.search == {
        "viewer": str(MENTOR.person_id), "fields": ["GoalNote.information"], "searches": 20,
    }  # fmt: skip
    assert "secret" not in record.getMessage()
    assert sum(spent) > 20 * Settings().cost_search


async def test_searching_ones_own_is_not_written_down(school: EngineClient) -> None:
    some = '{ notes: { some: { information: { contains: "k" } } }, title: { contains: "k" } }'
    goals = f"goals(filter: {some}) {{ id }}"
    await school.ask(f"{{ {goals} me {{ {goals} }} }}", STUDENT)
    assert not await entries(school)


async def test_sums_over_a_group_are_not_written_down(school: EngineClient) -> None:
    await school.ask("{ groups { progress { active } } }", MENTOR)
    assert not await entries(school)


async def test_what_a_payload_reads_is_written_down_beside_the_change(school: EngineClient) -> None:
    await school.ask(
        'mutation ($group: UUID!) { updateGroup(input: {groupId: $group, name: "New"})'
        " { group { members { person { goals { title } } } } } }",
        MENTOR,
        group=str(id_of("group")),
    )
    found = await entries(school)
    assert found["UPDATE", "Group", False] == 1
    assert found["READ", "Goal", True] == 1


async def test_a_change_that_changes_nothing_is_still_a_read(school: EngineClient) -> None:
    await school.ask(
        "mutation ($note: UUID!) { updateGoalNote(input: {noteId: $note})"
        " { note { goal { title } } } }",
        MENTOR,
        note=await note(school),
    )
    assert (await entries(school))["READ", "Goal", True] == 1


async def test_an_admin_sees_what_was_done_in_the_right_of_the_organisation(
    school: EngineClient,
) -> None:
    """And the student sees all of it: one change of their own, and one by their mentor."""
    await school.ask(
        "mutation ($goal: UUID!) { updateGoal(input: {goalId: $goal, color: null})"
        " { goal { id } } }",
        STUDENT,
        goal=str(id_of("goal")),
    )
    await note(school)
    ask = "query ($who: UUID!) { person(personId: $who) { auditConnection { totalCount } } }"
    seen = {
        caller: (await school.ask(ask, viewer_for(caller), who=str(STUDENT.person_id)))["person"]
        for caller in (Caller.STUDENT, Caller.ADMIN, Caller.MENTOR, Caller.CAREGIVER)
    }
    counts = {caller: person["auditConnection"]["totalCount"] for caller, person in seen.items()}
    assert counts == {
        Caller.STUDENT: 2,
        Caller.ADMIN: 1,
        Caller.MENTOR: 0,
        Caller.CAREGIVER: 0,
    }


OLD = """
insert into audit_entry (id, at, actor_id, actor_name, subject_id, action, kind)
select gen_random_uuid(), now() - n * interval '1 hour',
    case when n % 2 = 0 then $1::uuid else p.id end, 'Mentor', p.id, 'READ', 'Goal'
from generate_series(1, 1000) as n, person as p
"""


async def test_a_visit_does_not_go_through_the_entries_from_before(school: EngineClient) -> None:
    deadline = time.monotonic() + 30
    await school.ask(LOOK, MENTOR)
    await school.database.write(OLD, [MENTOR.person_id], deadline=deadline)
    await school.database.write("analyze audit_entry", deadline=deadline)
    recent = (
        "select 1 from audit_entry as entry where entry.actor_id = $1::uuid and entry.kind = 'Goal'"
        " and entry.at > now() - interval '15 minutes'"
    )
    ((plan,),) = await school.database.read(
        f"explain (analyze, buffers, format json) {recent}", [MENTOR.person_id], deadline=deadline
    )
    read = json.loads(plan)[0]["Plan"]
    assert read["Shared Hit Blocks"] + read["Shared Read Blocks"] < 20, read


async def test_an_organisation_that_every_row_is_declared_to_have_is_never_null(
    engine_database: Database,
) -> None:
    declared = {
        (entity.base or entity.table, entity.audit.organisation)
        for entity in load_model().entities.values()
        if entity.audit is not None and entity.audit.organisation_required
    }
    rows = await engine_database.read(
        "select table_name::text, column_name::text from information_schema.columns"
        " where is_nullable = 'NO'",
        deadline=time.monotonic() + 30,
    )
    assert ("membership", "organisation_id") in declared
    assert declared <= {tuple(row) for row in rows}
