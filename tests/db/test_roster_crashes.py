"""Workers at a roster are killed around every step: as if nothing had happened."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.db.evidence_harness import EXPIRE
from tests.db.killable_processes import KillableProcesses, open_processes
from tests.db.roster_importer import APPLY, CHECK, Importer, counts
from tests.unit.features.rosters import classes, enrolments, roster, small_school, user

# Something of each kind is added, changed and ended, and a row or two cannot be used.
NEXT = roster(
    classes=classes(("c1", "9 Pūtaiao ki roto"), ("c3", "11 Music")),
    users=[
        user("t1", "Hana Mero", "teacher"),
        user("u1", "Ānaru Renamed"),
        user("u4", "Di New"),
        user("u5", "No Email", email=""),
    ],
    enrollments=enrolments(
        ("c1", "t1", "teacher"),
        ("c1", "u1", "teacher"),
        ("c3", "u4", "student"),
        ("c3", "u9", "student"),
    ),
)


@pytest_asyncio.fixture(scope="module")
async def processes() -> AsyncIterator[KillableProcesses]:
    async with open_processes("tests.db.crash_roster") as processes:
        yield processes


async def kill_at_every_step(
    importer: Importer, processes: KillableProcesses, url: str, id_: str
) -> int:
    """Have each step's worker die in the next one; returns how many died."""
    rows = await importer.rows("SELECT job_id FROM roster_import WHERE id::text = $1", id_)
    job, deaths = str(rows[0]["job_id"]), 0
    # The first dies before anything is committed, the others after one step each.
    while await processes.die(url, importer.folder, job, min(2, deaths + 1)):
        deaths += 1
        await importer.write(EXPIRE)
    return deaths


async def offer_mentorship(importer: Importer) -> None:
    """Something that the next roster takes the place of."""
    await importer.write(
        "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source)"
        " SELECT gen_random_uuid(), g.organisation_id, g.id, p.id, 'MENTOR', 'INVITED'"
        " FROM learning_group AS g JOIN person AS p ON p.email = 'u1@school.example'"
        " WHERE g.name = '9 Pūtaiao'"
    )


async def test_an_import_whose_workers_are_killed_around_every_step_is_like_any_other(
    importer: Importer, processes: KillableProcesses, database_url: str
) -> None:
    await importer.import_(small_school())
    await offer_mentorship(importer)
    expected = await importer.import_(NEXT)
    world = await importer.world()
    assert len(counts(expected)) > 6

    await importer.set_up()
    await importer.import_(small_school())
    await offer_mentorship(importer)
    before = await importer.keys()
    id_ = await importer.start(NEXT)
    await importer.ask(CHECK, i={"importId": id_})
    deaths = await kill_at_every_step(importer, processes, database_url, id_)
    checked = await importer.see(id_)
    input = {"importId": id_, "expectedVersion": checked["version"], "allowEndingPercent": 100}
    await importer.ask(APPLY, i=input)
    deaths += await kill_at_every_step(importer, processes, database_url, id_)

    applied = await importer.see(id_)
    assert deaths > 50
    assert counts(applied) == counts(expected)
    assert applied["checkJob"]["rowErrors"] == expected["checkJob"]["rowErrors"]
    assert applied["changes"] == expected["changes"]
    assert await importer.world() == world
    assert await importer.staged() == 0
    known = {row["key"] for row in await importer.rows("SELECT key FROM doomed_object")}
    known |= {row[0] for row in await importer.rows("SELECT report_key FROM roster_import")}
    assert await importer.keys() - before <= known
