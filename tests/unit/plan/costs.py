"""What an operation costs, without a database: parsed, validated, priced and bound as ever."""

from __future__ import annotations

from typing import Any

from poutama.features import load_model
from poutama.plan.binding import Binding
from poutama.plan.cost import Cost, Pricing, check_cost
from poutama.plan.operation import Documents, GraphQLRequest
from poutama.plan.selection import Selections
from poutama.plan.variables_shape import build_trees
from poutama.settings import Settings

DEFAULTS = Settings()


def find_cost(
    query: str, settings: Settings = DEFAULTS, /, **input: Any
) -> tuple[Cost, dict[str, Any]]:
    """The expression, and the variables to evaluate it with."""
    model = load_model()
    documents = Documents(model, settings)
    operation = documents.find_operation(GraphQLRequest(query))
    variables, shape = documents.coerce_variables(operation, input)
    selections = Selections(operation, build_trees(shape), settings)
    return Pricing(model, operation, selections, settings).price_operation(), variables


def cost_of(query: str, settings: Settings = DEFAULTS, /, **input: Any) -> int:
    """The cost of one request; raises what the engine would answer."""
    cost, variables = find_cost(query, settings, **input)
    return check_cost(cost, Binding(variables, None, settings.max_page_size), settings)
