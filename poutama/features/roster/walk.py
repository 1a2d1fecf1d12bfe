"""How the jobs of an import walk: what a phase is given, gives back, and which comes next.

`roster.steps` lists the phases, `roster.phases` has them. A phase is called until it says that it
is done; what it changes commits together with where it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from poutama.bulk_changes import BulkChange
from poutama.db.link import Rows
from poutama.db.transaction import Transaction
from poutama.features.roster.records import LOAD
from poutama.features.roster.staging import FIND_TOP
from poutama.jobs.job import Effects, Finished, JobFailedError, Progress, RowError, Step

BATCH = 4_000
"""Rows that are read, matched or written at once."""

GONE = "There is no such import any more."
OVERTAKEN = "It was asked for again since; look at the import's newer job."


class WalkCheckpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a walk is.

    Attributes:
        phase: its name; empty at first.
        at: where in the phase.
        state: what the phases before have left.
    """

    phase: str = ""
    at: dict[str, Any] = {}
    state: dict[str, Any] = {}


WalkStep: TypeAlias = Step[Any, WalkCheckpoint]


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it stands in the database.

    Attributes:
        id: the import's.
        organisation: whose roster it is.
        actor: the person in whose name it is; None once that person has been erased.
        row: `roster_import`, the time zone of the organisation, and whether it is verified.
    """

    id: UUID
    organisation: UUID
    actor: UUID | None
    row: Mapping[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        """In which the file's dates are meant."""
        return ZoneInfo(self.row["time_zone"])


@dataclass(frozen=True, slots=True)
class Turn:
    """What a phase gives back.

    Attributes:
        at: where in the phase it goes on; None when the phase is done.
        state: what other phases want to know; goes into the checkpoint.
        effects, errors: as of `Progress`.
        rows: how many rows were dealt with.
        result: key and name of the job's result; given by the last phase alone.
    """

    at: Mapping[str, Any] | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    effects: Effects | None = None
    errors: Sequence[RowError] = ()
    rows: int = 0
    result: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """What a phase is given: the step, the import, and what the checkpoint holds.

    Attributes:
        state: what the phases before have left.
        at: where in the phase it is; empty at first.
    """

    step: WalkStep
    import_: Import
    state: Mapping[str, Any]
    at: Mapping[str, Any]

    @property
    def deadline(self) -> float:
        """By when what was begun in time has to be read; half of the margin is for that."""
        return read_deadline(self.step)

    async def read(self, statement: str, *values: object) -> Rows:
        """Run a statement that changes nothing."""
        return await self.step.database.read(
            statement, values, deadline=self.deadline, name="roster"
        )


Phase: TypeAlias = Callable[[Here], Awaitable[Turn]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A phase that runs the statements over all staged rows of a table, batch by batch."""

    table: str
    statements: Sequence[str | BulkChange]

    async def __call__(self, here: Here) -> Turn:
        """One batch."""
        first, top = int(here.at.get("place", 0)), int(here.state["top"][self.table])
        before = first + BATCH

        async def effects(transaction: Transaction) -> None:
            values = (here.import_.id, first, before)
            for statement in self.statements:
                if isinstance(statement, BulkChange):
                    await statement.apply(transaction, here.import_.actor, *values)
                else:
                    await transaction.execute(statement, *values)

        if first >= top:
            return Turn()
        following = {"place": before} if before < top else None
        return Turn(following, effects=effects, rows=min(BATCH, top - first))


async def walk(
    step: WalkStep, phases: Sequence[tuple[str, Phase]]
) -> Progress[WalkCheckpoint] | Finished:
    """One turn of whichever phase the job is in.

    Raises:
        JobFailedError: the import is gone, or is another job's by now.
    """
    import_ = await _load_import(step)
    names = [name for name, _ in phases]
    state = dict(step.checkpoint.state)
    place = names.index(step.checkpoint.phase or names[0])
    here = Here(step, import_, state, step.checkpoint.at)
    turn = await phases[place][1](here)
    done = step.done + turn.rows
    if turn.result is not None:
        key, name = turn.result
        return Finished(
            result_key=key,
            result_name=name,
            result_type="text/csv",
            done=done,
            effects=turn.effects,
            errors=turn.errors,
        )
    state.update(turn.state)
    following, at = (place, turn.at) if turn.at is not None else (place + 1, {})
    return Progress(
        checkpoint=WalkCheckpoint(phase=names[following], at=dict(at), state=state),
        done=done,
        total=_foresee(done, phases[following:], at, state),
        effects=turn.effects,
        errors=turn.errors,
    )


def _foresee(
    done: int,
    phases: Sequence[tuple[str, Phase]],
    at: Mapping[str, Any],
    state: Mapping[str, Any],
) -> int | None:
    """How many rows will have been dealt with in the end; None before the file has been read."""
    if "top" not in state:
        return None
    swept = int(at.get("place", 0)) if isinstance(phases[0][1], Sweep) else 0
    sweeps = [phase for _, phase in phases if isinstance(phase, Sweep)]
    return done - swept + sum(int(state["top"][each.table]) for each in sweeps)


async def find_top(here: Here, table: str) -> int:
    """One more than the last place of a staged row."""
    return int((await here.read(FIND_TOP[table], here.import_.id))[0]["top"])


def read_deadline(step: WalkStep) -> float:
    """Later than the step's own deadline: one that began just before it is not a failure."""
    return step.deadline + step.settings.job_margin_seconds / 2


async def _load_import(step: WalkStep) -> Import:
    import_id = step.input.import_id
    rows = await step.database.read(
        LOAD, [import_id], deadline=read_deadline(step), name="roster/import"
    )
    if not rows:
        raise JobFailedError(GONE)
    if rows[0]["job_id"] != step.job.id:
        raise JobFailedError(OVERTAKEN)
    row = dict(rows[0])
    return Import(import_id, row["organisation_id"], row["actor_id"], row)
