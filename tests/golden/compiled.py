"""What the compiler's packages make of a request, called in turn as the engine calls them.

The golden test holds the statements found here against those that the engine really sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from poutama.features import load_model
from poutama.plan.build import ReadBuilder
from poutama.plan.mutation_steps import BulkWrite, Call, MutationSteps, Plan, Write
from poutama.plan.nodes import Read, Text
from poutama.plan.operation import Documents, GraphQLRequest
from poutama.plan.passes import rewrite_read
from poutama.plan.selection import Selections
from poutama.plan.variables_shape import build_trees
from poutama.plan.writes import WriteBuilder
from poutama.schema.model import Model
from poutama.settings import Settings
from poutama.sql.json import render_json
from poutama.sql.rows import render_rows
from poutama.sql.statement import Statement
from poutama.sql.write import render_gaps

RENDERERS: dict[str, Callable[..., Statement]] = {"json": render_json, "rows": render_rows}
RENDERINGS = tuple(RENDERERS)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A guarded plan, and its statements in order; a procedure's own are not among them."""

    plan: Plan
    statements: dict[str, list[Statement]]


def compile_request(request: GraphQLRequest, settings: Settings | None = None) -> Compiled:
    """Parse, validate, plan, rewrite and render in both ways."""
    plan = plan_request(request, settings)
    return Compiled(plan, {name: _statements(plan, name) for name in RENDERINGS})


def plan_request(
    request: GraphQLRequest, settings: Settings | None = None, *, model: Model | None = None
) -> Plan:
    """Parse, validate, plan and rewrite; over the project's model, unless another is passed."""
    settings = settings or Settings()
    model = model or load_model()
    documents = Documents(model, settings)
    operation = documents.find_operation(request)
    variables, shape = documents.coerce_variables(operation, request.variables)
    selections = Selections(operation, build_trees(shape), settings)
    reads = ReadBuilder(model, operation, selections, settings)
    if operation.is_mutation:
        return WriteBuilder(model, operation, selections, reads, Settings()).build_mutation()
    return rewrite_read(model.entities, reads.build_query(variables))


def _statements(plan: Plan, rendering: str) -> list[Statement]:
    render = RENDERERS[rendering]
    match plan:
        case Read():
            found = [render(plan)]
        case MutationSteps(steps):
            found = [statement for step in steps for statement in _step(step, render)]
    return [statement for statement in found if statement.constant is None]


def _step(
    step: Write | BulkWrite | Call | Text, render: Callable[..., Statement]
) -> list[Statement]:
    match step:
        case Text():
            return []
        case Call():
            return [render(Read(step.payload))]
        case BulkWrite(shapes=shapes):
            changes = [
                render_json(Read(shape.kept), shape.change)
                for shape in shapes
                if isinstance(shape, Write)
            ]
            return [*changes, render(Read(step.payload))]
        case Write(change=change, together=True):
            written = [render(Read(step.payload), change)]
        case Write(change=change):
            written = [render(Read(step.kept), change), render(Read(step.payload))]
    before = render_gaps(change)
    return written if before is None else [before, *written]
