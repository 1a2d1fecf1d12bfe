"""The two flows of an operation, read and write, from request to JSON bytes.

`edge/http` calls `Engine.execute`. A document seen before goes straight from its cached plan to
the database: no parsing, validating, planning or rendering. The engine knows no HTTP and no
tokens; what is unexpected leaves it as an exception and is masked at the edge.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from json import dumps
from typing import Any, TypeAlias
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import (
    BadUserInputError,
    ConflictError,
    DatabaseError,
    LimitExceededError,
    MethodNotAllowedError,
    NotFoundError,
    PoutamaError,
    UnauthenticatedError,
)
from poutama.plan.build import ReadBuilder
from poutama.plan.guard import guard_read
from poutama.plan.lru import Lru
from poutama.plan.nodes import Call, Read, Steps, Text, Write
from poutama.plan.operation import (
    Documents,
    GraphQLFailure,
    GraphQLRequest,
    Operation,
    Shape,
    build_trees,
)
from poutama.plan.selection import Selections
from poutama.plan.values import Binding, resolve_tree, resolve_value
from poutama.plan.writes import WriteBuilder
from poutama.schema.model import Model
from poutama.settings import Settings
from poutama.sql.json import render_json
from poutama.sql.rows import render_rows
from poutama.sql.statement import Outcome, Statement
from poutama.viewer import Viewer

Procedure: TypeAlias = Callable[
    [Transaction, Viewer, Mapping[str, Any]], Awaitable[Mapping[str, UUID]]
]
"""A mutation in Python: it returns the id of the row for each field of its payload."""

FOREIGN_KEY_VIOLATION = "23503"


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response, complete, and the HTTP status it deserves."""

    body: bytes
    status: int = 200


@dataclass(frozen=True, slots=True, eq=False)
class PreparedStep:
    """A root field of a mutation, ready to run."""

    step: Write | Call | Text
    statement: Statement | None
    """What a write runs; None where the step is no write."""
    payload: Statement | None
    """What reads the payload afterwards; None where the statement brings it along."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A plan, rendered."""

    read: Statement | None
    steps: tuple[PreparedStep, ...]


class Engine:
    """Runs GraphQL operations against one database."""

    def __init__(
        self,
        model: Model,
        database: Database,
        settings: Settings,
        procedures: Mapping[str, Procedure],
    ) -> None:
        self._model = model
        self._database = database
        self._settings = settings
        self._procedures = procedures
        self._documents = Documents(model, settings)
        self._prepared: Lru[tuple[Operation, Shape], Prepared] = Lru(settings.plan_cache_size)

    async def execute(
        self,
        request: GraphQLRequest,
        viewer: Viewer | None,
        *,
        deadline: float,
        read_only: bool = False,
    ) -> Answer:
        """Run the operation by the deadline, an absolute `time.monotonic()`.

        Raises:
            MethodNotAllowedError: a mutation where only reads are allowed.
        """
        try:
            operation = self._documents.find_operation(request)
            if read_only and operation.is_mutation:
                raise MethodNotAllowedError("A mutation is sent by POST.")
            variables, shape = self._documents.coerce_variables(operation, request.variables)
            prepared = self._prepared.get((operation, shape))
            if prepared is None:
                prepared = await self._prepare(operation, variables, shape)
            binding = Binding(variables, viewer, self._settings.max_page_size)
            if prepared.read is not None:
                return await self._run_read(prepared.read, binding, deadline)
            return await self._run_steps(prepared.steps, binding, deadline)
        except GraphQLFailure as failure:
            return _answer_failure(failure)
        except MethodNotAllowedError:
            raise
        except PoutamaError as error:
            if not error.safe:
                raise
            return Answer(_encode_errors([_describe(error)]), error.status)

    async def _run_read(self, statement: Statement, binding: Binding, deadline: float) -> Answer:
        if statement.constant is not None:
            return Answer(b'{"data":' + statement.constant.encode() + b"}")
        rows = await self._database.read(
            statement.text, _bind(statement, binding), deadline=deadline
        )
        data = statement.conclude(rows).data
        if data is None:
            raise UnauthenticatedError("The person who signed in is not known here (any more).")
        return Answer(b'{"data":' + data.encode() + b"}")

    async def _run_steps(
        self, steps: tuple[PreparedStep, ...], binding: Binding, deadline: float
    ) -> Answer:
        try:
            texts = await self._run_mutation(steps, binding, deadline)
        except StepFailure as failure:
            error = failure.error
            if not error.safe:
                raise error from failure
            return Answer(_encode_errors([_describe(error, path=[failure.key])], data="null"))
        members = (
            f"{dumps(step.step.key)}:{text}" for step, text in zip(steps, texts, strict=True)
        )
        return Answer(('{"data":{' + ",".join(members) + "}}").encode())

    async def _run_mutation(
        self, steps: tuple[PreparedStep, ...], binding: Binding, deadline: float
    ) -> list[str]:
        """The root fields' texts; all have happened, or none."""
        only = steps[0]
        if len(steps) == 1 and isinstance(only.step, Write) and only.payload is None:
            assert only.statement is not None

            async def write(text: str, *args: object) -> Any:
                return await self._database.write(text, args, deadline=deadline)

            return [await self._run_step(only, binding, write, None)]

        if all(isinstance(step.step, Text) for step in steps):
            return [step.step.json for step in steps if isinstance(step.step, Text)]

        async def work(transaction: Transaction) -> list[str]:
            binding.start_again()
            return [
                await self._run_step(step, binding, transaction.fetch, transaction)
                for step in steps
            ]

        return await run_transaction(self._database, work, deadline=deadline, name="mutation")

    async def _run_step(
        self,
        prepared: PreparedStep,
        binding: Binding,
        fetch: Callable[..., Awaitable[Any]],
        transaction: Transaction | None,
    ) -> str:
        step = prepared.step
        try:
            match step:
                case Text(_, json):
                    return json
                case Write():
                    assert prepared.statement is not None
                    rows = await fetch(prepared.statement.text, *_bind(prepared.statement, binding))
                    outcome = prepared.statement.conclude(rows)
                    _check_outcome(step, outcome, binding)
                    data = outcome.data
                case Call(_, procedure, given):
                    assert transaction is not None
                    assert binding.viewer is not None
                    call = self._procedures[procedure]
                    values = resolve_tree(given, binding)
                    binding.returned = await call(transaction, binding.viewer, values)
                    data = None
            if prepared.payload is not None:
                rows = await fetch(prepared.payload.text, *_bind(prepared.payload, binding))
                data = prepared.payload.conclude(rows).data
        except DatabaseError as error:
            if error.sqlstate == FOREIGN_KEY_VIOLATION:
                missing = NotFoundError("What the new row belongs to is gone.")
                raise StepFailure(step.key, missing) from error
            raise
        except (BadUserInputError, LimitExceededError, NotFoundError, ConflictError) as error:
            raise StepFailure(step.key, error) from error
        if data is None:
            raise StepFailure(step.key, NotFoundError())
        return data

    async def _prepare(
        self, operation: Operation, variables: dict[str, Any], shape: Shape
    ) -> Prepared:
        selections = Selections(operation, build_trees(operation, shape), self._settings)
        reads = ReadBuilder(self._model, operation, selections, self._settings)
        rendering = self._settings.rendering or (await self._database.dialect()).rendering
        render = render_json if rendering == "json" else render_rows
        if operation.is_mutation:
            steps = WriteBuilder(self._model, operation, selections, reads).build_mutation()
            prepared = Prepared(None, _prepare_steps(steps, render))
        else:
            plan = guard_read(self._model.entities, reads.build_query(variables))
            prepared = Prepared(render(plan), ())
        self._prepared.put((operation, shape), prepared)
        return prepared


class StepFailure(Exception):  # noqa: N818  carries an error and its place
    """A root field of a mutation failed, and with it the whole operation."""

    def __init__(self, key: str, error: PoutamaError) -> None:
        super().__init__(error.message)
        self.key = key
        self.error = error


def _prepare_steps(steps: Steps, render: Callable[..., Statement]) -> tuple[PreparedStep, ...]:
    prepared = []
    for step in steps.steps:
        match step:
            case Text():
                prepared.append(PreparedStep(step, None, None))
            case Write() if step.together:
                statement = render(Read(step.payload), step.change)
                prepared.append(PreparedStep(step, statement, None))
            case Write():
                statement = render(Read(()), step.change)
                prepared.append(PreparedStep(step, statement, render(Read(step.payload))))
            case Call():
                prepared.append(PreparedStep(step, None, render(Read(step.payload))))
    return tuple(prepared)


def _bind(statement: Statement, binding: Binding) -> list[object]:
    return [resolve_value(value, binding) for value in statement.values]


def _check_outcome(step: Write, outcome: Outcome, binding: Binding) -> None:
    """Say why nothing was written, when nothing was."""
    if outcome.written:
        return
    if outcome.version is not None:
        expected = resolve_value(step.change.expected_version, binding)  # type: ignore[union-attr,arg-type]
        raise ConflictError(
            f"{step.field}: expected version {expected}, but it has version {outcome.version} by"
            " now. Read it again, and decide whether your change still holds.",
            expectedVersion=expected,
            currentVersion=outcome.version,
        )
    raise NotFoundError(f"{step.field}: there is no such thing, or it is not yours to change.")


def _answer_failure(failure: GraphQLFailure) -> Answer:
    errors = []
    for error in failure.errors:
        formatted: dict[str, Any] = dict(error.formatted)
        formatted["extensions"] = {"code": failure.kind.code}
        errors.append(formatted)
    return Answer(_encode_errors(errors), failure.kind.status)


def _describe(error: PoutamaError, path: list[str] | None = None) -> dict[str, Any]:
    described: dict[str, Any] = {"message": error.message}
    if path is not None:
        described["path"] = path
    described["extensions"] = {"code": error.code, **error.extensions}
    return described


def _encode_errors(errors: list[dict[str, Any]], data: str | None = None) -> bytes:
    text = dumps(errors, ensure_ascii=False, default=str)
    # Error messages quote what the client sent, halves of surrogate pairs included.
    body = '{"errors":' + text + ("" if data is None else f',"data":{data}') + "}"
    return body.encode("utf-8", "backslashreplace")
