"""Managers and administrators read what a student wrote only while they have opened the record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sample_people import COLLEAGUE, fill, viewer_for
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.records import REASON
from tests.features.sample import id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient

STUDENT = str(id_of(Caller.STUDENT))
GOAL = str(id_of("goal"))
PLACE = str(id_of("organisation"))
LEADERS = (Caller.MANAGER, Caller.ADMIN)
LOOK = """
query ($student: UUID!, $goal: UUID!, $evidence: UUID!) {
  person(personId: $student) {
    name email memberships { role }
    goals { title tasks { id } notes { information } evidence { id } }
    goalsConnection { totalCount }
  }
  goals(goalId: $goal, filter: {}) { title }
  evidence(evidenceId: $evidence) { title }
  organisations {
    groups { progress { active } }
    withGoals: memberships(filter: { person: { goals: { some: {} } } }) { id }
    memberships { person { goals { id } } }
  }
}
"""
OPEN = """
mutation ($student: UUID!, $reason: String! = "A mentor reported harm") {
  openRecord(input: { personId: $student, reason: $reason }) {
    openedRecord { id createdAt expiresAt closedAt otherAdministrators person { id } }
  }
}
"""
CLOSE = """
mutation ($opened: UUID!) {
  closeRecord(input: { openedRecordId: $opened }) { openedRecord { closedAt version } }
}
"""
NOTE = """
mutation ($goal: UUID!) {
  createGoalNote(input: { goalId: $goal, information: "We talked." }) { note { id } }
}
"""
EXPORT = "mutation ($of: UUID!) { exportJourney(input: { personId: $of }) { job { id } } }"
SEE = "{ me { openedRecords { reason openerName opener { id } expiresAt organisation { name } } } }"
LIST = """
{ organisations { openedRecordsConnection { nodes { reason openerName person { name } } } } }
"""
END = "UPDATE membership SET ends_at = now() WHERE id = $1::uuid"
EXPIRE = (
    "UPDATE opened_record SET created_at = created_at - interval '5 hours',"
    " expires_at = expires_at - interval '5 hours'"
)


@pytest.fixture(params=RENDERINGS)
async def client(request: pytest.FixtureRequest, engine_database: Database) -> EngineClient:
    await fill(engine_database)
    return EngineClient(engine_database, request.param)


async def look(client: EngineClient, caller: Caller) -> Any:
    ids = {"student": STUDENT, "goal": GOAL, "evidence": str(id_of("evidence"))}
    return await client.ask(LOOK, viewer_for(caller), **ids)


async def reads_content(client: EngineClient, caller: Caller) -> bool:
    """Whether the student's content is read by every way, or by none."""
    seen = await look(client, caller)
    (organisation,) = seen["organisations"]
    ways: set[bool] = {
        bool(seen["person"]["goals"]),
        seen["person"]["goalsConnection"]["totalCount"] > 0,
        bool(seen["goals"]),
        seen["evidence"] is not None,
        bool(organisation["withGoals"]),
        any(each["person"] and each["person"]["goals"] for each in organisation["memberships"]),
    }
    assert len(ways) == 1, seen
    return ways.pop()


async def open_record(client: EngineClient, caller: Caller) -> Any:
    answer = await client.ask(OPEN, viewer_for(caller), student=STUDENT)
    return answer["openRecord"]["openedRecord"]


@pytest.mark.parametrize("caller", LEADERS)
async def test_who_leads_sees_people_memberships_and_counts_and_no_content(
    client: EngineClient, caller: Caller
) -> None:
    assert not await reads_content(client, caller)
    seen = await look(client, caller)
    assert seen["person"]["name"] == Caller.STUDENT
    assert seen["person"]["email"] == "the-student@school.example"
    assert len(seen["person"]["memberships"]) == 2
    assert {"progress": {"active": 1}} in seen["organisations"][0]["groups"]
    assert await client.refuse(NOTE, viewer_for(caller), goal=GOAL) == "NOT_FOUND"
    assert await client.refuse(EXPORT, viewer_for(caller), of=STUDENT) == "NOT_FOUND"


@pytest.mark.parametrize("caller", LEADERS)
async def test_an_opened_record_is_read_until_it_is_closed(
    client: EngineClient, caller: Caller
) -> None:
    opened = await open_record(client, caller)
    assert await reads_content(client, caller)
    seen = (await look(client, caller))["person"]["goals"]
    assert [len(seen[0][part]) for part in ("tasks", "notes", "evidence")] == [2, 3, 1]
    await client.ask(NOTE, viewer_for(caller), goal=GOAL)
    await client.ask(EXPORT, viewer_for(caller), of=STUDENT)
    first, again = [
        await client.ask(CLOSE, viewer_for(caller), opened=opened["id"]) for _ in range(2)
    ]
    assert first == again
    assert not await reads_content(client, caller)
    assert await client.refuse(NOTE, viewer_for(caller), goal=GOAL) == "NOT_FOUND"


async def test_only_who_opened_it_reads_and_only_of_that_student(client: EngineClient) -> None:
    await client.ask(OPEN, viewer_for(Caller.MANAGER), student=str(id_of(Caller.CLASSMATE)))
    assert not await reads_content(client, Caller.MANAGER)
    await open_record(client, Caller.MANAGER)
    assert not await reads_content(client, Caller.ADMIN)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (EXPIRE, ()),
        (END, (id_of("student's"),)),
        ("UPDATE membership SET role = 'MENTOR', group_id = $2::uuid WHERE id = $1::uuid",
         (id_of("manager's"), id_of("other group"))),
        (END, (id_of("manager's"),)),
    ],
    ids=["it expired", "the student left", "the manager leads no more", "the manager left"],
)  # fmt: skip
async def test_the_right_ends_at_once_when(
    client: EngineClient, statement: str, values: tuple[UUID, ...]
) -> None:
    await open_record(client, Caller.MANAGER)
    await client.database.write(statement, values, deadline=soon())
    goals = "query ($goal: UUID!) { goals(goalId: $goal) { id } }"
    assert await client.refuse(goals, viewer_for(Caller.MANAGER), goal=GOAL) == "NOT_FOUND"
    assert await client.refuse(NOTE, viewer_for(Caller.MANAGER), goal=GOAL) == "NOT_FOUND"


async def test_the_result_of_an_export_is_read_while_the_record_is_open(
    client: EngineClient,
) -> None:
    await open_record(client, Caller.MANAGER)
    answer = await client.ask(EXPORT, viewer_for(Caller.MANAGER), of=STUDENT)
    job = answer["exportJourney"]["job"]["id"]
    await client.database.write(
        "UPDATE job SET result_key = 'k', result_name = 'n', result_type = 't'", deadline=soon()
    )
    computed = {"download_url": lambda *_: "https://files.example"}
    settings = Settings(rendering=client.rendering)
    client.engine = Engine(
        load_model(),
        client.database,
        settings,
        load_features().procedures,
        computed=lambda _: computed,
    )
    query = "query ($job: UUID!) { job(jobId: $job) { resultUrl } }"
    manager = viewer_for(Caller.MANAGER)
    assert (await client.ask(query, manager, job=job))["job"]["resultUrl"] is not None
    await client.database.write(EXPIRE, deadline=soon())
    assert (await client.ask(query, manager, job=job))["job"]["resultUrl"] is None


async def test_the_student_sees_who_opened_the_record_and_why(client: EngineClient) -> None:
    opened = await open_record(client, Caller.MANAGER)
    await look(client, Caller.MANAGER)
    student = viewer_for(Caller.STUDENT)
    newest, _ = (await client.ask(SEE, student))["me"]["openedRecords"]
    assert newest == {
        "reason": REASON,
        "openerName": "manager",
        "opener": None,  # a student does not see a manager as a person; the name is enough
        "expiresAt": opened["expiresAt"],
        "organisation": {"name": "organisation"},
    }
    log = await client.ask(
        "{ me { auditConnection { nodes { action kind actorName } } } }", student
    )
    entries = {tuple(entry.values()) for entry in log["me"]["auditConnection"]["nodes"]}
    assert {("INSERT", "OpenedRecord", "manager"), ("READ", "Goal", "manager")} <= entries


async def test_the_administrators_see_which_records_were_opened_and_no_one_else_does(
    client: EngineClient,
) -> None:
    await open_record(client, Caller.ADMIN)
    viewers = {caller: viewer_for(caller) for caller in Caller if caller is not Caller.ANONYMOUS}
    seen: dict[str, list[str]] = {}
    for name, viewer in [*viewers.items(), (COLLEAGUE, Viewer(id_of(COLLEAGUE)))]:
        organisations = (await client.ask(LIST, viewer))["organisations"]
        nodes = [
            node["openerName"]
            for each in organisations
            for node in each["openedRecordsConnection"]["nodes"]
        ]
        if nodes:
            seen[name] = sorted(nodes)
    both = [Caller.ADMIN.value, COLLEAGUE]
    assert seen == {Caller.ADMIN: both, COLLEAGUE: both, Caller.STUDENT: both}


async def test_a_record_says_how_many_other_administrators_see_it(client: EngineClient) -> None:
    assert (await open_record(client, Caller.ADMIN))["otherAdministrators"] == 1
    assert (await open_record(client, Caller.MANAGER))["otherAdministrators"] == 2
    await client.database.write(END, [id_of("second admin's")], deadline=soon())
    assert (await open_record(client, Caller.ADMIN))["otherAdministrators"] == 0


@pytest.mark.parametrize("reason", ["", "because", "x" * 501])
async def test_a_reason_is_required(client: EngineClient, reason: str) -> None:
    manager = viewer_for(Caller.MANAGER)
    code = await client.refuse(OPEN, manager, student=STUDENT, reason=reason)
    assert code == "BAD_USER_INPUT"


async def test_a_person_opens_so_many_records_a_day(client: EngineClient) -> None:
    await open_record(client, Caller.MANAGER)
    await client.database.write(
        "INSERT INTO opened_record (id, person_id, opener_id, opener_name, organisation_id, reason,"
        " other_administrators, expires_at) SELECT gen_random_uuid(), person_id, opener_id,"
        " opener_name, organisation_id, reason, 0, expires_at FROM opened_record AS o"
        " CROSS JOIN generate_series(2, $1) WHERE o.opener_name = 'manager'",
        [Settings().max_opened_records_a_day],
        deadline=soon(),
    )
    manager = viewer_for(Caller.MANAGER)
    assert await client.refuse(OPEN, manager, student=STUDENT) == "QUOTA_EXCEEDED"
    await open_record(client, Caller.ADMIN)


@pytest.mark.parametrize(("hours", "expected"), [(4, 4), (1, 1), (1000, 24)])
async def test_it_is_open_for_the_hours_of_the_setting_and_a_day_at_most(
    client: EngineClient, hours: int, expected: int
) -> None:
    settings = replace(Settings(rendering=client.rendering), opened_record_hours=hours)
    client.engine = Engine(load_model(), client.database, settings, load_features().procedures)
    opened = await open_record(client, Caller.MANAGER)
    created, expires = (datetime.fromisoformat(opened[at]) for at in ("createdAt", "expiresAt"))
    assert (expires - created).total_seconds() == expected * 3600


async def test_no_record_is_opened_in_an_organisation_that_is_not_verified(
    client: EngineClient,
) -> None:
    doubt = "UPDATE organisation SET verified = false"
    await client.database.write(doubt, deadline=soon())
    inside = OPEN.replace("reason: $reason", f'reason: $reason, organisationId: "{PLACE}"')
    for caller in LEADERS:
        for document in (OPEN, inside):
            code = await client.refuse(document, viewer_for(caller), student=STUDENT)
            assert code == "FORBIDDEN"
        assert not await reads_content(client, caller)


async def test_who_leads_in_two_places_says_in_which(client: EngineClient) -> None:
    await client.database.write("UPDATE organisation SET verified = true", deadline=soon())
    for person, role, group in (
        (Caller.MANAGER, "MENTOR_MANAGER", None),
        (Caller.STUDENT, "STUDENT", id_of("far group")),
    ):
        await client.database.write(
            "INSERT INTO membership (id, organisation_id, person_id, role, group_id, source,"
            " begins_at, accepted_at)"
            " VALUES (gen_random_uuid(), $1, $2, $3, $4, 'INVITED', now(), now())",
            [id_of("other organisation"), id_of(person), role, group],
            deadline=soon(),
        )
    manager = viewer_for(Caller.MANAGER)
    assert await client.refuse(OPEN, manager, student=STUDENT) == "BAD_USER_INPUT"
    answer = await client.ask(
        OPEN.replace("reason: $reason", "reason: $reason, organisationId: $place").replace(
            "($student", "($place: UUID!, $student"
        ),
        manager,
        student=STUDENT,
        place=str(id_of("other organisation")),
    )
    assert answer["openRecord"]["openedRecord"]["person"] == {"id": STUDENT}
    goals = "query ($goal: UUID!) { goals(goalId: $goal) { id } }"
    assert (await client.ask(goals, manager, goal=GOAL))["goals"]
    # It holds there alone: the other organisation that the manager leads gives no right.
    await client.database.write(
        "UPDATE membership SET ends_at = now() WHERE organisation_id = $1 AND person_id = $2",
        [id_of("other organisation"), id_of(Caller.MANAGER)],
        deadline=soon(),
    )
    assert await client.refuse(goals, manager, goal=GOAL) == "NOT_FOUND"


async def test_a_read_of_an_opened_record_is_one_statement(client: EngineClient) -> None:
    await open_record(client, Caller.MANAGER)
    ids = {"student": STUDENT, "goal": GOAL, "evidence": str(id_of("evidence"))}
    request = GraphQLRequest(LOOK, variables=ids)
    viewer = viewer_for(Caller.MANAGER)
    traces: list[StatementTrace] = []
    with client.database.observe(traces.append):
        answer = await client.engine.execute(request, viewer, deadline=soon())
    assert "errors" not in json.loads(answer.body)
    assert [trace.outcome for trace in traces] == ["ok"]
