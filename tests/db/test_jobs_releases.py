"""Jobs that were written by another release of the program: they go on, or say why they cannot."""

from __future__ import annotations

import msgspec
import pytest

from poutama.jobs.job import Finished, JobKind, Progress, Step
from tests.db.job_harness import MAKE_DUE, Counted, CountStep, JobHarness, Returned, Units, counting

WRITTEN = "UPDATE job SET {column} = '{value}'::jsonb WHERE id = $1::uuid"


class NewUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The input of the next release."""

    units: int = 3
    colour: str = "red"


class NewCounted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its checkpoint."""

    unit: int = 0
    seen: tuple[str, ...] = ()


async def count_in_colour(step: Step[NewUnits, NewCounted]) -> Progress[NewCounted] | Finished:
    unit = step.checkpoint.unit + 1
    if unit == step.input.units:
        assert step.checkpoint.seen == ("red",) * (unit - 1)
        return Finished()
    seen = (*step.checkpoint.seen, step.input.colour)
    return Progress(checkpoint=NewCounted(unit, seen))


NEW = JobKind(input=NewUnits, checkpoint=NewCounted, step=count_in_colour)


async def count_once(step: CountStep) -> Returned:
    return Finished() if step.checkpoint.unit else Progress(checkpoint=Counted(1))


async def test_a_field_with_a_default_may_be_added(shop: JobHarness) -> None:
    job = await shop.ask()
    shop.kinds["COUNT"] = NEW
    assert await shop.run(job) == "SUCCEEDED"


async def test_a_worker_of_the_release_before_leaves_the_job_to_another(shop: JobHarness) -> None:
    """What it does not know is not dropped, and the job goes on where it was."""
    job = await shop.ask()
    await shop.change(
        WRITTEN.format(column="checkpoint", value='{"unit": 2, "seen": ["red", "red"]}'), job
    )
    assert await shop.run(job) == "QUEUED"
    row = await shop.row(job)
    assert 60 <= (row["not_before"] - row["updated_at"]).total_seconds() <= 120
    shop.kinds["COUNT"] = NEW
    await shop.change(MAKE_DUE, job)
    assert await shop.run(job) == "SUCCEEDED"
    assert await shop.effects(job) == []


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("input", '{"units": "3"}', "(input: Expected `int`, got `str` - at `$.units`)"),
        ("input", "[]", "(input: Expected `object`, got `array`)"),
        (
            "checkpoint",
            '{"place": 1}',
            "(checkpoint: Object contains unknown field `place`)",
        ),
        ("checkpoint", '{"unit": null}', "(checkpoint: Expected `int`, got `null` - at `$.unit`)"),
    ],
)
async def test_a_job_that_fits_no_struct_fails_and_says_why(
    shop: JobHarness, column: str, value: str, why: str
) -> None:
    shop.kinds["COUNT"] = counting(count_once)
    job = await shop.ask()
    await shop.change(WRITTEN.format(column=column, value=value), job)
    assert await shop.run(job, job_attempts=1) == "FAILED"
    row = await shop.row(job)
    assert row["failure"] == (
        f"The job was begun by another release of Poutama, and this one cannot go on with it {why}."
        " Start it again."
    )
    assert (row["steps"], row["done"]) == (0, 0)


async def test_an_input_is_what_was_asked_for(shop: JobHarness) -> None:
    inputs: list[Units] = []

    async def step(step: CountStep) -> Returned:
        inputs.append(step.input)
        return Finished()

    shop.kinds["COUNT"] = counting(step)
    await shop.run(await shop.ask(units=7))
    assert inputs == [Units(7)]
