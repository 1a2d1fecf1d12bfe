"""The two flows of an operation, read and write, from request to JSON bytes.

`edge/http` calls `Engine.execute`. A document seen before goes straight from its cached plan to
the database: no parsing, validating, planning or rendering. The engine knows no HTTP and no
tokens; what is unexpected leaves it as an exception and is masked at the edge.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Any, TypeAlias, assert_never
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.retry import Patience
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import (
    AmbiguousCommit,
    BadUserInputError,
    ConflictError,
    DatabaseError,
    IdempotencyKeyReusedError,
    LimitExceededError,
    MethodNotAllowedError,
    NotFoundError,
    PoutamaError,
    UnauthenticatedError,
)
from poutama.plan.build import ReadBuilder
from poutama.plan.guard import guard_read
from poutama.plan.lru import Lru
from poutama.plan.nodes import Call, Insert, Read, Steps, Text, Write
from poutama.plan.operation import (
    Documents,
    GraphQLFailure,
    GraphQLRequest,
    Operation,
    Shape,
    build_trees,
)
from poutama.plan.selection import Selections
from poutama.plan.values import Binding, Repeatable, resolve_tree, resolve_value
from poutama.plan.writes import WriteBuilder
from poutama.schema.model import Model
from poutama.settings import Settings
from poutama.sql.json import render_json, render_repeatable
from poutama.sql.repeat import find_repeated, keep_response
from poutama.sql.rows import render_rows
from poutama.sql.statement import Outcome, Statement
from poutama.sql.write import render_gaps
from poutama.viewer import Viewer

Procedure: TypeAlias = Callable[
    [Transaction, Viewer, Mapping[str, Any]], Awaitable[Mapping[str, UUID]]
]
"""A mutation in Python: it returns the id of the row for each field of its payload."""

FOREIGN_KEY_VIOLATION = "23503"
_FIND = find_repeated()


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response, complete, and the HTTP status it deserves."""

    body: bytes
    status: int = 200


@dataclass(frozen=True, slots=True, eq=False)
class PreparedStep:
    """A root field of a mutation, ready to run."""

    step: Write | Call | Text
    statement: Statement | None = None
    """What a write runs; None where the step is no write."""
    payload: Statement | None = None
    """What reads the payload afterwards; None where the statement brings it along."""
    before: Statement | None = None
    """What must run first, in the same transaction."""
    repeatable: Statement | None = None
    """The same write under an idempotency key; None where that takes a transaction."""

    @property
    def is_simple(self) -> bool:
        """Whether one statement is all there is to it."""
        return isinstance(self.step, Write) and self.payload is None and self.before is None


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
        idempotency_key: str | None = None,
    ) -> Answer:
        """Run the operation by the deadline, an absolute `time.monotonic()`.

        A mutation under an idempotency key happens once however often it is sent, and is answered
        alike. `docs/transactions.md` says what that promises.

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
            if idempotency_key is not None:
                binding.repeatable = Repeatable(idempotency_key, fingerprint_request(request))
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
            if binding.repeatable is None:
                data = await self._run_mutation(steps, binding, deadline)
            else:
                data = await self._run_repeatable(steps, binding, deadline)
        except StepFailure as failure:
            error = failure.error
            if not error.safe:
                raise error from failure
            return Answer(_encode_errors([_describe(error, path=[failure.key])], data="null"))
        return Answer(b'{"data":' + data.encode() + b"}")

    async def _run_repeatable(
        self, steps: tuple[PreparedStep, ...], binding: Binding, deadline: float
    ) -> str:
        """Run until the outcome is known: under a key, what may have happened can be repeated."""
        patience = Patience(deadline)
        while True:
            try:
                return await self._run_mutation(steps, binding, deadline)
            except AmbiguousCommit:
                if not await patience.allows_another():
                    raise

    async def _run_mutation(
        self, steps: tuple[PreparedStep, ...], binding: Binding, deadline: float
    ) -> str:
        """The root fields as one JSON object; all have happened, or none."""
        if all(isinstance(step.step, Text) for step in steps):
            return _join_fields(steps, [step.step.json for step in steps])  # type: ignore[union-attr]
        if len(steps) == 1 and steps[0].is_simple:
            return await self._run_simple(steps[0], binding, deadline)

        async def work(transaction: Transaction) -> str:
            binding.start_again()
            if binding.repeatable is not None:
                rows = await transaction.fetch(_FIND.text, *_bind(_FIND, binding))
                if rows:
                    return _repeat(binding.repeatable, *rows[0])
            texts = [await self._run_step(step, binding, transaction) for step in steps]
            data = _join_fields(steps, texts)
            if binding.repeatable is not None:
                keep = keep_response(data)
                await transaction.execute(keep.text, *_bind(keep, binding))
            return data

        return await run_transaction(self._database, work, deadline=deadline, name="mutation")

    async def _run_simple(self, step: PreparedStep, binding: Binding, deadline: float) -> str:
        """A single change with its payload, in one statement that commits by itself."""
        assert isinstance(step.step, Write)
        statement = step.repeatable if binding.repeatable is not None else step.statement
        assert statement is not None
        with _failing_at(step.step.key):
            rows = await self._database.write(
                statement.text, _bind(statement, binding), deadline=deadline
            )
            outcome = statement.conclude(rows)
            if binding.repeatable is not None and outcome.fingerprint is not None:
                assert outcome.response is not None
                return _repeat(binding.repeatable, outcome.fingerprint, outcome.response)
            return _join_fields((step,), [_conclude_write(step.step, outcome, binding)])

    async def _run_step(
        self, prepared: PreparedStep, binding: Binding, transaction: Transaction
    ) -> str:
        async def fetch(statement: Statement) -> Outcome:
            rows = await transaction.fetch(statement.text, *_bind(statement, binding))
            return statement.conclude(rows)

        step = prepared.step
        if isinstance(step, Text):
            return step.json
        with _failing_at(step.key):
            text: str | None = None
            if isinstance(step, Write):
                assert prepared.statement is not None
                if prepared.before is not None:
                    before = prepared.before
                    await transaction.execute(before.text, *_bind(before, binding))
                text = _conclude_write(step, await fetch(prepared.statement), binding)
            else:
                if binding.viewer is None:
                    raise UnauthenticatedError
                given = resolve_tree(step.input, binding)
                call = self._procedures[step.procedure]
                binding.returned = await call(transaction, binding.viewer, given)
            if prepared.payload is not None:
                text = (await fetch(prepared.payload)).data
            if text is None:
                raise NotFoundError
            return text

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
    return tuple(_prepare_step(step, render) for step in steps.steps)


def _prepare_step(step: Write | Call | Text, render: Callable[..., Statement]) -> PreparedStep:
    match step:
        case Text():
            return PreparedStep(step)
        case Call():
            return PreparedStep(step, payload=render(Read(step.payload)))
        case Write(change=change) if step.together:
            read = Read(step.payload)
            return PreparedStep(
                step,
                statement=render(read, change),
                before=render_gaps(change),
                repeatable=render_repeatable(step.key, read, change),
            )
        case Write(change=change):
            return PreparedStep(
                step,
                statement=render(Read(()), change),
                payload=render(Read(step.payload)),
                before=render_gaps(change),
            )
        case _:
            assert_never(step)


def fingerprint_request(request: GraphQLRequest) -> str:
    """What tells a request from others under the same idempotency key."""
    parts = [request.query, request.operation_name, request.variables or {}]
    text = dumps(parts, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def _repeat(repeatable: Repeatable, fingerprint: str, response: str) -> str:
    if fingerprint != repeatable.fingerprint:
        raise IdempotencyKeyReusedError
    return response


def _join_fields(steps: tuple[PreparedStep, ...], texts: list[str]) -> str:
    members = (f"{dumps(step.step.key)}:{text}" for step, text in zip(steps, texts, strict=True))
    return "{" + ",".join(members) + "}"


@contextmanager
def _failing_at(key: str) -> Iterator[None]:
    """Give errors that a root field can answer with their place in the response."""
    try:
        yield
    except DatabaseError as error:
        if error.sqlstate == FOREIGN_KEY_VIOLATION:
            missing = NotFoundError("What the new row belongs to is gone.")
            raise StepFailure(key, missing) from error
        raise
    except (BadUserInputError, LimitExceededError, NotFoundError, ConflictError) as error:
        raise StepFailure(key, error) from error


def _bind(statement: Statement, binding: Binding) -> list[object]:
    return [resolve_value(value, binding) for value in statement.values]


def _conclude_write(step: Write, outcome: Outcome, binding: Binding) -> str:
    """The payload's text; or why nothing was written, when nothing was."""
    if outcome.written:
        assert outcome.data is not None, "what was written can be read"
        return outcome.data
    if outcome.version is not None and not isinstance(step.change, Insert):
        assert step.change.expected_version is not None
        expected = resolve_value(step.change.expected_version, binding)
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
