"""A job says when to read it again: soon at first, seldom later, not at all once it has ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from poutama.features.jobs.retry_after import suggest_pause
from poutama.jobs.job import JobState

BEGIN = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


def pause(state: str, taken: float) -> int | None:
    return suggest_pause(state, BEGIN.isoformat(), (BEGIN + timedelta(seconds=taken)).isoformat())


@pytest.mark.parametrize("state", list(JobState))
def test_a_job_that_has_ended_is_not_read_again(state: JobState) -> None:
    is_open = state in (JobState.QUEUED, JobState.RUNNING)
    assert (pause(state, 3) is not None) == is_open


@pytest.mark.parametrize(
    ("taken", "expected"), [(0, 1), (4, 1), (30, 3), (100, 10), (151, 15), (86_400, 15)]
)
def test_the_longer_it_takes_the_more_seldom_it_is_read(taken: float, expected: int) -> None:
    assert pause("RUNNING", taken) == expected
