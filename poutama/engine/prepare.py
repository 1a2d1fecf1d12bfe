"""A validated operation -> statements ready to run. Called on a miss of the plan cache; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from poutama.plan.build import ReadBuilder
from poutama.plan.cost import Cost, Pricing, check_total
from poutama.plan.nodes import Call, Read, Step, Text, Write
from poutama.plan.operation import Operation, Shape, build_trees
from poutama.plan.passes import rewrite_read
from poutama.plan.selection import Selections
from poutama.plan.writes import WriteBuilder
from poutama.schema.model import Model
from poutama.settings import Settings
from poutama.sql.computed import has_marks
from poutama.sql.json import render_json, render_repeatable
from poutama.sql.permit import render_permits
from poutama.sql.rows import render_rows
from poutama.sql.statement import Statement
from poutama.sql.write import render_gaps

Render: TypeAlias = Callable[..., Statement]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedStep:
    """A root field of a mutation, ready to run."""

    step: Step
    statement: Statement | None = None
    """What a write runs; None where the step is no write."""
    payload: Statement | None = None
    """What reads the payload afterwards; None where the statement brings it along."""
    before: Statement | None = None
    """What must run first, in the same transaction."""
    permit: Statement | None = None
    """Of a procedure, what says whether the caller may call it; None where being signed in is
    enough."""
    repeatable: Statement | None = None
    """The same write under an idempotency key; None where that takes a transaction."""

    @property
    def is_simple(self) -> bool:
        """Whether one statement is all there is to it."""
        return isinstance(self.step, Write) and self.payload is None and self.before is None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A plan, rendered: one statement for a query, steps for a mutation."""

    cost: Cost
    read: Statement | None
    steps: tuple[PreparedStep, ...] = ()
    marked: bool = field(init=False)
    """Whether the response has marks to fill."""

    def __post_init__(self) -> None:
        steps = (each for step in self.steps for each in (step.statement, step.payload))
        marked = any(has_marks(each.text) for each in (self.read, *steps) if each is not None)
        object.__setattr__(self, "marked", marked)


def prepare_operation(
    model: Model,
    settings: Settings,
    operation: Operation,
    variables: Mapping[str, object],
    shape: Shape,
    rendering: str,
) -> Prepared:
    """Plan, rewrite and render an operation for variables of this shape; `variables` as sent.

    Raises:
        BadUserInputError: an argument cannot be used.
        LimitExceededError: the operation costs too much, whatever the sizes of its pages.
    """
    selections = Selections(operation, build_trees(operation, shape), settings)
    cost = Pricing(model, operation, selections, settings).price_operation()
    check_total(cost.fixed, settings)
    reads = ReadBuilder(model, operation, selections, settings)
    render = render_json if rendering == "json" else render_rows
    if operation.is_mutation:
        plan = WriteBuilder(model, operation, selections, reads).build_mutation()
        return Prepared(cost, None, tuple(_prepare_step(step, render) for step in plan.steps))
    return Prepared(cost, render(rewrite_read(model.entities, reads.build_query(variables))))


def _prepare_step(step: Step, render: Render) -> PreparedStep:
    match step:
        case Text():
            return PreparedStep(step)
        case Call():
            return PreparedStep(
                step, payload=render(Read(step.payload)), permit=render_permits(step.permits)
            )
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
