"""The words between the processes of a measurement. Plain data; it is pickled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONNECTIONS = 8
"""How many clients there are, and how many connections the ceiling has."""


@dataclass(frozen=True, slots=True)
class Query:
    """One SQL statement as the engine sends it."""

    text: str
    args: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Workload:
    """A case made ready: what each connection sends, over HTTP and to the database."""

    bodies: tuple[bytes, ...]
    lengths: tuple[int, ...]
    """Of the response bodies."""
    queries: tuple[Query, ...]
    session: Mapping[str, str]
    """Settings of the API's own database sessions."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one side did in one round."""

    requests: int
    seconds: float
    cpu_seconds: float
    """Of the process that asked."""
    median_seconds: float
    slow_seconds: float
    """The 99th percentile of the times a request took."""

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def summarise(latencies: list[float], seconds: float, cpu_seconds: float) -> Sample:
    """The sample of a round that had at least one request."""
    latencies.sort()
    return Sample(
        len(latencies),
        seconds,
        cpu_seconds,
        _percentile(latencies, 0.5),
        _percentile(latencies, 0.99),
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
