"""A mutation sent again under its key shows what its caller may see now, not what they once saw."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest

from poutama.db.connection import Database
from poutama.engine import GraphQLResponse
from poutama.plan.operation import GraphQLRequest
from tests.db.sample_people import fill, snapshot, viewer_for
from tests.db.sessions import soon
from tests.db.test_mutation_roles import resolve, variables_of
from tests.db.test_payloads import ALLOWED, clients, find_rows, payload_of, showing_all
from tests.features.record import Caller, Case, MutationRecord
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

__all__ = ["clients"]

APPLIED = {"code": "NOT_FOUND", "applied": True}
END_ALL = "UPDATE membership SET ends_at = now() - interval '1 second' WHERE ends_at IS NULL"
NOTE = """mutation ($input: CreateGoalNoteInput!) {
  createGoalNote(input: $input) { note { id information goal { title } } }
}"""


async def send(client: EngineClient, caller: Caller, query: str, input: Any) -> GraphQLResponse:
    return await client.engine.execute(
        GraphQLRequest(query, variables=variables_of(input)),
        viewer_for(caller),
        deadline=time.monotonic() + 60,
        idempotency_key="once",
    )


def payload_in(answer: GraphQLResponse, record: MutationRecord) -> dict[str, Any]:
    """The payload; of several inputs, its one result."""
    payload: dict[str, Any] = json.loads(answer.body)["data"][record.name]
    (only,) = payload.get("results", [payload])
    return dict(only)


def shows_nothing(record: MutationRecord, shown: dict[str, Any], kinds: Iterable[str]) -> bool:
    """What a deleted row belonged to is null for those who no longer see it."""
    return record.name.startswith("delete") and not any(shown[name] for name in kinds)


def without_traces(rows: list[str]) -> list[str]:
    """Looking again may leave an entry of its own."""
    return [row for row in rows if not row.startswith("audit_entry")]


@pytest.mark.parametrize(("record", "case", "caller", "rendering"), ALLOWED)
async def test_what_is_shown_again_is_what_a_query_shows_now(
    engine_database: Database,
    clients: dict[str, EngineClient],
    record: MutationRecord,
    case: Case,
    caller: Caller,
    rendering: str,
) -> None:
    await fill(engine_database)
    viewer = viewer_for(caller)
    assert viewer is not None
    client = clients[rendering]
    kinds = payload_of(record.name)
    text, input = showing_all(record), resolve(case.input, id_of)
    first = payload_in(await send(client, caller, text, input), record)
    await engine_database.write(END_ALL, deadline=soon())
    before = without_traces(await snapshot(engine_database))
    answer = await send(client, caller, text, input)
    again = json.loads(answer.body)
    assert without_traces(await snapshot(engine_database)) == before, "it happened twice"
    rows = {
        name: await find_rows(client, viewer, kind, UUID(first[name]["id"]))
        for name, kind in kinds.items()
    }
    if "errors" not in again:
        # Who opened a record sees that it was, and a child the memberships of their caregivers,
        # though no query leads there once they have left.
        led = {name: found[0] for name, found in rows.items() if found}
        shown = payload_in(answer, record)
        if not shown.get("error"):
            assert led.items() <= shown.items()
            left = record.name == "openRecord" or case.about.startswith("the caregiver's")
            assert led or left or shows_nothing(record, shown, kinds)
            return
        assert shown["error"]["code"] == "NOT_FOUND"
        again = {"errors": [{"extensions": {**APPLIED}, "path": [record.name]}]}
    (error,) = again["errors"]
    assert (error["extensions"], error["path"]) == (APPLIED, [record.name])
    assert not all(rows.values()), "the caller may see what was written"


async def test_a_mentor_who_left_reads_nothing_by_a_key(
    engine_database: Database, client: EngineClient
) -> None:
    await fill(engine_database)
    input = {"goalId": str(id_of("goal")), "information": "Well done"}
    first = json.loads((await send(client, Caller.MENTOR, NOTE, input)).body)["data"]
    row = first["createGoalNote"]["note"]["id"]
    change = "UPDATE goal_note SET information = 'Very well done' WHERE id = $1"
    await engine_database.write(change, [UUID(row)], deadline=soon())
    again = json.loads((await send(client, Caller.MENTOR, NOTE, input)).body)["data"]
    assert again["createGoalNote"]["note"] == {
        **first["createGoalNote"]["note"],
        "information": "Very well done",
    }
    await engine_database.write(END_ALL, deadline=soon())
    refused = await send(client, Caller.MENTOR, NOTE, input)
    assert b"done" not in refused.body
    (error,) = json.loads(refused.body)["errors"]
    assert error["extensions"]["applied"] is True


async def test_a_key_keeps_no_content(engine_database: Database, client: EngineClient) -> None:
    await fill(engine_database)
    input = {"goalId": str(id_of("goal")), "information": "What only the student may know"}
    await send(client, Caller.STUDENT, NOTE, input)
    (row,) = await engine_database.read("SELECT * FROM idempotency_key", deadline=soon())
    assert "What only" not in str(tuple(row))


async def test_what_an_earlier_version_kept_is_not_shown(
    engine_database: Database, client: EngineClient
) -> None:
    await fill(engine_database)
    input = {"goalId": str(id_of("goal")), "information": "x"}
    await send(client, Caller.STUDENT, NOTE, input)
    await engine_database.write("UPDATE idempotency_key SET written = '[]'", deadline=soon())
    (error,) = json.loads((await send(client, Caller.STUDENT, NOTE, input)).body)["errors"]
    assert error["extensions"] == {"code": "NOT_FOUND", "applied": True}
    assert "has happened" in error["message"]
