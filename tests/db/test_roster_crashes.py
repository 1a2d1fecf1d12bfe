"""Workers at a roster are killed around every step: as if nothing had happened."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.db.registrar import APPLY, CHECK, Registrar, counts
from tests.db.studio import EXPIRE
from tests.db.victims import Victims, open_victims
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
async def victims() -> AsyncIterator[Victims]:
    async with open_victims("tests.db.crash_roster") as victims:
        yield victims


async def kill_at_every_step(registrar: Registrar, victims: Victims, url: str, id_: str) -> int:
    """Have each step's worker die in the next one; returns how many died."""
    rows = await registrar.rows("SELECT job_id FROM roster_import WHERE id::text = $1", id_)
    job, deaths = str(rows[0]["job_id"]), 0
    # The first dies before anything is committed, the others after one step each.
    while await victims.die(url, registrar.folder, job, min(2, deaths + 1)):
        deaths += 1
        await registrar.write(EXPIRE)
    return deaths


async def test_an_import_whose_workers_are_killed_around_every_step_is_like_any_other(
    registrar: Registrar, victims: Victims, database_url: str
) -> None:
    await registrar.import_(small_school())
    expected = await registrar.import_(NEXT)
    world = await registrar.world()
    assert len(counts(expected)) > 6

    await registrar.set_up()
    await registrar.import_(small_school())
    before = await registrar.keys()
    id_ = await registrar.start(NEXT)
    await registrar.ask(CHECK, i={"importId": id_})
    deaths = await kill_at_every_step(registrar, victims, database_url, id_)
    checked = await registrar.see(id_)
    given = {"importId": id_, "expectedVersion": checked["version"], "allowEndingPercent": 100}
    await registrar.ask(APPLY, i=given)
    deaths += await kill_at_every_step(registrar, victims, database_url, id_)

    applied = await registrar.see(id_)
    assert deaths > 50
    assert counts(applied) == counts(expected)
    assert applied["checkJob"]["rowErrors"] == expected["checkJob"]["rowErrors"]
    assert applied["changes"] == expected["changes"]
    assert await registrar.world() == world
    assert await registrar.staged() == 0
    known = {row["key"] for row in await registrar.rows("SELECT key FROM doomed_object")}
    known |= {row[0] for row in await registrar.rows("SELECT report_key FROM roster_import")}
    assert await registrar.keys() - before <= known
