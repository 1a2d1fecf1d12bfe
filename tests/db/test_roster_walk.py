"""The jobs of an import walk in steps: small ones, over many invocations, and they tell how far."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from poutama.features.roster import conclusions, phases, steps, walk
from poutama.jobs.job import Finished, Progress
from tests.db.registrar import CHECK, SEE, Registrar, counts, small
from tests.unit.features.rosters import small_school

SMALL = {"groupsAdded": 2, "peopleAdded": 4, "membershipsAdded": 6}


async def test_its_jobs_tell_how_far_they_are(
    registrar: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Progress[walk.WalkCheckpoint] | Finished] = []

    async def telling(
        step: walk.WalkStep, phases: Sequence[tuple[str, walk.Phase]]
    ) -> Progress[walk.WalkCheckpoint] | Finished:
        told.append(await walk.walk(step, phases))
        return told[-1]

    monkeypatch.setattr(steps, "walk", telling)
    monkeypatch.setattr(walk, "BATCH", 2)
    checked = await registrar.check(small_school())
    told_all(told)
    told.clear()
    await registrar.apply(checked)
    told_all(told)


def told_all(told: list[Progress[walk.WalkCheckpoint] | Finished]) -> None:
    """What was to be done is known early, never less than it was, and done in the end."""
    done = [turn.done for turn in told]
    totals = [turn.total for turn in told if isinstance(turn, Progress) and turn.total is not None]
    assert len(totals) > 10
    assert totals == sorted(totals)
    assert done == sorted(each or 0 for each in done)
    assert done[-1] == totals[-1]
    assert len(set(done)) > 10


async def test_an_import_goes_through_however_small_its_batches_are(
    registrar: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registrar.import_(small_school())
    await registrar.import_(small())
    expected = await registrar.world()
    await registrar.set_up()
    for module in (walk, phases, conclusions):
        monkeypatch.setattr(module, "BATCH", 2)
    await registrar.import_(small_school())
    await registrar.import_(small())
    assert await registrar.world() == expected


async def test_an_import_goes_through_in_invocations_of_three_seconds(
    registrar: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = itertools.count()
    # Whenever the worker looks, another second has passed.
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + next(looks))
    monkeypatch.setattr("poutama.worker.time", clock)
    id_ = await registrar.start(small_school())
    await registrar.ask(CHECK, i={"importId": id_})
    invocations, state = 0, "QUEUED"
    while state == "QUEUED":
        looks = itertools.count()
        state = await registrar.work(id_, seconds=3.0) or ""
        invocations += 1
    assert state == "SUCCEEDED"
    assert invocations > 10
    assert counts(await registrar.ask(SEE, id=id_)) == SMALL
