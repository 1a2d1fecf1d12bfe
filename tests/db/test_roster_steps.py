"""The jobs of an import go in steps: small ones, over many invocations, that report how far."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from uuid import UUID

import pytest

from poutama.features.roster import final_phases, phases, runner, steps
from poutama.features.roster.checkpoint import RosterPhase
from poutama.features.roster.runner import CheckStep, PhaseFunction, RosterProgress
from poutama.jobs.job import Finished, Progress
from poutama.settings import Settings
from tests.db.roster_importer import APPLY, CHECK, SEE, Importer, counts, small
from tests.unit.features.rosters import small_school

SMALL = {"groupsAdded": 2, "peopleAdded": 4, "membershipsAdded": 6}


async def test_its_jobs_report_how_far_they_are(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    returned: list[RosterProgress | Finished] = []

    async def watch(
        step: CheckStep,
        order: Sequence[RosterPhase],
        functions: Mapping[RosterPhase, PhaseFunction],
    ) -> RosterProgress | Finished:
        returned.append(await runner.run_phase(step, order, functions))
        return returned[-1]

    monkeypatch.setattr(steps, "run_phase", watch)
    monkeypatch.setattr(runner, "BATCH", 2)
    checked = await importer.check(small_school())
    require_progress(returned)
    returned.clear()
    await importer.apply(checked)
    require_progress(returned)


def require_progress(returned: list[RosterProgress | Finished]) -> None:
    """What was to be done is known early, never less than it was, and done in the end."""
    done = [each.done for each in returned]
    totals = [
        each.total for each in returned if isinstance(each, Progress) and each.total is not None
    ]
    assert len(totals) > 10
    assert totals == sorted(totals)
    assert done == sorted(each or 0 for each in done)
    assert done[-1] == totals[-1]
    assert len(set(done)) > 10


async def test_an_import_goes_through_however_small_its_batches_are(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await importer.import_(small_school())
    await importer.import_(small())
    expected = await importer.world()
    await importer.set_up()
    for module in (runner, phases, final_phases):
        monkeypatch.setattr(module, "BATCH", 2)
    await importer.import_(small_school())
    await importer.import_(small())
    assert await importer.world() == expected


async def test_an_import_goes_through_in_invocations_of_three_seconds(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = itertools.count()
    # Whenever the worker looks, another second has passed.
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + next(looks))
    monkeypatch.setattr("poutama.worker.time", clock)
    id_ = await importer.start(small_school())
    await importer.ask(CHECK, i={"importId": id_})
    invocations, state = 0, "QUEUED"
    while state == "QUEUED":
        looks = itertools.count()
        state = await importer.work(id_, seconds=3.0) or ""
        invocations += 1
    assert state == "SUCCEEDED"
    assert invocations > 10
    assert counts(await importer.ask(SEE, id=id_)) == SMALL


@pytest.mark.parametrize("mutation", [CHECK, APPLY])
async def test_a_job_of_the_release_before_fails_and_can_be_requested_again(
    importer: Importer, mutation: str
) -> None:
    checked = await importer.check(small())
    request = {"importId": checked["id"]}
    if mutation == APPLY:
        request["expectedVersion"] = checked["version"]
    await importer.ask(mutation, i=request)
    await importer.write(
        """
UPDATE job SET checkpoint = '{"phase": "match groups", "at": {"place": 4000}, "state": {"top": {}}}'
WHERE id = (SELECT job_id FROM roster_import WHERE id = $1::uuid)
""",
        UUID(checked["id"]),
    )
    # The worker may be of the older release of two: it leaves the job to others a few times.
    for _ in range(Settings().job_attempts):
        await importer.write("UPDATE job SET not_before = now()")
        await importer.work(checked["id"])
    failed = await importer.see(checked["id"])
    assert (failed["state"], failed["job"]["state"]) == ("FAILED", "FAILED")
    assert failed["job"]["failure"].startswith("The job was begun by another release of Poutama")
    assert failed["job"]["failure"].endswith("Start it again.")
    await importer.ask(CHECK, i={"importId": checked["id"]})
    await importer.work(checked["id"])
    assert (await importer.see(checked["id"]))["state"] == "CHECKED"
