"""`JobKind`, and what its step receives and returns.

A kind of job is an input, a checkpoint and one `async def step(step) -> Progress | Finished`. The
worker calls the step again and again, each time with the checkpoint that the call before returned;
what a step returns is committed in one transaction, its effects and its checkpoint together. A step
that fails, or whose machine is lost, runs again from the same checkpoint: what it does outside its
effects must allow being done twice. This module does not claim jobs or wake workers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import iscoroutinefunction, signature
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from poutama.changes import ChangePlans, Changes
from poutama.db.connection import Database
from poutama.db.transaction import Transaction
from poutama.errors import PoutamaError
from poutama.permits import Permits
from poutama.settings import Settings
from poutama.store.objects import ObjectStore
from poutama.viewer import Viewer

InputT = TypeVar("InputT", bound=msgspec.Struct)
"""A kind's input."""
CheckpointT = TypeVar("CheckpointT", bound=msgspec.Struct)
"""A kind's checkpoint."""

Effects: TypeAlias = Callable[[Transaction], Awaitable[None]]
"""What a step changes; runs in the transaction of its checkpoint, perhaps several times over."""


class JobFailedError(PoutamaError):
    """The job cannot be done."""

    # Raised by a step for good: the job is not tried again, and its person reads the message.
    code = "JOB_FAILED"
    status = 422
    safe = True


class StoredJobError(PoutamaError):
    """The job was written by another release."""

    # A newer one while a deployment is under way: tried again later, then failed with its message.
    code = "JOB_FAILED"
    status = 422
    safe = True


class JobClass(StrEnum):
    """How long a kind's jobs take, which decides what is next."""

    INTERACTIVE = "INTERACTIVE"
    """Seconds, and a person waits for it: before all bulk jobs."""
    BULK = "BULK"
    """Longer, or many rows: yields to others between its steps."""


class JobState(StrEnum):
    """Where a job is; only the first two go on to others by themselves."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Query(Protocol):
    """Returns what the API would answer a person: the same compiler, rules and audit."""

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
    """The row of a job, without what its kind alone understands.

    Attributes:
        id: the row's.
        kind: the name of its `JobKind`.
        person_id: the person who requested it.
        organisation_id: its administrators also see the job; None for a personal job.
        subject_id: whose data it is about, where that is one person.
    """

    id: UUID
    kind: str
    person_id: UUID
    organisation_id: UUID | None
    subject_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[InputT, CheckpointT]):
    """What one call of a step function has.

    Attributes:
        job: the job's row.
        input: what was requested.
        checkpoint: what the step before returned; made without arguments for the first.
        done: how much is done so far, in units of the kind's own choosing.
        total: how much there is, once it is known.
        attempt: 1, or more after failures at this very step.
        deadline: absolute `time.monotonic()` by which to return. Return little and often: what
            is not returned in time is done again by the next worker.
        database: for reading; changes go into effects.
        store: for files; write under keys that a second try would choose again.
        query: asks the API's own questions in a person's name.
        settings: every knob.
        permits: whether the person could call a mutation now.
        plans: what `changes` renders.
    """

    job: Job
    input: InputT
    checkpoint: CheckpointT
    done: int
    total: int | None
    attempt: int
    deadline: float
    database: Database
    store: ObjectStore
    query: Query
    settings: Settings
    permits: Permits
    plans: ChangePlans

    def changes(self, transaction: Transaction) -> Changes:
        """What changes rows in the step's effects, in the name of the person who requested it."""
        return Changes(self.plans, transaction, Viewer(self.job.person_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """A row of a person's file that could not be used.

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
class Progress(Generic[CheckpointT]):
    """A step is done, and there are more.

    Attributes:
        checkpoint: from where the next step goes on.
        done, total: how far the job is; None leaves them as they are.
        effects: what changes together with the checkpoint.
        errors: rows that could not be used, written together with it.
    """

    checkpoint: CheckpointT
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind(Generic[InputT, CheckpointT]):
    """A kind of job.

    Both structs are written as JSON into the job's row, and may be read by another release of the
    program than the one that wrote them. A field may be added if it has a default. Unknown fields
    are forbidden, so that a worker of the older release, which does not know the new field, leaves
    the job to one that does instead of dropping the field; and so that a renamed field is an error
    instead of a job that begins again.

    Attributes:
        input: a frozen struct that forbids unknown fields.
        checkpoint: another, which can be made without arguments: that is where a job begins.
        step: an `async def` with one parameter.
        job_class: BULK unless its jobs take seconds.
    """

    input: type[InputT]
    checkpoint: type[CheckpointT]
    step: Callable[[Step[InputT, CheckpointT]], Awaitable[Progress[CheckpointT] | Finished]]
    job_class: JobClass = JobClass.BULK

    def read_input(self, content: str) -> InputT:
        """Decode a stored input.

        Raises:
            StoredJobError: it does not fit the struct.
        """
        return _decode(content, self.input, "input")

    def read_checkpoint(self, content: str) -> CheckpointT:
        """Decode a stored checkpoint; `{}` is where a job begins.

        Raises:
            StoredJobError: it does not fit the struct.
        """
        return _decode(content, self.checkpoint, "checkpoint")

    def require_returned(self, returned: object) -> Progress[CheckpointT] | Finished:
        """What a step returned.

        Raises:
            TypeError: it is not what the step's annotations promise.
        """
        match returned:
            case Finished():
                return returned
            case Progress() if type(returned.checkpoint) is self.checkpoint:
                return returned
            case Progress():
                returned = returned.checkpoint
        expected = f"expected Finished or Progress with a {self.checkpoint.__name__}"
        raise TypeError(f"step: {expected}, got {type(returned).__name__}")

    def find_fault(self) -> str | None:
        """What the kind's declaration got wrong, for its author; None where nothing is."""
        for name, struct in (("input", self.input), ("checkpoint", self.checkpoint)):
            if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
                return f"{name}: expected a msgspec.Struct, got {struct!r}"
            config = struct.__struct_config__
            if not (config.frozen and config.forbid_unknown_fields):
                return f"{name}: {struct.__name__} needs frozen=True, forbid_unknown_fields=True"
            try:
                msgspec.json.Decoder(struct)
            except (NameError, TypeError) as error:
                return f"{name}: {struct.__name__} cannot be read from JSON: {error}"
        for field_ in msgspec.structs.fields(self.checkpoint):
            if field_.required:
                return f"checkpoint: {self.checkpoint.__name__}.{field_.name} needs a default"
        if not iscoroutinefunction(self.step):
            return f"step: expected an async def, got {self.step!r}"
        try:
            signature(self.step).bind(None)
        except TypeError:
            return f"step: expected one parameter, got {signature(self.step)}"
        return None


class Empty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The input of a kind that needs none; the checkpoint of a kind that has one step."""


AnyJobKind: TypeAlias = JobKind[Any, Any]
"""For those who hold several kinds."""


def _decode(content: str, struct: type[InputT], what: str) -> InputT:
    try:
        return msgspec.json.decode(content, type=struct)
    except msgspec.DecodeError as error:
        raise StoredJobError(
            "The job was begun by another release of Poutama, and this one cannot go on with it"
            f" ({what}: {error}). Start it again."
        ) from error
