"""An export is for those who have every right in which it was read, not one that came later."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from poutama.edge.worker_resources import EngineQuery
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.settings import Settings
from tests.db.journey_exporter import STUDENT, JourneyExporter
from tests.features.record import Caller
from tests.features.sample import id_of

RESULT = "query ($job: UUID!) { job(jobId: $job) { state resultUrl } }"
END = "UPDATE membership SET ends_at = now() WHERE id = $1::uuid"
ADD = """
INSERT INTO membership (id, organisation_id, group_id, person_id, child_id, role, source, begins_at,
    accepted_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::text, 'INVITED', now(), now())
"""
NEAR, FAR, MENTOR = id_of("organisation"), id_of("other organisation"), id_of(Caller.MENTOR)


def sign(key: str, name: str, media_type: str) -> str:
    return f"https://files.example/{key}?{name}&{media_type}"


async def export(exporter: JourneyExporter) -> UUID:
    """What the mentor has exported, with notes for staff."""
    job = await exporter.wish(Caller.MENTOR, notes_for_staff=True)
    assert await exporter.run(job) == "SUCCEEDED"
    assert await is_delivered(exporter, job)
    return job


async def care(exporter: JourneyExporter) -> UUID:
    """The mentor is a caregiver of the student as well; returns that membership."""
    membership = uuid4()
    await exporter.write(ADD, membership, NEAR, None, MENTOR, STUDENT, "CAREGIVER")
    return membership


async def mentor_far_away(exporter: JourneyExporter) -> UUID:
    """The mentor mentors the student in another organisation as well; returns that membership."""
    memberships = uuid4(), uuid4()
    for id_, person, role in zip(
        memberships, (STUDENT, MENTOR), ("STUDENT", "MENTOR"), strict=True
    ):
        await exporter.write(ADD, id_, FAR, id_of("far group"), person, None, role)
    return memberships[1]


async def is_delivered(exporter: JourneyExporter, job: UUID) -> bool:
    features, computed = load_features(), {"download_url": sign}
    engine = Engine(
        load_model(),
        exporter.database,
        Settings(),
        features.procedures,
        computed=lambda _: computed,
    )
    found = (await EngineQuery(engine, 60.0)(RESULT, {"job": str(job)}, MENTOR))["job"]
    assert found["state"] == "SUCCEEDED"
    return found["resultUrl"] is not None


async def test_what_a_mentor_exported_is_not_for_the_caregiver_they_are_later(
    exporter: JourneyExporter,
) -> None:
    job = await export(exporter)
    await care(exporter)
    assert await is_delivered(exporter, job)
    await exporter.write(END, id_of("mentor's"))
    assert not await is_delivered(exporter, job)


@pytest.mark.parametrize("ended", ["mentor's", "caregiver's"])
async def test_what_one_reads_as_mentor_and_caregiver_is_for_neither_alone(
    exporter: JourneyExporter, ended: str
) -> None:
    """A goal for caregivers may be for the mentors of another organisation alone."""
    membership = await care(exporter)
    job = await export(exporter)
    await exporter.write(END, membership if ended == "caregiver's" else id_of("mentor's"))
    assert not await is_delivered(exporter, job)


@pytest.mark.parametrize("ended", ["near", "far"])
async def test_what_is_read_as_the_staff_of_two_organisations_is_not_for_that_of_one(
    exporter: JourneyExporter, ended: str
) -> None:
    far = await mentor_far_away(exporter)
    job = await export(exporter)
    await exporter.write(END, far if ended == "far" else id_of("mentor's"))
    assert not await is_delivered(exporter, job)


async def test_what_one_becomes_after_it_was_read_takes_nothing_away(
    exporter: JourneyExporter,
) -> None:
    job = await export(exporter)
    for membership in (await mentor_far_away(exporter), await care(exporter)):
        assert await is_delivered(exporter, job)
        await exporter.write(END, membership)
        assert await is_delivered(exporter, job)


async def test_what_one_became_while_it_was_written_counts(exporter: JourneyExporter) -> None:
    """Requested as the caregiver, read as a mentor of some days."""
    await exporter.write("UPDATE membership SET begins_at = now() + interval '1 day'"
                         " WHERE id = $1::uuid", id_of("mentor's"))  # fmt: skip
    await care(exporter)
    job = await exporter.wish(Caller.MENTOR, notes_for_staff=True)
    begin = "UPDATE membership SET begins_at = now() WHERE id = $1::uuid"
    await exporter.write(begin, id_of("mentor's"))
    assert await exporter.run(job) == "SUCCEEDED"
    await exporter.write(END, id_of("mentor's"))
    assert not await is_delivered(exporter, job)


async def test_what_is_read_as_a_caregiver_is_for_the_caregiver(exporter: JourneyExporter) -> None:
    membership = await care(exporter)
    await exporter.write(END, id_of("mentor's"))
    job = await export(exporter)
    await exporter.write(END, membership)
    assert not await is_delivered(exporter, job)


async def test_what_a_mentor_exported_is_not_for_the_mentor_in_another_organisation(
    exporter: JourneyExporter,
) -> None:
    job = await export(exporter)
    await exporter.write(END, id_of("mentor's"))
    await mentor_far_away(exporter)
    assert not await is_delivered(exporter, job)
