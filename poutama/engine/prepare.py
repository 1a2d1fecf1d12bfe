"""A validated operation -> statements ready to run. Called on a miss of the plan cache; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeAlias, assert_never

from poutama.plan.audit_marks import find_searched
from poutama.plan.build import ReadBuilder
from poutama.plan.cost import Cost, Pricing, check_total, price_searches
from poutama.plan.mutation_steps import (
    BulkWrite,
    Call,
    MutationStep,
    RefusedInput,
    Repeat,
    ResultList,
    Write,
)
from poutama.plan.nodes import Delete, Read, Text
from poutama.plan.operation import Operation
from poutama.plan.passes import rewrite_read
from poutama.plan.payloads import WITHIN
from poutama.plan.selection import Selections
from poutama.plan.values import Members, Returned
from poutama.plan.variables_shape import VariablesShape, build_trees
from poutama.plan.writes import WriteBuilder
from poutama.schema.model import Model
from poutama.settings import Settings
from poutama.sql.bounds import Bounds
from poutama.sql.computed import has_marks
from poutama.sql.json import render_idempotent, render_json
from poutama.sql.permit import render_made_row, render_permits
from poutama.sql.rows import render_rows
from poutama.sql.statement import Statement
from poutama.sql.write import render_gaps, render_made, render_renumbering

Render: TypeAlias = Callable[..., Statement]


@dataclass(frozen=True, slots=True, eq=False)
class SimpleWrite:
    """A write whose payload comes with it: one statement, that commits by itself where it is alone.

    Attributes:
        write: the plan.
        statement: the change and its payload.
        idempotent: the same under an idempotency key.
        made: finds the row that has the client's id already, where the client makes it.
    """

    write: Write
    statement: Statement
    idempotent: Statement
    made: Statement | None


@dataclass(frozen=True, slots=True, eq=False)
class WriteInSteps:
    """A write that takes several statements of one transaction.

    Attributes:
        write: the plan.
        before: what runs first, if anything.
        statement: the change.
        payload: what reads the payload afterwards; None where the change brings it along.
        made: finds the row that has the client's id already, where the client makes it.
    """

    write: Write
    before: Statement | None
    statement: Statement
    payload: Statement | None
    made: Statement | None


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCall:
    """A procedure, between the statement that asks its permits and the one that reads its payload.

    Attributes:
        call: the plan.
        permit: None where being signed in is enough.
        made: finds the row that has the client's id already, where the client makes it.
        payload: what reads the payload.
    """

    call: Call
    permit: Statement | None
    made: Statement | None
    payload: Statement


@dataclass(frozen=True, slots=True, eq=False)
class PreparedShape:
    """The change of all inputs of one shape, and what finds a row that has the client's id."""

    write: Write
    statement: Statement
    made: Statement | None


@dataclass(frozen=True, slots=True, eq=False)
class PreparedBulk:
    """A change of several inputs, and what reads the payload afterwards.

    Attributes:
        write: the plan.
        shapes: a statement for each of its shapes.
        renumbering: what closes the gaps that deletions leave among numbered rows.
        payload: what reads the rows of all results.
    """

    write: BulkWrite
    shapes: tuple[PreparedShape | RefusedInput, ...]
    renumbering: Statement | None
    payload: Statement


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRepeat:
    """A root field of a mutation that has happened, and what reads its payload as of now.

    `results`: how it is put together, where it has several.
    """

    key: str
    field: str
    payload: Statement
    results: tuple[Text | ResultList, ...] | None


PreparedStep: TypeAlias = Text | SimpleWrite | WriteInSteps | PreparedBulk | PreparedCall
"""A root field of a mutation, ready to run."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRead:
    """A query: one statement. `marked`: whether the response has marks to fill; `searched`: the
    texts of others that its filters compare.
    """

    cost: Cost
    statement: Statement
    marked: bool
    searched: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedMutation:
    """A mutation: its root fields, in order. `marked`, `searched`: as of a query."""

    cost: Cost
    steps: tuple[PreparedStep, ...]
    marked: bool
    searched: tuple[str, ...]


Prepared: TypeAlias = PreparedRead | PreparedMutation
"""An operation, planned and rendered."""


def key_of(step: PreparedStep) -> str:
    """The response key of a root field."""
    match step:
        case Text(key=key) | SimpleWrite(Write(key=key)) | WriteInSteps(Write(key=key)):
            return key
        case PreparedBulk(write=BulkWrite(key=key)):
            return key
        case PreparedCall(call):
            return call.key
        case _:
            assert_never(step)


def prepare_operation(
    model: Model,
    settings: Settings,
    operation: Operation,
    variables: Mapping[str, object],
    shape: VariablesShape,
    rendering: str,
) -> Prepared:
    """Plan, rewrite and render an operation for variables of this shape; `variables` as sent.

    Raises:
        BadUserInputError: an argument cannot be used.
        LimitExceededError: the operation costs too much, whatever the sizes of its pages.
    """
    selections = Selections(operation, build_trees(shape), settings)
    cost = Pricing(model, operation, selections, settings).price_operation()
    check_total(cost.fixed, settings)
    reads = ReadBuilder(model, operation, selections, settings)
    bounds = Bounds.from_settings(settings)
    render = _renderer(rendering, bounds)
    if operation.is_mutation:
        plan = WriteBuilder(model, operation, selections, reads, settings).build_mutation()
        payloads = (step.payload for step in plan.steps if not isinstance(step, Text))
        searched = find_searched(Read(tuple(chain.from_iterable(payloads))))
        cost = cost.plus(price_searches(searched, settings))
        check_total(cost.fixed, settings)
        steps = tuple(_prepare_step(step, render, bounds) for step in plan.steps)
        return PreparedMutation(cost, steps, any(_is_marked(step) for step in steps), searched)
    read = rewrite_read(model.entities, reads.build_query(variables))
    searched = find_searched(read)
    cost = cost.plus(price_searches(searched, settings))
    check_total(cost.fixed, settings)
    statement = render(read)
    return PreparedRead(cost, statement, has_marks(statement.text), searched)


def prepare_repeat(
    model: Model, settings: Settings, operation: Operation, shape: VariablesShape, rendering: str
) -> tuple[Text | PreparedRepeat, ...]:
    """Plan and render what reads the payloads of a mutation that has happened.

    Called when a mutation comes again under its idempotency key, and for it alone.
    """
    selections = Selections(operation, build_trees(shape), settings)
    reads = ReadBuilder(model, operation, selections, settings)
    render = _renderer(rendering, Bounds.from_settings(settings))
    return tuple(
        step if isinstance(step, Text) else _prepare_repeat(step, render)
        for step in WriteBuilder(model, operation, selections, reads, settings).build_repeat()
    )


def _renderer(rendering: str, bounds: Bounds) -> Render:
    return partial(render_json if rendering == "json" else render_rows, bounds=bounds)


def _prepare_step(step: MutationStep, render: Render, bounds: Bounds) -> PreparedStep:
    match step:
        case Text():
            return step
        case Call():
            made = None if step.made is None else render_made_row(step.made)
            payload = render(Read(step.payload))
            return PreparedCall(step, render_permits(step.permits), made, payload)
        case BulkWrite():
            return _prepare_bulk(step, render)
        case Write(change=change):
            before, made = render_gaps(change), render_made(change)
            if not step.together:
                payload = render(Read(step.payload))
                return WriteInSteps(step, before, render(Read(step.kept), change), payload, made)
            read = Read(step.payload)
            statement = render(read, change)
            if before is not None:
                return WriteInSteps(step, before, statement, None, made)
            idempotent = render_idempotent(read, change, step.returned, bounds=bounds)
            return SimpleWrite(step, statement, idempotent, made)
        case _:
            assert_never(step)


def _prepare_bulk(step: BulkWrite, render: Render) -> PreparedBulk:
    shapes: list[PreparedShape | RefusedInput] = []
    renumbering = None
    for shape in step.shapes:
        if isinstance(shape, RefusedInput):
            shapes.append(shape)
            continue
        change = shape.change
        # One row for each input, whatever the engine reads best.
        statement = render_json(Read(shape.kept), change)
        shapes.append(PreparedShape(shape, statement, render_made(change)))
        if isinstance(change, Delete):
            renumbering = render_renumbering(change.entity, Members(Returned(WITHIN)))
    return PreparedBulk(step, tuple(shapes), renumbering, render(Read(step.payload)))


def _prepare_repeat(step: Repeat, render: Render) -> PreparedRepeat:
    return PreparedRepeat(step.key, step.field, render(Read(step.payload)), step.results)


def _is_marked(step: PreparedStep) -> bool:
    match step:
        case Text():
            return False
        case SimpleWrite(_, statement) | WriteInSteps(statement=statement, payload=None):
            return has_marks(statement.text)
        case (
            WriteInSteps(payload=Statement() as payload)
            | PreparedCall(payload=payload)
            | PreparedBulk(payload=payload)
        ):
            return has_marks(payload.text)
        case _:
            return False
