"""Rounds: the API, its ceiling, the API, its ceiling, ... and what they amount to.

Both sides take turns within one run, so that whatever else the machine does hits both; a round's
ratio compares neighbours, and the median of the ratios is the result. Called by `bench.__main__`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.environment import PreparedCase, RoundUsage

WARM_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Result:
    """What the rounds of a case amount to: medians, save for the rounds' own ratios."""

    name: str
    target: float | None
    response_bytes: int
    ratios: tuple[float, ...]
    """Of each round: the API's requests a second, as a share of the ceiling's."""
    ratio: float
    api_per_second: float
    ceiling_per_second: float
    api_median_ms: float
    api_p99_ms: float
    ceiling_median_ms: float
    ceiling_p99_ms: float
    api_cpu_us: float
    """CPU of the API's process for one request, in microseconds; the next likewise."""
    load_cpu_us: float
    database_cpu_us: float
    ceiling_client_cpu_us: float
    ceiling_database_cpu_us: float

    @property
    def cpu_ratio(self) -> float:
        """The ceiling's CPU for a request as a share of the API's: who else is busy hardly counts.

        All of it on both sides: who asks, who answers, and the database.
        """
        ceiling = self.ceiling_client_cpu_us + self.ceiling_database_cpu_us
        return ceiling / (self.api_cpu_us + self.load_cpu_us + self.database_cpu_us)


def measure(
    bench: PreparedCase, rounds: int, seconds: float, advance: Callable[[], None]
) -> Result:
    """Warm up, then let both sides take turns.

    Args:
        bench: a case, ready.
        rounds: how many; each has a turn of either side.
        seconds: of one turn.
        advance: called after every turn.
    """
    warm_up = min(WARM_UP_SECONDS, seconds)
    bench.load_api(warm_up)
    bench.load_database(warm_up)
    pairs: list[tuple[RoundUsage, RoundUsage]] = []
    for _ in range(rounds):
        api = bench.load_api(seconds)
        advance()
        pairs.append((api, bench.load_database(seconds)))
        advance()
    return _summarise(bench, pairs)


def _summarise(bench: PreparedCase, pairs: list[tuple[RoundUsage, RoundUsage]]) -> Result:
    ratios = tuple(api.sample.per_second / top.sample.per_second for api, top in pairs)
    apis = [api for api, _ in pairs]
    tops = [top for _, top in pairs]
    return Result(
        name=bench.case.name,
        target=bench.case.target,
        response_bytes=bench.bytes,
        ratios=ratios,
        ratio=median(ratios),
        api_per_second=median(turn.sample.per_second for turn in apis),
        ceiling_per_second=median(turn.sample.per_second for turn in tops),
        api_median_ms=1e3 * median(turn.sample.median_seconds for turn in apis),
        api_p99_ms=1e3 * median(turn.sample.slow_seconds for turn in apis),
        ceiling_median_ms=1e3 * median(turn.sample.median_seconds for turn in tops),
        ceiling_p99_ms=1e3 * median(turn.sample.slow_seconds for turn in tops),
        api_cpu_us=_each(apis, lambda turn: turn.api_seconds),
        load_cpu_us=_each(apis, lambda turn: turn.sample.cpu_seconds),
        database_cpu_us=_each(apis, lambda turn: turn.database_seconds),
        ceiling_client_cpu_us=_each(tops, lambda turn: turn.sample.cpu_seconds),
        ceiling_database_cpu_us=_each(tops, lambda turn: turn.database_seconds),
    )


def _each(turns: list[RoundUsage], used: Callable[[RoundUsage], float]) -> float:
    return 1e6 * median(used(turn) / turn.sample.requests for turn in turns)
