"""A volume is printed in a process of its own, which has limits; what is in one is bounded."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from poutama.features.exports import printing
from poutama.features.exports.journey import JourneyGoal, count_goals
from poutama.features.exports.pdf_document import Volume, print_journey
from poutama.features.exports.print_process import LIMITS, PrintRequest
from poutama.features.exports.printing import (
    VOLUME_WEIGHT,
    PrintProcessError,
    print_apart,
    weigh,
)
from tests.unit.features.exports.sample import GARDEN, GOALS, HEADING, describe_goal

LINES = "a\n" * 5_000


def make_request(*goals: JourneyGoal) -> PrintRequest:
    return PrintRequest(HEADING, goals, Volume(1, 1, 1, count_goals(goals)), ())


def with_notes(*texts: str) -> JourneyGoal:
    return replace(GARDEN, notes=tuple(replace(GARDEN.notes[0], information=t) for t in texts))


def test_it_is_the_same_as_in_the_process_of_the_worker() -> None:
    request = make_request(*GOALS)
    assert print_apart(request, {}) == print_journey(HEADING, GOALS, request.volume, {})


def test_the_heaviest_volume_is_printed_within_the_limits() -> None:
    """Of all texts short lines take the most memory for their weight, measured."""
    goal = with_notes(*[LINES] * 6)
    weight = weigh([describe_goal(goal)])
    assert VOLUME_WEIGHT * 0.8 < weight <= VOLUME_WEIGHT
    # Half of the memory that there may be: what is heavier can be a goal by itself.
    code = f"p.LIMITS = p.Limits({LIMITS.memory * 2 // 3}, {LIMITS.cpu // 2}, {LIMITS.file})"
    assert print_with(code, goal) is not None


@pytest.mark.parametrize(
    "limits", ["p.Limits(450_000_000, 60, 9_000_000)", "p.Limits(1_500_000_000, 1, 9_000_000)"]
)
def test_what_takes_more_than_it_may_is_not_printed(limits: str) -> None:
    assert print_with(f"p.LIMITS = {limits}", with_notes(*[LINES] * 6)) is None


def test_what_takes_more_than_it_may_to_be_read_is_not_printed() -> None:
    code = "def fail(*_, **__): raise MemoryError\np.msgspec.json.decode = fail"
    assert print_with(code, GARDEN) is None


def test_a_fault_of_ours_is_an_error() -> None:
    with pytest.raises(PrintProcessError, match="ended with 1: ImportError: typst"):
        print_with("raise ImportError('typst')", GARDEN)


def test_a_process_that_does_not_end_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "SECONDS", 0.0)
    assert print_apart(make_request(GARDEN), {}) is None


def print_with(code: str, goal: JourneyGoal) -> bytes | None:
    """Print the goal by the process, which runs some code before it begins."""
    run = subprocess.run

    def run_other(command: list[str], **options: object) -> object:
        program = (
            f"import sys\nfrom poutama.features.exports import print_process as p\n{code}\n"
            f"raise SystemExit(p.run_print_process({command[-1:]!r}))\n"
        )
        return run([sys.executable, "-c", program], **options)  # type: ignore[call-overload]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(subprocess, "run", run_other)
        return print_apart(make_request(goal), {})
