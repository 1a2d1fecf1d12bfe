"""Keeps what is reported of a file's errors within bounds: the first of each code, then how many.

`roster.phases` and `roster.final_phases` use it; the counts lie in the job's checkpoint. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from poutama.features.roster.checkpoint import ErrorCount
from poutama.jobs.job import RowError

MAX_REPORTED = 1_000
"""Of each code in each file so many rows are reported one by one."""


class ErrorReport:
    """The errors of an import, as they are found."""

    def __init__(self, counts: Sequence[ErrorCount] = (), limit: int = MAX_REPORTED) -> None:
        """Go on from what was counted so far."""
        self._counts = Counter({(each.file, each.code): each.count for each in counts})
        self._limit = limit

    @property
    def counts(self) -> tuple[ErrorCount, ...]:
        """How many there were of each code in each file."""
        return tuple(
            ErrorCount(file, code, count) for (file, code), count in sorted(self._counts.items())
        )

    def admit(self, errors: Sequence[RowError]) -> list[RowError]:
        """Count them all, and return those that are reported."""
        admitted = []
        for error in errors:
            self._counts[error.file, error.code] += 1
            if self._counts[error.file, error.code] <= self._limit:
                admitted.append(error)
        return admitted

    def conclude(self) -> list[RowError]:
        """What was left out, in one line for each code of each file."""
        return [
            RowError(
                file=each.file,
                line=0,
                field="",
                code=each.code,
                message=f"{each.count - self._limit:,} more rows are not listed.",
            )
            for each in self.counts
            if each.count > self._limit
        ]
