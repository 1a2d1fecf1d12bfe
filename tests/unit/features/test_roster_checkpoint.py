"""The phases of an import's jobs are complete, and a checkpoint survives being stored."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import msgspec
import pytest

from poutama.features.roster.checkpoint import (
    ErrorCount,
    FileCursor,
    FileState,
    IdCursor,
    MeasureCursor,
    PhaseCursor,
    RepeatCursor,
    RosterCheckpoint,
    RosterPhase,
    StagedRowCursor,
    State,
    TableCounts,
)
from poutama.features.roster.manifest import Mode
from poutama.features.roster.runner import Sweep
from poutama.features.roster.staged_tables import StagedTable
from poutama.features.roster.steps import APPLY_JOB, APPLY_ORDER, CHECK_JOB, CHECK_ORDER, FUNCTIONS

CURSORS: list[PhaseCursor] = [
    StagedRowCursor(4_000),
    FileCursor(1, 2, 300),
    FileCursor(2),
    IdCursor("c1"),
    MeasureCursor(),
    RepeatCursor(),
]


def test_every_phase_has_a_function_and_a_job() -> None:
    assert set(FUNCTIONS) == set(RosterPhase)
    assert {*CHECK_ORDER, *APPLY_ORDER} == set(RosterPhase)


def test_no_job_has_a_phase_twice() -> None:
    # `run_phase` finds what comes next by where the phase is in its order.
    assert len(set(CHECK_ORDER)) == len(CHECK_ORDER)
    assert len(set(APPLY_ORDER)) == len(APPLY_ORDER)


@pytest.mark.parametrize("order", [CHECK_ORDER, APPLY_ORDER], ids=["check", "apply"])
def test_rows_are_matched_before_they_are_counted_and_written_after(
    order: list[RosterPhase],
) -> None:
    matched = [
        *(
            RosterPhase.MATCH_GROUPS,
            RosterPhase.END_GROUPS,
            RosterPhase.MATCH_PEOPLE,
            RosterPhase.REFUSE_RIVALS,
        ),
        *(
            RosterPhase.END_PEOPLE,
            RosterPhase.MATCH_MEMBERSHIPS,
            RosterPhase.END_ENROLMENTS,
            RosterPhase.END_ROLES,
        ),
        *(RosterPhase.END_USERS, RosterPhase.COUNT),
    ]
    written = [
        RosterPhase.GUARD,
        RosterPhase.WRITE_GROUPS,
        RosterPhase.WRITE_PEOPLE,
        RosterPhase.WRITE_MEMBERSHIPS,
    ]
    expected = matched + [each for each in written if each in order]
    places = [order.index(each) for each in expected]
    assert all(before < after for before, after in pairwise(places))


@pytest.mark.parametrize("cursor", CURSORS, ids=repr)
def test_a_checkpoint_is_read_as_it_was_written(cursor: PhaseCursor) -> None:
    checkpoint = RosterCheckpoint(
        phase=RosterPhase.READ,
        cursor=cursor,
        state=State(
            files=(FileState("users", Mode.BULK, 2), FileState("roles", Mode.DELTA)),
            staged=TableCounts(1, 2, 3),
            tops=TableCounts(4, 5, 6),
            rows_read=7,
            rows_refused=8,
            endings_checked=9,
            errors=(ErrorCount("users.csv", "MISSING", 10),),
            report_key="some/key",
        ),
    )
    content = msgspec.json.encode(checkpoint).decode()
    assert CHECK_JOB.read_checkpoint(content) == checkpoint
    assert APPLY_JOB.read_checkpoint(content) == checkpoint


def test_every_kind_of_cursor_is_tried() -> None:
    assert {type(cursor) for cursor in CURSORS} == set(get_args(PhaseCursor))


def test_kinds_are_declared_without_a_fault() -> None:
    assert CHECK_JOB.find_fault() is None
    assert APPLY_JOB.find_fault() is None


def test_counts_are_kept_for_each_table() -> None:
    counts = TableCounts.of({table: place for place, table in enumerate(StagedTable, 1)})
    assert [counts[table] for table in StagedTable] == [1, 2, 3]
    assert counts + counts == TableCounts(2, 4, 6)
    assert counts.replace(StagedTable.PERSON, 9) == TableCounts(1, 9, 3)
    swept = {each.table for each in FUNCTIONS.values() if isinstance(each, Sweep)}
    assert swept == set(StagedTable)
