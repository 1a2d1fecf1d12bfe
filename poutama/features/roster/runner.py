"""Runs the phase that the job of an import is in: what it receives, what it returns, what is next.

`roster.steps` lists the phases and calls `run_phase`. A phase is called until it returns no cursor;
what it changes commits together with where it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from poutama.bulk_changes import BulkChange
from poutama.db.pooled_connection import Records
from poutama.db.transaction import Transaction
from poutama.features.roster.checkpoint import (
    PhaseCursor,
    RosterCheckpoint,
    RosterPhase,
    StagedRowCursor,
    State,
)
from poutama.features.roster.inputs import ApplyInput, CheckInput
from poutama.features.roster.organisation_verification import NOT_VERIFIED
from poutama.features.roster.records import LOAD
from poutama.features.roster.staged_tables import FIND_TOP, StagedTable
from poutama.jobs.job import Effects, Finished, JobFailedError, Progress, RowError, Step

BATCH = 4_000
"""Rows that are read, matched or written at once."""

GONE = "Roster import not found."
OVERTAKEN = "It was requested again since; look at the import's newer job."

CheckStep: TypeAlias = Step[CheckInput, RosterCheckpoint]
ApplyStep: TypeAlias = Step[ApplyInput, RosterCheckpoint]
RosterProgress: TypeAlias = Progress[RosterCheckpoint]
CursorT = TypeVar("CursorT", bound=PhaseCursor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import as it stands in the database.

    Attributes:
        id: the import's.
        organisation: whose roster it is.
        actor: the person in whose name it is; None once that person has been erased.
        check_job: its latest check.
        object_key, sha256: of the zip.
        report_key: of the latest report.
        managers: whether those who manage become managers here.
        memberships_ended, memberships_before: as they were counted last.
        zone: in which the file's dates are meant.
        verified: whether the organisation is the school that it says.
        schools: the ids of those of the file that are imported; all of them where it is empty.
    """

    id: UUID
    organisation: UUID
    actor: UUID | None
    check_job: UUID | None
    object_key: str
    sha256: str
    report_key: str | None
    managers: bool
    memberships_ended: int
    memberships_before: int
    zone: ZoneInfo
    verified: bool
    schools: Set[str]


@dataclass(frozen=True, slots=True)
class Result:
    """The file that a job's last phase offers."""

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """What a phase returns.

    Attributes:
        cursor: where in the phase it goes on; None when the phase is done.
        state: what it leaves for others; None where that is as it was.
        effects, errors: as of `Progress`.
        rows: how many rows were dealt with.
        result: of the last phase alone.
    """

    cursor: PhaseCursor | None = None
    state: State | None = None
    effects: Effects | None = None
    errors: Sequence[RowError] = ()
    rows: int = 0
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class PhaseContext:
    """What a phase receives: the step, the import, and what the checkpoint holds."""

    step: CheckStep | ApplyStep
    import_: Import

    @property
    def state(self) -> State:
        """What the phases before have left."""
        return self.step.checkpoint.state

    @property
    def tops(self) -> Mapping[StagedTable, int]:
        """One more than the last place of each table; there once the files are read."""
        tops = self.state.tops
        assert tops is not None, "the files are read before their rows are used"
        return {table: tops[table] for table in StagedTable}

    @property
    def deadline(self) -> float:
        """By when what was begun in time has to be read; half of the margin is for that."""
        return read_deadline(self.step)

    def cursor(self, kind: type[CursorT]) -> CursorT | None:
        """Where in the phase it goes on; None at its beginning.

        Raises:
            TypeError: it is not of the kind that the phase returns.
        """
        cursor = self.step.checkpoint.cursor
        if cursor is None or isinstance(cursor, kind):
            return cursor
        raise TypeError(f"cursor: expected {kind.__name__}, got {type(cursor).__name__}")

    async def read(self, statement: str, *values: object) -> Records:
        """Run a statement that changes nothing."""
        return await self.step.database.read(
            statement, values, deadline=self.deadline, name="roster"
        )

    async def find_top(self, table: StagedTable) -> int:
        """One more than the last place of a row in the table, as it is now."""
        return int((await self.read(FIND_TOP[table], self.import_.id))[0]["top"])


PhaseFunction: TypeAlias = Callable[[PhaseContext], Awaitable[PhaseResult]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A phase that runs the statements over all staged rows of a table, batch by batch.

    Attributes:
        table: whose rows.
        statements: of which the parameters are the import, and the places from and before which.
        pauses: whether the fourth is for how many days a declined offer counts.
    """

    table: StagedTable
    statements: Sequence[str | BulkChange]
    pauses: bool = False

    async def __call__(self, context: PhaseContext) -> PhaseResult:
        """One batch."""
        cursor, top = context.cursor(StagedRowCursor), context.tops[self.table]
        first = cursor.place if cursor else 0
        before = first + BATCH

        async def effects(transaction: Transaction) -> None:
            pause = [context.step.settings.invitation_pause_days] if self.pauses else []
            values = (context.import_.id, first, before, *pause)
            for statement in self.statements:
                if isinstance(statement, BulkChange):
                    await statement.apply(
                        transaction,
                        context.import_.actor,
                        *values,
                        organisation=context.import_.organisation,
                    )
                else:
                    await transaction.execute(statement, *values)

        if first >= top:
            return PhaseResult()
        following = StagedRowCursor(before) if before < top else None
        return PhaseResult(cursor=following, effects=effects, rows=min(BATCH, top - first))


async def run_phase(
    step: CheckStep | ApplyStep,
    order: Sequence[RosterPhase],
    functions: Mapping[RosterPhase, PhaseFunction],
) -> RosterProgress | Finished:
    """Run the phase that the job is in, once.

    Args:
        step: of the job.
        order: the phases of its kind.
        functions: what each does.

    Raises:
        JobFailedError: the import is gone, or has another job since; or as the phase.
    """
    import_ = await _load_import(step)
    phase = step.checkpoint.phase or order[0]
    result = await functions[phase](PhaseContext(step, import_))
    done = step.done + result.rows
    if result.result is not None:
        return Finished(
            result_key=result.result.key,
            result_name=result.result.name,
            result_type="text/csv",
            done=done,
            effects=result.effects,
            errors=result.errors,
        )
    left = order[order.index(phase) + (result.cursor is None) :]
    checkpoint = RosterCheckpoint(
        phase=left[0],
        cursor=result.cursor,
        state=result.state or step.checkpoint.state,
    )
    total = _foresee(done, [functions[each] for each in left], checkpoint)
    return Progress(
        checkpoint=checkpoint, done=done, total=total, effects=result.effects, errors=result.errors
    )


def _foresee(done: int, left: Sequence[PhaseFunction], checkpoint: RosterCheckpoint) -> int | None:
    """How many rows will have been dealt with in the end; None before the file has been read."""
    tops, cursor = checkpoint.state.tops, checkpoint.cursor
    if tops is None:
        return None
    swept = 0
    if isinstance(left[0], Sweep) and isinstance(cursor, StagedRowCursor):
        swept = cursor.place
    return done - swept + sum(tops[each.table] for each in left if isinstance(each, Sweep))


def read_deadline(step: CheckStep | ApplyStep) -> float:
    """Later than the step's own deadline: one that began just before it is not a failure."""
    return step.deadline + step.settings.job_margin_seconds / 2


async def _load_import(step: CheckStep | ApplyStep) -> Import:
    import_id = step.input.import_id
    rows = await step.database.read(
        LOAD, [import_id], deadline=read_deadline(step), name="roster/import"
    )
    if not rows:
        raise JobFailedError(GONE)
    row = rows[0]
    if row["job_id"] != step.job.id:
        raise JobFailedError(OVERTAKEN)
    if not row["verified"]:
        raise JobFailedError(NOT_VERIFIED)
    return Import(
        id=import_id,
        organisation=row["organisation_id"],
        actor=row["actor_id"],
        check_job=row["check_job_id"],
        object_key=row["object_key"],
        sha256=row["sha256"],
        report_key=row["report_key"],
        managers=row["managers"],
        memberships_ended=row["memberships_ended"] or 0,
        memberships_before=row["memberships_before"] or 0,
        zone=ZoneInfo(row["time_zone"]),
        verified=row["verified"],
        schools=frozenset((row["schools"] or "").split(",")) - {""},
    )
