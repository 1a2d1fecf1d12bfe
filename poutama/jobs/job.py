"""The words of long work: what a step is given, and what it gives back.

A kind of job is one `async def step(step: Step) -> Progress | Finished`. The worker calls it again
and again, each time with the checkpoint that the last call gave back; what a step returns is
committed in one transaction, its effects and its checkpoint together. A step that fails, or that
loses its machine half-way, runs again from the same checkpoint: whatever it does outside its
effects must bear being done twice. Says nothing about who claims jobs, or how they are woken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.transaction import Transaction
from poutama.errors import PoutamaError
from poutama.settings import Settings
from poutama.store.objects import ObjectStore

Effects: TypeAlias = Callable[[Transaction], Awaitable[None]]
"""What a step changes; runs in the transaction of its checkpoint, perhaps several times over."""


class JobFailedError(PoutamaError):
    """The job cannot be done."""

    # Raised by a step for good: the job is not tried again, and its person reads the message.
    code = "JOB_FAILED"
    status = 422
    safe = True


class JobState(StrEnum):
    """Where a job is; only the first two go on to others by themselves."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Query(Protocol):
    """Asks what the API would answer: the same compiler, rules and audit, in somebody's name."""

    async def __call__(
        self, document: str, variables: Mapping[str, Any], person: UUID
    ) -> dict[str, Any]:
        """Run a GraphQL query as that person sees it; returns its data.

        Raises:
            PoutamaError: whatever the API would have answered instead.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it was asked for.

    Attributes:
        id: the row's.
        kind: which step function runs it.
        person_id: who asked for it.
        organisation_id: whose administrators see it, too; None for a personal job.
        subject_id: whose data it is about, where that is one person.
        input: what was asked for, as JSON.
    """

    id: UUID
    kind: str
    person_id: UUID
    organisation_id: UUID | None
    subject_id: UUID | None
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one call of a step function has.

    Attributes:
        job: what was asked for.
        checkpoint: what the step before gave back; empty at first.
        done: how much is done so far, in units of the kind's own choosing.
        total: how much there is, once it is known.
        attempt: 1, or more after failures at this very step.
        deadline: absolute `time.monotonic()` by which to return. Give back little and often: what
            is not given back by then is done again by the next worker.
        database: for reading; changes go into effects.
        store: for files; write under keys that a second try would choose again.
        query: asks the API's own questions in somebody's name.
        settings: every knob.
    """

    job: Job
    checkpoint: Mapping[str, Any]
    done: int
    total: int | None
    attempt: int
    deadline: float
    database: Database
    store: ObjectStore
    query: Query
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """A row of somebody's file that could not be used.

    Attributes:
        file: its name within what was uploaded.
        line: from 1; 0 where it is about the whole file.
        field: the column, or empty.
        code: a word for programs, such as MISSING or UNKNOWN_REFERENCE.
        message: a sentence for people; names what was found and what was expected.
    """

    file: str
    line: int
    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A step is done, and there are more.

    Attributes:
        checkpoint: JSON from which the next step goes on.
        done, total: how far the job is; None leaves what was said before.
        effects: what changes together with the checkpoint.
        errors: rows that could not be used, written together with it.
    """

    checkpoint: Mapping[str, Any]
    done: int | None = None
    total: int | None = None
    effects: Effects | None = None
    errors: Sequence[RowError] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last step is done, and the job has succeeded.

    Attributes:
        result_key: key of an object in the store that the person may download; None without one.
        result_name: the file name it is offered under.
        result_type: its media type.
        done, effects, errors: as in `Progress`.
    """

    result_key: str | None = None
    result_name: str = ""
    result_type: str = "application/octet-stream"
    done: int | None = None
    effects: Effects | None = None
    errors: Sequence[RowError] = field(default=())


StepFunction: TypeAlias = Callable[[Step], Awaitable[Progress | Finished]]
"""A kind of job."""
