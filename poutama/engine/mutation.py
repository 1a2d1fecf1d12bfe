"""The flow of a write: root fields in order, all or nothing, with or without an idempotency key.

A single change with its payload is one statement that commits by itself; everything else is one
transaction. `docs/transactions.md` says what is promised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json import dumps, loads
from typing import Any, TypeAlias, assert_never
from uuid import UUID

from poutama.changes import ChangePlans, Changes
from poutama.db.connection import Database
from poutama.db.pooled_connection import Records
from poutama.db.retry import RetryPolicy
from poutama.db.transaction import Transaction, run_transaction
from poutama.engine.bulk_results import GONE, read_results
from poutama.engine.bulk_write import ItemResult, read_kept, write_items
from poutama.engine.prepare import (
    PreparedBulk,
    PreparedCall,
    PreparedRepeat,
    PreparedStep,
    SimpleWrite,
    WriteInSteps,
    key_of,
)
from poutama.engine.step_failures import failing_at, naming, refusing_payload
from poutama.engine.unwritten import find_made, raise_unwritten, refuse_repeated_ids
from poutama.errors import (
    AmbiguousCommit,
    DatabaseError,
    DeadlineExceededError,
    IdempotencyKeyReusedError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from poutama.jobs.table import require_job_quota
from poutama.plan.binding import Binding, resolve_tree, resolve_value
from poutama.plan.mutation_steps import Call, ResultList, Write
from poutama.plan.nodes import Text
from poutama.plan.operation import GraphQLRequest
from poutama.procedure import Procedure, ProcedureContext
from poutama.quotas import Quotas
from poutama.schema.bulk import RESULTS
from poutama.settings import Settings
from poutama.sql.idempotency import lookup_written, store_written
from poutama.sql.procedure_payload import fill_returned
from poutama.sql.statement import Statement, bind_values

_FIND = lookup_written()

PrepareRepeat: TypeAlias = Callable[[], Awaitable[tuple[Text | PreparedRepeat, ...]]]
"""Prepares what reads a mutation's payload again."""


def fingerprint_request(request: GraphQLRequest) -> str:
    """Return the hash that distinguishes requests under the same idempotency key."""
    parts = [request.query, request.operation_name, request.variables or {}]
    text = dumps(parts, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class WriteDependencies:
    """What all mutations of an engine share."""

    database: Database
    settings: Settings
    procedures: Mapping[str, Procedure]
    plans: ChangePlans


class MutationRun:
    """One mutation operation of one request."""

    def __init__(
        self,
        writing: WriteDependencies,
        steps: tuple[PreparedStep, ...],
        binding: Binding,
        deadline: float,
        prepare_repeat: PrepareRepeat,
    ) -> None:
        self._prepare_repeat = prepare_repeat
        self._writing = writing
        self._database = writing.database
        self._steps = steps
        self._binding = binding
        self._deadline = deadline
        self.enqueued: Sequence[UUID] = ()
        """Jobs created by its commit."""
        self.scanned = 0
        """How many rows the filters and counts of its payloads went through."""

    async def run(self) -> str:
        """Run it until its outcome is known; returns the response's data as JSON text.

        Raises:
            StepFailure: a root field failed; nothing was written.
            AmbiguousCommit: it may have been written. With an idempotency key the mutation is
                retried until the deadline before this is raised.
        """
        retry_policy = RetryPolicy(self._deadline)
        in_doubt: AmbiguousCommit | None = None
        while True:
            try:
                return await self._attempt()
            except AmbiguousCommit as error:
                in_doubt = error
                if (
                    self._binding.idempotent_request is None
                    or not await retry_policy.should_retry()
                ):
                    raise
            except (DatabaseError, DeadlineExceededError, UnavailableError) as error:
                # This attempt wrote nothing; an earlier one may have.
                if in_doubt is not None:
                    raise in_doubt from error
                raise

    async def _attempt(self) -> str:
        steps = self._steps
        if all(isinstance(step, Text) for step in steps):
            return self._join(step.json for step in steps if isinstance(step, Text))
        match steps:
            case (SimpleWrite() as step,):
                text = await self._run_simple(step)
                if text is not None:
                    return text
        return await run_transaction(
            self._database, self._run_steps, deadline=self._deadline, name="mutation"
        )

    async def _run_simple(self, step: SimpleWrite) -> str | None:
        """The data; None where nothing was written: the key is known, or the row's id may be."""
        idempotent = self._binding.idempotent_request
        statement = step.statement if idempotent is None else step.idempotent
        with failing_at(step.write.key), refusing_payload(step.write, statement):
            refuse_repeated_ids(step.write, self._binding)
            rows = await self._database.write(
                statement.text, bind_values(statement, self._binding), deadline=self._deadline
            )
            outcome = statement.conclude(rows)
            if outcome.fingerprint is not None:
                return None
            if not outcome.written and step.made is not None:
                return None
            await raise_unwritten(step.write, outcome, self._binding, self._read)
            assert outcome.data is not None, "what was written can be read"
            return self._join([outcome.data])

    async def _run_steps(self, transaction: Transaction) -> str:
        binding = self._binding
        binding.start_again()
        self.enqueued = ()
        self.scanned = 0
        if binding.idempotent_request is not None:
            rows = await transaction.fetch(_FIND.text, *bind_values(_FIND, binding))
            if rows:
                fingerprint, written = rows[0]
                return await self._repeat(fingerprint, written, transaction)
        texts: list[str] = []
        returned: list[Mapping[str, object]] = []
        for step in self._steps:
            texts.append(await self._run_step(step, transaction))
            returned.append(self._returned(step))
        data = self._join(texts)
        if binding.idempotent_request is not None:
            store = store_written(returned)
            await transaction.execute(store.text, *bind_values(store, binding))
        self.enqueued = tuple(transaction.enqueued)
        return data

    async def _run_step(self, step: PreparedStep, transaction: Transaction) -> str:
        with failing_at(key_of(step)):
            match step:
                case Text():
                    return step.json
                case SimpleWrite(write, statement, _, made):
                    return await self._write(write, statement, None, made, transaction)
                case WriteInSteps(write, before, statement, payload, made):
                    if before is not None:
                        await transaction.execute(before.text, *bind_values(before, self._binding))
                    return await self._write(write, statement, payload, made, transaction)
                case PreparedBulk(write, _, _, payload):
                    results = await write_items(step, self._binding, transaction)
                    self._binding.returned = {RESULTS: results}
                    return await self._read_results(write.results, payload, results, transaction)
                case PreparedCall(call, _, _, payload):
                    await self._call(step, call, transaction)
                    return await self._read_payload(payload, transaction)
                case _:
                    assert_never(step)

    def _returned(self, step: PreparedStep) -> Mapping[str, object]:
        """What the payload of a step that has just run is about: ids and values by field."""
        match step:
            case Text():
                return {}
            case PreparedCall(call):
                return {**self._binding.returned, **dict.fromkeys(call.shown_once)}
            case PreparedBulk() | WriteInSteps(write=Write(kept=(_,))):
                return self._binding.returned
            case SimpleWrite(write) | WriteInSteps(write):
                return self._returned_ids(write)
            case _:
                assert_never(step)

    def _returned_ids(self, write: Write) -> dict[str, object]:
        return dict.fromkeys(write.returned, resolve_value(write.row, self._binding))

    async def _read_results(
        self,
        members: tuple[Text | ResultList, ...],
        payload: Statement,
        results: Sequence[ItemResult],
        transaction: Transaction,
    ) -> str:
        text, scanned = await read_results(members, payload, results, self._binding, transaction)
        self.scanned += scanned
        return text

    async def _repeat(self, fingerprint: str, written: str, transaction: Transaction) -> str:
        """Read again what a mutation of the same key has written, as far as the caller may see it.

        Raises:
            IdempotencyKeyReusedError: the key belongs to another request.
            StepFailure: the caller may no longer see a row of it, or it is gone.
        """
        request = self._binding.idempotent_request
        assert request is not None, "only a request with a key is repeated"
        if fingerprint != request.fingerprint:
            raise IdempotencyKeyReusedError
        kept: list[dict[str, Any]] = loads(written)
        texts = []
        for number, step in enumerate(await self._prepare_repeat()):
            # An earlier version kept none: then nothing of it can be read.
            self._binding.returned = kept[number] if number < len(kept) else {}
            with failing_at(step.key):
                texts.append(await self._read_again(step, transaction))
        return self._join(texts)

    async def _read_again(self, step: Text | PreparedRepeat, transaction: Transaction) -> str:
        if isinstance(step, Text):
            return step.json
        try:
            if step.results is not None:
                results: Any = self._binding.returned[RESULTS]
                return await self._read_results(step.results, step.payload, results, transaction)
            return await self._read_payload(step.payload, transaction)
        except (KeyError, NotFoundError):
            raise NotFoundError(f"{step.field}: {GONE}", applied=True) from None

    async def _write(
        self,
        write: Write,
        statement: Statement,
        payload: Statement | None,
        made: Statement | None,
        transaction: Transaction,
    ) -> str:
        """Write, and return the payload: the statement's own, or what `payload` reads after it."""
        refuse_repeated_ids(write, self._binding)
        values = bind_values(statement, self._binding)
        with refusing_payload(write, statement):
            rows = await transaction.fetch(statement.text, *values)
        outcome = statement.conclude(rows)
        if not outcome.written and await find_made(write, made, self._binding, transaction.fetch):
            return await self._read_made(write, transaction)
        await raise_unwritten(write, outcome, self._binding, transaction.fetch)
        if payload is not None:
            self._binding.returned = {**self._returned_ids(write), **read_kept(outcome)}
            return await self._read_payload(payload, transaction)
        assert outcome.data is not None, "what was written can be read"
        return outcome.data

    async def _read_made(self, write: Write, transaction: Transaction) -> str:
        """The payload about the row that the viewer has made before, with the new one's id."""
        steps = await self._prepare_repeat()
        step = next(step for step in steps if step.key == write.key)
        self._binding.returned = self._returned_ids(write)
        return await self._read_again(step, transaction)

    async def _read(self, statement: str, *values: object) -> Records:
        return await self._database.read(statement, values, deadline=self._deadline)

    async def _read_payload(self, payload: Statement, transaction: Transaction) -> str:
        """The payload's text.

        Raises:
            NotFoundError: a row that must be there is not.
        """
        if payload.constant is not None:
            return fill_returned(payload.constant, self._binding.returned)
        rows = await transaction.fetch(payload.text, *bind_values(payload, self._binding))
        read = payload.read_data(rows, self._binding)
        self.scanned += read.scanned
        if read.data is None:
            raise NotFoundError
        return fill_returned(read.data.decode(), self._binding.returned)

    async def _call(self, prepared: PreparedCall, step: Call, transaction: Transaction) -> None:
        """Call a procedure that the caller is permitted to call, unless it has happened before."""
        viewer = self._binding.viewer
        if viewer is None:
            raise UnauthenticatedError
        values = resolve_tree(step.input, self._binding)
        if (permit := prepared.permit) is not None:
            (row,) = await transaction.fetch(permit.text, *bind_values(permit, self._binding))
            for permitted, each in zip(row, step.permits, strict=True):
                if not permitted:
                    with naming(step.field):
                        raise NotFoundError.of(each.entity.name)
        if await find_made(step, prepared.made, self._binding, transaction.fetch):
            assert step.made is not None
            row_id = resolve_value(step.made.id, self._binding)
            self._binding.returned = dict.fromkeys(step.made.returned, row_id)
            return
        context = ProcedureContext(
            transaction=transaction,
            viewer=viewer,
            changes=Changes(self._writing.plans, transaction, viewer),
            settings=self._writing.settings,
        )
        procedure, enqueued = self._writing.procedures[step.procedure], len(transaction.enqueued)
        with naming(step.field):
            self._binding.returned = await procedure(context, values)
            quotas = Quotas(self._writing.plans.model, self._writing.settings)
            for job in transaction.enqueued[enqueued:]:
                await require_job_quota(transaction, quotas, job)

    def _join(self, texts: Iterable[str]) -> str:
        pairs = zip(self._steps, texts, strict=True)
        return "{" + ",".join(f"{dumps(key_of(step))}:{text}" for step, text in pairs) + "}"
