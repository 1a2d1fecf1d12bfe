"""What every statement cost: its name, rows, duration, tries and transaction; never a value.

`poutama.db.connection` and `poutama.db.transaction` ask `Tracer.active` before they measure, so
that tracing costs next to nothing without a listener. Three may listen: an observer (a test that
counts statements), the log at DEBUG, and OpenTelemetry spans where the package is installed and
`database_traces` is on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from poutama.db.sqlstate import Failure

log = logging.getLogger("poutama.db")


@dataclass(slots=True, kw_only=True)
class StatementTrace:
    """One statement as it went over the wire; filled in while it runs."""

    name: str
    statement: str
    """The SQL text, which holds no values; not logged."""
    tries: int
    transaction: str = ""
    """Which transaction it belongs to; empty for a statement that stands alone."""
    rows: int = 0
    seconds: float = 0.0
    prepared: bool = False
    """Whether it was prepared first, which takes one more round trip."""
    outcome: str = "CANCELLED"
    """`ok`, or the name of a `poutama.db.sqlstate.FailureKind`, or `CANCELLED`."""


Observer = Callable[[StatementTrace], None]


class Tracer:
    """Passes every trace to the listeners."""

    __slots__ = ("_observers", "_span", "_wants_spans")

    def __init__(self, *, spans: bool) -> None:
        self._observers: list[Observer] = []
        self._wants_spans = spans
        self._span: Observer | None = None

    @property
    def active(self) -> bool:
        """Whether there is a listener now."""
        return self._wants_spans or bool(self._observers) or log.isEnabledFor(logging.DEBUG)

    @contextmanager
    def observe(self, observer: Observer) -> Iterator[None]:
        """Call `observer` with every statement that ends within the `with` block."""
        self._observers.append(observer)
        try:
            yield
        finally:
            self._observers.remove(observer)

    @contextmanager
    def measure(self, trace: StatementTrace) -> Iterator[StatementTrace]:
        """Time the `with` block, which runs the statement, and tell the listeners."""
        started = time.perf_counter()
        try:
            yield trace
            trace.outcome = "ok"
        except Failure as failure:
            trace.outcome = failure.outcome.name
            raise
        finally:
            trace.seconds = time.perf_counter() - started
            self._record(trace)

    def _record(self, trace: StatementTrace) -> None:
        for observer in self._observers:
            observer(trace)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("statement %s", trace.name, extra={"statement": fields_of(trace)})
        if self._wants_spans:
            self._span = self._span or _load_spans()
            self._span(trace)


def fields_of(trace: StatementTrace) -> dict[str, str | int | float]:
    """The trace as the fields of a structured log line."""
    return {
        "name": trace.name,
        "rows": trace.rows,
        "milliseconds": round(trace.seconds * 1000, 3),
        "tries": trace.tries,
        "transaction": trace.transaction,
        "outcome": trace.outcome,
    }


def _load_spans() -> Observer:
    """What makes a span of a trace, or does nothing where OpenTelemetry is not installed."""
    # Heavy: loaded eagerly it costs a cold start up to a second.
    try:
        from opentelemetry.trace import SpanKind, get_tracer
    except ImportError:
        log.warning("POUTAMA_DATABASE_TRACES is on, but opentelemetry-api is not installed")
        return lambda _: None
    tracer = get_tracer("poutama.db")

    def record(trace: StatementTrace) -> None:
        end = time.time_ns()
        attributes = {f"poutama.db.{key}": value for key, value in fields_of(trace).items()}
        start = end - int(trace.seconds * 1e9)
        span = tracer.start_span(
            trace.name, kind=SpanKind.CLIENT, start_time=start, attributes=attributes
        )
        span.end(end_time=end)

    return record
