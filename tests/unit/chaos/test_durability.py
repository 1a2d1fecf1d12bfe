"""The verdict on hand-made histories: the good one passes, and every way to spoil it is caught."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from poutama.chaos.durability import Anomaly, judge
from poutama.chaos.history import (
    ClientOperation,
    Fault,
    Found,
    History,
    HistoryFile,
    HistoryRecord,
    OperationKind,
    OperationOutcome,
    Run,
    read_history,
)
from poutama.errors import ConfigurationError

RUN = Run(name="r", began="2026-02-03T00:00:00Z", engine="postgresql", writers=1, readers=1)
ACK, REFUSED, AMBIGUOUS = (
    OperationOutcome.ACKNOWLEDGED,
    OperationOutcome.REFUSED,
    OperationOutcome.AMBIGUOUS,
)


def op(
    number: int,
    kind: OperationKind,
    outcome: OperationOutcome = ACK,
    *,
    at: float | None = None,
    subject: str = "",
    key: str = "",
    version: int | None = None,
    present: bool | None = None,
    response: str = "",
) -> ClientOperation:
    """ClientOperation `number`, running from second `number` to half a second later."""
    start = float(number) if at is None else at
    return ClientOperation(
        number=number,
        client="c",
        kind=kind,
        start=start,
        end=start + 0.5,
        outcome=outcome,
        subject=subject,
        key=key,
        version=version,
        present=present,
        response=response,
    )


GOOD = [
    op(1, OperationKind.NOTE),
    op(2, OperationKind.NOTE, REFUSED),
    op(3, OperationKind.NOTE, AMBIGUOUS),
    op(4, OperationKind.NOTE, AMBIGUOUS),
    op(5, OperationKind.NOTE, key="k5", response="five"),
    op(6, OperationKind.NOTE, REFUSED, key="k6"),
    op(7, OperationKind.PAIR),
    op(8, OperationKind.PAIR, AMBIGUOUS, key="k8"),
    op(9, OperationKind.APPEND, subject="a", version=2),
    op(10, OperationKind.APPEND, AMBIGUOUS, subject="a"),
    op(11, OperationKind.APPEND, subject="a", version=4),
    op(12, OperationKind.TASK),
    op(13, OperationKind.TASK),
    op(14, OperationKind.TASK, REFUSED),
    op(15, OperationKind.UNTASK, subject="13"),
    op(16, OperationKind.TASK),
    op(17, OperationKind.UNTASK, AMBIGUOUS, subject="16"),
    op(18, OperationKind.REORDER, key="k18", response="eighteen"),
    op(20, OperationKind.READ, at=9.1, subject="a", version=1),
    op(21, OperationKind.READ, subject="a", version=4),
    op(22, OperationKind.FIND, subject="1", present=True),
    op(23, OperationKind.FIND, subject="3", present=False),
    op(24, OperationKind.READ, REFUSED, subject="a"),
    op(25, OperationKind.UNTASK, REFUSED, subject="12"),
]
FOUND = Found(
    notes={"1": 1, "4": 1, "5": 1, "7.1": 1, "7.2": 1, "9": 1, "10": 1, "11": 1},
    registers={"a": 4},
    log={"a": [(2, "9"), (3, "10"), (4, "11")]},
    tasks={"l": [(0, "16"), (1, "12")]},
    keys={"k5": ["five"], "k18": ["eighteen"]},
)


def broken_rules(operations: list[ClientOperation], found: Found | None = FOUND) -> set[Anomaly]:
    verdict = judge(History(RUN, operations, [], found))
    assert verdict.passed is (not verdict.violations)
    return {violation.rule for violation in verdict.violations}


def changed(number: int, **fields: object) -> list[ClientOperation]:
    assert any(known.number == number for known in GOOD)
    return [
        msgspec.structs.replace(known, **fields) if known.number == number else known
        for known in GOOD
    ]


def found_with(**fields: object) -> Found:
    return msgspec.structs.replace(FOUND, **fields)


def noted(**counts: int) -> Found:
    """What was found, with other numbers of rows under some marks."""
    notes = FOUND.notes | {
        mark.removeprefix("n").replace("_", "."): n for mark, n in counts.items()
    }
    return found_with(notes={mark: n for mark, n in notes.items() if n})


def test_what_keeps_every_promise_passes() -> None:
    verdict = judge(History(RUN, GOOD, [], FOUND))
    assert verdict.violations == ()
    assert verdict.passed
    assert verdict.outcomes == {ACK: 10, REFUSED: 4, AMBIGUOUS: 5, OperationOutcome.UNEXPECTED: 0}
    assert verdict.happened == 2
    assert verdict.reads == 5


SPOILT_FINDS: list[tuple[Found | None, set[Anomaly]]] = [
    (noted(n1=0), {Anomaly.LOST, Anomaly.UNKEPT}),
    (noted(n5=0), {Anomaly.LOST, Anomaly.KEY}),
    (noted(n7_1=0, n7_2=0), {Anomaly.LOST}),
    (noted(n11=0), {Anomaly.LOST}),
    (noted(n1=2), {Anomaly.DOUBLED}),
    (noted(n4=2), {Anomaly.DOUBLED}),
    (noted(n5=2), {Anomaly.DOUBLED}),
    (noted(n7_1=2, n7_2=2), {Anomaly.DOUBLED}),
    (noted(n2=1), {Anomaly.REFUSED_PRESENT}),
    (noted(n6=1), {Anomaly.REFUSED_PRESENT, Anomaly.KEY}),
    (noted(n7_2=0), {Anomaly.HALF, Anomaly.LOST}),
    (noted(n8_1=1), {Anomaly.HALF, Anomaly.KEY}),
    (noted(n8_1=1, n8_2=1), {Anomaly.KEY}),
    (noted(n99=1), {Anomaly.UNKNOWN}),
    (found_with(keys=FOUND.keys | {"k8": ["eight"]}), {Anomaly.KEY}),
    (found_with(keys=FOUND.keys | {"k6": ["six"]}), {Anomaly.KEY}),
    (found_with(keys=FOUND.keys | {"k5": ["another"]}), {Anomaly.RESPONSE}),
    (found_with(keys={"k5": ["five"]}), {Anomaly.RESPONSE}),
    (found_with(keys=FOUND.keys | {"k99": []}), {Anomaly.UNKNOWN}),
    (found_with(registers={"a": 5}), {Anomaly.VERSIONS}),
    (found_with(registers={"a": 3}), {Anomaly.VERSIONS, Anomaly.UNKEPT}),
    (found_with(log={"a": [(2, "9"), (4, "11")]}), {Anomaly.VERSIONS}),
    (found_with(log={"a": [(2, "9"), (3, "10"), (3, "11"), (4, "11")]}), {Anomaly.VERSIONS}),
    (found_with(log={"a": [(2, "11"), (3, "10"), (4, "9")]}), {Anomaly.VERSIONS}),
    (found_with(tasks={"l": [(0, "16")]}), {Anomaly.VANISHED}),
    (found_with(tasks={"l": [(0, "16"), (2, "12")]}), {Anomaly.POSITIONS}),
    (found_with(tasks={"l": [(0, "16"), (0, "12")]}), {Anomaly.POSITIONS}),
    (found_with(tasks={"l": [(0, "16"), (1, "12"), (2, "12")]}), {Anomaly.DOUBLED}),
    (found_with(tasks={"l": [(0, "16"), (1, "12"), (2, "14")]}), {Anomaly.REFUSED_PRESENT}),
    (found_with(tasks={"l": [(0, "16"), (1, "12"), (2, "13")]}), {Anomaly.UNDELETED}),
    (found_with(tasks={"l": [(0, "16"), (1, "12"), (2, "99")]}), {Anomaly.UNKNOWN}),
    (None, {Anomaly.EMPTY}),
]


@pytest.mark.parametrize(("found", "rules"), SPOILT_FINDS)
def test_what_was_found_can_break_each_promise(found: Found | None, rules: set[Anomaly]) -> None:
    assert broken_rules(GOOD, found) == rules


SPOILT_TALES: list[tuple[list[ClientOperation], set[Anomaly]]] = [
    (changed(21, version=3), {Anomaly.BACKWARDS}),
    (changed(20, start=9.6, end=9.9), {Anomaly.BACKWARDS}),
    (changed(21, version=5), {Anomaly.UNKEPT}),
    (changed(22, present=False), {Anomaly.BACKWARDS}),
    (changed(23, present=True), {Anomaly.UNKEPT}),
    (changed(23, subject="7.2"), {Anomaly.BACKWARDS}),
    (changed(11, version=3), {Anomaly.VERSIONS}),
    (changed(2, outcome=OperationOutcome.UNEXPECTED), {Anomaly.UNEXPECTED}),
    (changed(25, outcome=ACK), {Anomaly.UNDELETED}),
    (changed(25, subject="99"), set()),
    (
        [known for known in GOOD if known.kind not in (OperationKind.READ, OperationKind.FIND)],
        {Anomaly.EMPTY},
    ),
    ([known for known in GOOD if known.number != 25 and known.number != 12], {Anomaly.UNKNOWN}),
]


@pytest.mark.parametrize(("operations", "rules"), SPOILT_TALES)
def test_what_was_told_can_break_each_promise(
    operations: list[ClientOperation], rules: set[Anomaly]
) -> None:
    assert broken_rules(operations) == rules


def test_a_missing_task_without_an_attempted_deletion_is_lost() -> None:
    operations = [known for known in GOOD if known.number != 25]
    assert broken_rules(operations, found_with(tasks={"l": [(0, "16")]})) == {Anomaly.LOST}


def test_two_reads_of_one_note_never_take_it_back() -> None:
    """The note was never acknowledged; but the first read has shown it."""
    first, then = (
        op(26, OperationKind.FIND, subject="4", present=True),
        op(27, OperationKind.FIND, subject="4"),
    )
    assert broken_rules([*GOOD, first]) == set()
    assert broken_rules([*GOOD, first, msgspec.structs.replace(then, present=False)]) == {
        Anomaly.BACKWARDS
    }


def test_a_read_that_overlaps_a_write_may_see_either_side() -> None:
    for version, rules in ((1, {Anomaly.BACKWARDS}), (2, set()), (4, set())):
        read = op(26, OperationKind.READ, at=11.2, subject="a", version=version)
        assert broken_rules([*GOOD, read]) == rules


def test_every_rule_is_shown_to_be_breakable() -> None:
    shown: set[Anomaly] = set()
    for rules in [rules for _, rules in SPOILT_FINDS] + [rules for _, rules in SPOILT_TALES]:
        shown |= rules
    assert shown == set(Anomaly)


def test_an_empty_history_is_not_accepted() -> None:
    nothing = Found(notes={}, registers={}, log={}, tasks={}, keys={})
    assert broken_rules([], nothing) == {Anomaly.EMPTY}


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "history.jsonl"
    fault = Fault(node="n", action="kill", start=1.0, end=2.0)
    records: list[HistoryRecord] = [RUN, *GOOD, fault, FOUND]
    with HistoryFile(path) as file:
        for record in records:
            file.write(record)
    assert read_history(path) == History(RUN, GOOD, [fault], FOUND)
    with pytest.raises(ConfigurationError, match="--history"), HistoryFile(path):
        pass


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda lines: lines[1:], "expected a file that `poutama chaos` wrote"),
        (lambda lines: [], "expected a file that `poutama chaos` wrote"),
        (lambda lines: [*lines[:2], lines[2][:20]], "line 3"),
        (lambda lines: [*lines, '{"record":"other"}'], "line 4"),
        (lambda lines: [lines[0], lines[1].replace('"note"', '"knot"')], "line 2"),
    ],
)
def test_what_is_no_history_is_refused(
    tmp_path: Path, spoil: Callable[[list[str]], list[str]], problem: str
) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryFile(path) as file:
        file.write(RUN)
        file.write(GOOD[0])
        file.write(FOUND)
    path.write_text("\n".join(spoil(path.read_text().splitlines())))
    with pytest.raises(ConfigurationError, match=problem):
        read_history(path)
