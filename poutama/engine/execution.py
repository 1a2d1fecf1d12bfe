"""`Engine.execute`: the walk of an operation, readable in one screen.

`edge/http` calls it. First the viewer, then the budget, then the document: nothing is parsed or
planned for a request without a viewer, save where a setting makes introspection public. A known
document goes straight from its cached plan to the database: no
parsing, validating, planning or rendering. The engine knows nothing of HTTP and tokens; an
unexpected error leaves it as an exception, which the edge masks.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias
from uuid import UUID

from graphql import GraphQLNamedType

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.engine import new_sign_ins
from poutama.engine.mutation import (
    MutationRun,
    PrepareRepeat,
    WriteDependencies,
    fingerprint_request,
)
from poutama.engine.prepare import (
    Prepared,
    PreparedRead,
    PreparedRepeat,
    PreparedStep,
    prepare_operation,
    prepare_repeat,
)
from poutama.engine.response import (
    GraphQLResponse,
    answer_data,
    answer_failure,
    answer_field_error,
    answer_refusal,
)
from poutama.engine.search_log import SearchLog
from poutama.engine.step_failures import StepFailure
from poutama.engine.trusted_documents import TrustedDocuments
from poutama.engine.writes_in_progress import finish_writing
from poutama.errors import (
    MethodNotAllowedError,
    NotFoundError,
    PoutamaError,
    RateLimitedError,
    UnauthenticatedError,
)
from poutama.lru import Lru
from poutama.memory_footprint import measure_bytes
from poutama.plan.binding import Binding, IdempotentRequest
from poutama.plan.cost import (
    check_cost,
    check_variables,
    price_answer,
    price_document,
    price_refusal,
    price_variables,
)
from poutama.plan.limits import check_text
from poutama.plan.nodes import Text
from poutama.plan.operation import Documents, GraphQLFailure, GraphQLRequest, Operation
from poutama.plan.variables_shape import VariablesShape
from poutama.procedure import Procedure
from poutama.schema.model import Entity, Model
from poutama.settings import Settings
from poutama.sql.computed import ComputeFor, fill_marks
from poutama.sql.statement import Statement, bind_values
from poutama.viewer import Viewer

logger = logging.getLogger(__name__)

Wake: TypeAlias = Callable[[UUID], Awaitable[None]]
"""Wakes a worker for a job."""

Spend: TypeAlias = Callable[[int], Awaitable[None]]
"""Takes an operation's cost from the caller's budget before the operation runs."""


DataRead: TypeAlias = tuple[bytes, int, Sequence[NotFoundError]]
"""The data, how many rows its filters and counts went through, and which rows were not found."""


PlanKey: TypeAlias = tuple[str, str | None, VariablesShape]
"""A document's text, the operation's name, and the shape of the variables."""


class Engine:
    """Runs GraphQL operations against one database."""

    def __init__(
        self,
        model: Model,
        database: Database,
        settings: Settings,
        procedures: Mapping[str, Procedure],
        trusted: TrustedDocuments | None = None,
        computed: ComputeFor = lambda _: {},
        wake: Wake | None = None,
    ) -> None:
        """Create an engine.

        Args:
            model: the types and rules of the schema.
            database: holds their rows.
            settings: limits and cache sizes.
            procedures: the functions of the schema's `@procedure` fields.
            trusted: if set, only those documents are served.
            computed: returns the functions of the schema's `@computed` fields, for a reader.
            wake: called with every job that a mutation has enqueued, after the commit.
        """
        self._model = model
        self._trusted = trusted or TrustedDocuments(None)
        self._database = database
        self._settings = settings
        self._writing = WriteDependencies(
            database, settings, procedures, ChangePlans(model, settings)
        )
        self._compute_for = computed
        self._wake = wake
        self._searches = SearchLog()
        self._documents = Documents(model, settings)
        self._prepared: Lru[PlanKey, Prepared] = Lru(
            settings.plan_cache_size,
            max_bytes=settings.plan_cache_bytes,
            measure=partial(measure_bytes, shared=(GraphQLNamedType, Entity)),
        )

    async def execute(
        self,
        request: GraphQLRequest,
        viewer: Viewer | None,
        *,
        deadline: float,
        read_only: bool = False,
        idempotency_key: str | None = None,
        spend: Spend | None = None,
    ) -> GraphQLResponse:
        """Run the operation by the deadline, an absolute `time.monotonic()`.

        A mutation with an idempotency key is run once: `docs/transactions.md`. `spend` is called
        before a document is parsed or planned, and before variables are coerced or used.

        Raises:
            MethodNotAllowedError: a mutation where only reads are allowed.
            RateLimitedError: `spend` raised it.
        """
        try:
            check_viewer(viewer, self._settings)
            request = self._trusted.find(request)
            operation = await self._find_operation(request, viewer, spend)
            if read_only and operation.is_mutation:
                raise MethodNotAllowedError("Mutations must be sent by POST.")
            variables, shape = await self._coerce(operation, request, spend)
            prepared = await self._prepare(operation, request, shape, viewer, spend)
            binding = Binding(variables, viewer, self._settings.max_page_size)
            await self._charge(prepared, binding, spend)
            if isinstance(prepared, PreparedRead):
                result = await self._read(prepared.statement, binding, deadline)
            else:
                binding.idempotent_request = _idempotent_request(idempotency_key, request, viewer)
                repeat = partial(self._prepare_repeat, operation, shape)
                result = await self._mutate(prepared.steps, binding, deadline, repeat)
            return self._answer(prepared, result, viewer)
        except (GraphQLFailure, StepFailure, PoutamaError) as error:
            return _answer_error(error, self._settings)

    def _answer(
        self, prepared: Prepared, result: DataRead, viewer: Viewer | None
    ) -> GraphQLResponse:
        data, scanned, missing = result
        if prepared.marked and viewer is not None:
            data = fill_marks(data, self._compute_for(viewer.person_id))
        owed = price_answer(len(data), scanned, self._settings)
        return answer_data(data, missing, owed=owed)

    async def _charge(self, prepared: Prepared, binding: Binding, spend: Spend | None) -> None:
        """Spend what the operation costs, and count what it searches."""
        cost = check_cost(prepared.cost, binding, self._settings)
        if spend is not None:
            await spend(cost)
        if prepared.searched and binding.viewer is not None:
            self._searches.count(binding.viewer.person_id, prepared.searched)

    async def _read(self, statement: Statement, binding: Binding, deadline: float) -> DataRead:
        if statement.constant is not None:
            bind_values(statement, binding)  # raises for invalid arguments all the same
            return statement.constant.encode(), 0, ()
        rows = await self._database.read(
            statement.text, bind_values(statement, binding), deadline=deadline
        )
        read = statement.read_data(rows, binding)
        if read.data is None:
            raise UnauthenticatedError(
                "No person found for the signed-in user; the account may have been deleted."
            )
        return read.data, read.scanned, read.missing

    async def _mutate(
        self,
        steps: tuple[PreparedStep, ...],
        binding: Binding,
        deadline: float,
        repeat: PrepareRepeat,
    ) -> DataRead:
        mutation = MutationRun(self._writing, steps, binding, deadline, repeat)
        with finish_writing():
            data = await mutation.run()
            for job in mutation.enqueued:
                await self._wake_worker(job)
        return data.encode(), mutation.scanned, ()

    async def _wake_worker(self, job: UUID) -> None:
        if self._wake is None:
            return
        try:
            await self._wake(job)
        except PoutamaError as error:
            # The job is in its table: the sweep wakes a worker for it later.
            logger.warning(
                "job %s: no worker was woken; the next sweep will wake one: %s", job, error.message
            )

    async def _find_operation(
        self, request: GraphQLRequest, viewer: Viewer | None, spend: Spend | None
    ) -> Operation:
        new_sign_ins.refuse_text(self._model, request, viewer)
        found = self._documents.find_kept(request)
        if found is None:
            check_text(request.query, self._settings)
            if spend is not None:
                await spend(price_document(request.query, self._settings))
            found = self._documents.find_operation(request, keep=viewer is not None)
        if viewer is None and not found.is_public:
            raise UnauthenticatedError
        new_sign_ins.refuse_fields(self._model, found, viewer)
        return found

    async def _coerce(
        self, operation: Operation, request: GraphQLRequest, spend: Spend | None
    ) -> tuple[dict[str, object], VariablesShape]:
        values, price = price_variables(request.variables, self._settings)
        if spend is not None and price:
            # What is refused below has been received and counted, and is paid for.
            await spend(min(price, self._settings.max_cost))
        check_variables(values, price, self._settings)
        return self._documents.coerce_variables(operation, request.variables)

    async def _prepare(
        self,
        operation: Operation,
        request: GraphQLRequest,
        shape: VariablesShape,
        viewer: Viewer | None,
        spend: Spend | None,
    ) -> Prepared:
        key = (request.query, request.operation_name, shape)
        found = self._prepared.get(key)
        if found is not None:
            return found
        if spend is not None:
            await spend(price_document(request.query, self._settings))
        rendering = await self._find_rendering()
        prepared = prepare_operation(
            self._model, self._settings, operation, request.variables or {}, shape, rendering
        )
        if viewer is not None:
            self._prepared.put(key, prepared)
        return prepared

    async def _prepare_repeat(
        self, operation: Operation, shape: VariablesShape
    ) -> tuple[Text | PreparedRepeat, ...]:
        rendering = await self._find_rendering()
        return prepare_repeat(self._model, self._settings, operation, shape, rendering)

    async def _find_rendering(self) -> str:
        return self._settings.rendering or (await self._database.dialect()).rendering


def check_viewer(viewer: Viewer | None, settings: Settings) -> None:
    """Refuse a request without a viewer, before its body is read.

    Raises:
        UnauthenticatedError: there is none, and no setting makes introspection public.
    """
    if viewer is None and not (settings.introspection and settings.public_introspection):
        raise UnauthenticatedError


def _answer_error(
    error: GraphQLFailure | StepFailure | PoutamaError, settings: Settings
) -> GraphQLResponse:
    """Return the client's answer; raise errors that the edge masks or answers itself."""
    match error:
        case GraphQLFailure():
            return answer_failure(error)
        case StepFailure():
            owed = price_refusal(error.error, settings)
            return answer_field_error(error.error, error.key, owed=owed)
        case NotFoundError(extensions={"field": str(field)}):
            # A field's error, not the request's: of several roots, this one was not answered.
            return answer_field_error(error, field, owed=price_refusal(error, settings))
        case MethodNotAllowedError() | RateLimitedError() | PoutamaError(safe=False):
            raise error
        case _:
            return answer_refusal(error, owed=price_refusal(error, settings))


def _idempotent_request(
    idempotency_key: str | None, request: GraphQLRequest, viewer: Viewer | None
) -> IdempotentRequest | None:
    # Keys are kept with people; what an account does that is not one yet is safe to repeat.
    if idempotency_key is None or (viewer and viewer.sign_in):
        return None
    return IdempotentRequest(idempotency_key, fingerprint_request(request))
