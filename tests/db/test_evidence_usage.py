"""Room for evidence: what a person and an organisation may have, however many ask at once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from poutama.features import load_features
from poutama.features.evidence.procedures import (
    AddEvidenceInput,
    EvidencePayload,
    add_evidence,
)
from poutama.plan.operation import GraphQLRequest
from poutama.procedure import Procedure, ProcedureContext
from tests.db.evidence_harness import ADD, DELETE, EvidenceHarness, announcement
from tests.db.sample_people import viewer_for
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.unit.features import photos

TEXT = "text/plain"
GOAL = """
INSERT INTO goal (id, person_id, goal_type, title, title_search, information, information_search)
VALUES ($1::uuid, $2::uuid, 'SPORTS', '', '', '', '')
"""
USAGE = "SELECT bytes, files FROM evidence_usage WHERE id = $1::uuid"


async def usage(harness: EvidenceHarness, holder: str) -> tuple[int, int]:
    rows = await harness.read(USAGE, id_of(holder))
    return tuple(rows[0]) if rows else (0, 0)


async def refused(harness: EvidenceHarness, **more: Any) -> Any:
    error = await harness.refuse(ADD, i=announcement(b"x" * 10, TEXT, **more))
    assert error["extensions"].pop("code") == "QUOTA_EXCEEDED"
    return error["extensions"]


async def test_a_person_may_have_so_many_files(harness: EvidenceHarness) -> None:
    harness.settings = replace(harness.settings, evidence_person_files=2)
    first = await harness.add(b"x" * 10, TEXT)
    await harness.add(b"x" * 10, TEXT)
    assert await refused(harness) == {"limit": "files", "allowed": 2}
    await harness.ask(DELETE, i={"evidenceId": first["id"]})
    await harness.add(b"x" * 10, TEXT)


async def test_a_person_may_have_so_many_bytes(harness: EvidenceHarness) -> None:
    harness.settings = replace(harness.settings, evidence_person_bytes=25)
    await harness.add(b"x" * 10, TEXT)
    await harness.add(b"x" * 10, TEXT)
    assert await refused(harness) == {"limit": "bytes", "allowed": 25}
    await harness.add(b"x" * 5, TEXT)
    assert await usage(harness, Caller.STUDENT) == (25, 3)


async def test_an_organisations_students_share_its_room(harness: EvidenceHarness) -> None:
    harness.settings = replace(harness.settings, evidence_organisation_bytes=25)
    theirs = id_of("classmate's goal")
    await harness.write(GOAL, theirs, id_of(Caller.CLASSMATE))
    input = announcement(b"x" * 20, TEXT, goalId=str(theirs))
    await harness.ask(ADD, Caller.CLASSMATE, i=input)
    assert await refused(harness) == {"limit": "organisation", "allowed": 25}
    assert await usage(harness, "organisation") == (20, 1)
    assert await usage(harness, Caller.STUDENT) == (0, 0)


async def test_who_is_no_student_anywhere_counts_alone(harness: EvidenceHarness) -> None:
    goal = id_of("stranger's goal")
    await harness.write(GOAL, goal, id_of(Caller.STRANGER))
    input = announcement(b"x" * 20, TEXT, goalId=str(goal))
    added = (await harness.ask(ADD, Caller.STRANGER, i=input))["evidence"]
    assert await usage(harness, Caller.STRANGER) == (20, 1)
    row = await harness.row(added["id"])
    assert (row["uploader_id"], row["organisation_id"]) == (id_of(Caller.STRANGER), None)


async def test_what_counts_is_what_is_served_and_nothing_where_nothing_is(
    harness: EvidenceHarness,
) -> None:
    photo = photos.photo("PNG")
    ready = await harness.hand_in(photo, "image/png")
    assert ready["bytes"] < len(photo)
    assert await usage(harness, "organisation") == (ready["bytes"], 1)
    await harness.hand_in(photo[:100], "image/png")
    assert await usage(harness, "organisation") == (ready["bytes"], 1)


async def test_two_at_once_get_no_more_room_than_one(harness: EvidenceHarness) -> None:
    harness.settings = replace(harness.settings, evidence_person_bytes=15)
    procedures = load_features().procedures
    both, tries = asyncio.Barrier(2), 0

    async def meet(context: ProcedureContext, input: AddEvidenceInput) -> EvidencePayload:
        nonlocal tries
        tries += 1
        await context.transaction.fetch(USAGE, context.viewer.person_id)
        if tries <= 2:
            await both.wait()
        return await add_evidence(context, input)

    engine = harness.engine({**procedures, "add_evidence": Procedure.of(meet)})
    request = GraphQLRequest(ADD, variables={"i": announcement(b"x" * 10, TEXT)})
    answers = await asyncio.gather(
        *(engine.execute(request, viewer_for(Caller.STUDENT), deadline=soon()) for _ in range(2))
    )
    bodies = [json.loads(answer.body) for answer in answers]
    codes = [body["errors"][0]["extensions"]["code"] for body in bodies if "errors" in body]
    assert codes == ["QUOTA_EXCEEDED"]
    assert tries == 3
    assert await usage(harness, Caller.STUDENT) == (10, 1)
