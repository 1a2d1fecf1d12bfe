"""Counts the outcomes of a chaos run's operations as they end, and keeps a record of each.

The workload calls `RunCounters.record` with each operation, `chaos.display` shows the counts
meanwhile. The counts are for people to watch: the verdict comes from the records, not from them.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from poutama.chaos.chaos_rows import OwnedGoal
from poutama.chaos.durability import WRITES
from poutama.chaos.history import ClientOperation, Fault, HistoryRecord, OperationOutcome

STALL_SECONDS = 1.0
"""An operation that takes longer is counted as stalled."""
REMEMBERED = 500


@dataclass(slots=True)
class RunCounters:
    """The state of one run."""

    keep: Callable[[HistoryRecord], None]
    """Receives every record."""
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    outcomes: Counter[OperationOutcome] = field(default_factory=Counter)
    """Of writes."""
    codes: Counter[str] = field(default_factory=Counter)
    """Why writes and reads were not acknowledged."""
    reads: int = 0
    repeated: int = 0
    stalls: int = 0
    longest: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    state: str = "starting"
    """What happens to the servers just now."""
    acknowledged: deque[tuple[str, str, OwnedGoal]] = field(
        default_factory=lambda: deque(maxlen=REMEMBERED)
    )
    """Notes that readers may look for: mark, text and place."""
    began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    def record(self, operation: ClientOperation) -> None:
        """Keep an operation that has ended."""
        self.keep(operation)
        if operation.kind in WRITES:
            self.outcomes[operation.outcome] += 1
            self.repeated += operation.tries > 1
        else:
            self.reads += 1
        if operation.code:
            self.codes[operation.code] += 1
        seconds = operation.end - operation.start
        self.stalls += seconds > STALL_SECONDS
        self.longest = max(self.longest, seconds)

    def record_fault(self, fault: Fault) -> None:
        """Keep a fault that is over."""
        self.keep(fault)
        self.faults[fault.action] += 1
