"""Whether a history keeps what a database promises. Pure: the same file, the same verdict.

`judge` holds every operation against what the database held afterwards, and every read against
what was known before it began:

- acknowledged is there, once; refused is not there; ambiguous is there at most once;
- the rows kept under an idempotency key are those that were answered, and the key is there exactly
  when the effect is;
- the parts of one mutation are there together; versions and positions have no gaps or doubles;
- reads never go backwards, and see what was acknowledged before they began.

A history that shows nothing (no write acknowledged, or no audit) is not accepted either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from poutama.chaos.history import ClientOperation, Found, History, OperationKind, OperationOutcome

NOTES = frozenset({OperationKind.NOTE, OperationKind.PAIR, OperationKind.APPEND})
WRITES = NOTES | {OperationKind.TASK, OperationKind.UNTASK, OperationKind.REORDER}


class Anomaly(StrEnum):
    """What a history can show that a database must never do."""

    LOST = "acknowledged, but not there"
    DOUBLED = "there more than once"
    REFUSED_PRESENT = "refused, but there"
    UNDELETED = "its deletion was acknowledged, but it is there"
    VANISHED = "no client deleted it, but it is not there"
    HALF = "half of it is there"
    UNKNOWN = "there, but no client wrote it"
    RESPONSE = "the rows kept under its key are not those answered"
    KEY = "its key and its effect are not there together"
    VERSIONS = "versions with gaps or doubles"
    POSITIONS = "positions with gaps or doubles"
    BACKWARDS = "a read saw less than was known before it began"
    UNKEPT = "a read saw what was not kept"
    UNEXPECTED = "an error that the API does not document"
    EMPTY = "the history shows nothing"


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise broken."""

    rule: Anomaly
    what: str

    def __str__(self) -> str:
        return f"{self.what}: {self.rule.value}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the history keeps the promises, and what it shows."""

    violations: tuple[Violation, ...]
    outcomes: dict[OperationOutcome, int]
    """Of writes."""
    reads: int
    repeated: int
    """Writes that were sent more than once, under their key."""
    happened: int
    """Ambiguous writes whose rows are there after all."""

    @property
    def passed(self) -> bool:
        return not self.violations


def judge(history: History) -> Verdict:
    """The verdict on a history, with what was found in it."""
    writes = [op for op in history.operations if op.kind in WRITES]
    outcomes = Counter(op.outcome for op in writes)
    found = history.found
    violations = list(_check_contents(history))
    happened = 0
    if found is not None:
        for check in _CHECKS:
            violations += check(history.operations, found)
        ambiguous = (op for op in writes if op.outcome is OperationOutcome.AMBIGUOUS)
        happened = sum(_is_there(op, found) for op in ambiguous)
    return Verdict(
        violations=tuple(violations),
        outcomes={outcome: outcomes[outcome] for outcome in OperationOutcome},
        reads=len(history.operations) - len(writes),
        repeated=sum(op.tries > 1 for op in writes),
        happened=happened,
    )


def marks_of(kind: OperationKind, number: int) -> list[str]:
    """What the rows that an operation writes are marked with."""
    return [f"{number}.1", f"{number}.2"] if kind is OperationKind.PAIR else [str(number)]


def _marks(operation: ClientOperation) -> list[str]:
    return marks_of(operation.kind, operation.number)


def _describe(operation: ClientOperation) -> str:
    return f"{operation.kind} {operation.number} of {operation.client}"


def _check_contents(history: History) -> Iterator[Violation]:
    acknowledged = [op for op in history.operations if op.outcome is OperationOutcome.ACKNOWLEDGED]
    if not any(op.kind in WRITES for op in acknowledged):
        yield Violation(Anomaly.EMPTY, "no write was acknowledged")
    if not any(op.kind not in WRITES for op in acknowledged):
        yield Violation(Anomaly.EMPTY, "nothing was read")
    if history.found is None:
        yield Violation(Anomaly.EMPTY, "the database was not looked at afterwards")
    for op in history.operations:
        if op.outcome is OperationOutcome.UNEXPECTED:
            yield Violation(Anomaly.UNEXPECTED, f"{_describe(op)} ({op.code})")


def _check_notes(operations: Iterable[ClientOperation], found: Found) -> Iterator[Violation]:
    for op in operations:
        if op.kind not in NOTES:
            continue
        counts = [found.notes.get(mark, 0) for mark in _marks(op)]
        if max(counts) > 1:
            yield Violation(Anomaly.DOUBLED, _describe(op))
        if len(set(map(bool, counts))) > 1:
            yield Violation(Anomaly.HALF, _describe(op))
        if op.outcome is OperationOutcome.ACKNOWLEDGED and not all(counts):
            yield Violation(Anomaly.LOST, _describe(op))
        if op.outcome is OperationOutcome.REFUSED and any(counts):
            yield Violation(Anomaly.REFUSED_PRESENT, _describe(op))


def _check_tasks(operations: list[ClientOperation], found: Found) -> Iterator[Violation]:
    there = Counter(mark for tasks in found.tasks.values() for _, mark in tasks)
    deletions: dict[str, set[OperationOutcome]] = {}
    for op in operations:
        if op.kind is OperationKind.UNTASK:
            deletions.setdefault(op.subject, set()).add(op.outcome)
    for op in operations:
        if op.kind is OperationKind.TASK:
            (mark,) = _marks(op)
            for rule in _judge_task(op.outcome, there[mark], deletions.get(mark, set())):
                yield Violation(rule, _describe(op))
    for name, tasks in found.tasks.items():
        if sorted(position for position, _ in tasks) != list(range(len(tasks))):
            yield Violation(Anomaly.POSITIONS, f"list {name}")


def _judge_task(
    outcome: OperationOutcome, rows: int, deletions: set[OperationOutcome]
) -> Iterator[Anomaly]:
    if rows > 1:
        yield Anomaly.DOUBLED
    if rows and outcome is OperationOutcome.REFUSED:
        yield Anomaly.REFUSED_PRESENT
    if rows and OperationOutcome.ACKNOWLEDGED in deletions:
        yield Anomaly.UNDELETED
    if (
        not rows
        and outcome is OperationOutcome.ACKNOWLEDGED
        and not deletions - {OperationOutcome.REFUSED}
    ):
        yield Anomaly.VANISHED if deletions else Anomaly.LOST


def _check_keys(operations: Iterable[ClientOperation], found: Found) -> Iterator[Violation]:
    for op in operations:
        if not op.key:
            continue
        kept = found.keys.get(op.key)
        if op.outcome is OperationOutcome.ACKNOWLEDGED and not _is_of(kept, op.response):
            yield Violation(Anomaly.RESPONSE, _describe(op))
        if op.outcome is OperationOutcome.REFUSED and kept is not None:
            yield Violation(Anomaly.KEY, _describe(op))
        if op.kind in NOTES and (kept is not None) != _is_there(op, found):
            yield Violation(Anomaly.KEY, _describe(op))


def _is_of(kept: list[str] | None, response: str) -> bool:
    """Whether all rows kept under a key are in the response that was acknowledged."""
    return kept is not None and all(row in response for row in kept)


def _check_registers(operations: Iterable[ClientOperation], found: Found) -> Iterator[Violation]:
    for name, version in found.registers.items():
        versions = sorted(number for number, _ in found.log.get(name, []))
        if versions != list(range(2, version + 1)):
            yield Violation(Anomaly.VERSIONS, f"register {name}")
    placed = {mark: number for log in found.log.values() for number, mark in log}
    for op in operations:
        if op.kind is not OperationKind.APPEND or op.outcome is not OperationOutcome.ACKNOWLEDGED:
            continue
        if placed.get(str(op.number), op.version) != op.version:
            yield Violation(Anomaly.VERSIONS, f"{_describe(op)}, answered {op.version}")


def _check_strangers(operations: Iterable[ClientOperation], found: Found) -> Iterator[Violation]:
    written: set[str] = set()
    keys: set[str] = set()
    for op in operations:
        keys.add(op.key)
        if op.kind in NOTES or op.kind is OperationKind.TASK:
            written.update(_marks(op))
    there = set(found.notes) | {mark for tasks in found.tasks.values() for _, mark in tasks}
    for mark in sorted(there - written):
        yield Violation(Anomaly.UNKNOWN, f"a row of operation {mark}")
    for key in sorted(set(found.keys) - keys):
        yield Violation(Anomaly.UNKNOWN, f"key {key}")


class _Knowledge:
    """What every client could know at a moment: the outcome of what had ended before."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._notes: set[str] = set()

    def add(self, op: ClientOperation) -> None:
        if op.version is not None:
            self._versions[op.subject] = max(self._versions.get(op.subject, 0), op.version)
        if op.kind in NOTES:
            self._notes.update(_marks(op))
        elif op.kind is OperationKind.FIND and op.present:
            self._notes.add(op.subject)

    def contradicts(self, op: ClientOperation) -> bool:
        if op.kind is OperationKind.READ:
            return (op.version or 0) < self._versions.get(op.subject, 0)
        return op.kind is OperationKind.FIND and not op.present and op.subject in self._notes


def _check_reads(operations: list[ClientOperation], found: Found) -> Iterator[Violation]:
    """Real time: what ended before a read began is known to it; what it saw is kept."""
    acknowledged = [op for op in operations if op.outcome is OperationOutcome.ACKNOWLEDGED]
    by_end = sorted(acknowledged, key=lambda op: op.end)
    knowledge = _Knowledge()
    ended = 0
    for op in sorted(acknowledged, key=lambda op: op.start):
        while by_end[ended].end < op.start:
            knowledge.add(by_end[ended])
            ended += 1
        if knowledge.contradicts(op):
            yield Violation(Anomaly.BACKWARDS, f"{_describe(op)}, of {op.subject}")
        if op.kind is OperationKind.READ and (op.version or 0) > found.registers.get(op.subject, 0):
            yield Violation(Anomaly.UNKEPT, f"{_describe(op)}, of {op.subject}")
        if op.kind is OperationKind.FIND and op.present and op.subject not in found.notes:
            yield Violation(Anomaly.UNKEPT, f"{_describe(op)}, of {op.subject}")


def _is_there(operation: ClientOperation, found: Found) -> bool:
    if operation.kind is OperationKind.TASK:
        return any(mark == str(operation.number) for t in found.tasks.values() for _, mark in t)
    return any(mark in found.notes for mark in _marks(operation))


_CHECKS: tuple[Callable[[list[ClientOperation], Found], Iterator[Violation]], ...] = (
    _check_notes,
    _check_tasks,
    _check_keys,
    _check_registers,
    _check_strangers,
    _check_reads,
)
