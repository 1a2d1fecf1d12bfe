"""An exact checker of recorded histories: is there an order in which they make sense?

Every write gives its key a value that no other write gives, after reading the key in the same
transaction. So the order of a key's versions is known, and with it every dependency: who read
what a transaction wrote, which overwrote it, which read it before it was overwritten. A history is
serializable if and only if these dependencies have no cycle (Adya, "Weak Consistency", 1999,
http://pmg.csail.mit.edu/papers/adya-phd.pdf). A few thousand transactions take well under a second.

Looked for first: the checkers of the field (Elle, Cobra, PolySI) are not Python packages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

FIRST = 0
"""The value that every key has before a transaction writes."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a committed transaction saw and did."""

    reads: dict[str, int]
    writes: dict[str, int] = field(default_factory=dict)


def find_anomaly(history: Sequence[Recorded]) -> str | None:
    """Name what no order of the transactions explains; None when there is such an order."""
    writers: dict[tuple[str, int], int] = {}
    successors: dict[tuple[str, int], int] = {}
    for number, transaction in enumerate(history):
        for key, value in transaction.writes.items():
            writers[key, value] = number
            before = key, transaction.reads[key]
            if before in successors:
                return f"lost update: two transactions replace {before}"
            successors[before] = number
    dependencies: dict[int, set[int]] = defaultdict(set)
    for number, transaction in enumerate(history):
        for seen in transaction.reads.items():
            if seen[1] != FIRST:
                if seen not in writers:
                    return f"dirty read: no transaction committed {seen}"
                dependencies[number].add(writers[seen])
            if seen in successors and successors[seen] != number:
                dependencies[successors[seen]].add(number)
    try:
        tuple(TopologicalSorter(dependencies).static_order())
    except CycleError as error:
        return f"cycle: {[history[number] for number in error.args[1]]}"
    return None
