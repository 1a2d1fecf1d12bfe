"""Introspection, as the text of the answer: what graphql-core's own executor says of the schema.

Called by the builder of reads for `__schema` and `__type`. It touches no rows. What graphql-core
has beyond the published editions of the specification is left out, as generators of typed clients
stop at names they do not know.
Source: https://spec.graphql.org/September2025/#sec-Schema-Introspection
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLDirective,
    GraphQLResolveInfo,
    MiddlewareManager,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)

from poutama.errors import LimitExceededError, PoutamaError
from poutama.plan.limits import exceeded
from poutama.plan.operation import Operation
from poutama.schema.model import Model

LARGEST_INTROSPECTION = 40_000
"""Fields that an operation's introspection may answer; the usual query for all of it takes 4500."""
PUBLISHED_LOCATIONS = frozenset(
    [
        "QUERY",
        "MUTATION",
        "SUBSCRIPTION",
        "FIELD",
        "FRAGMENT_DEFINITION",
        "FRAGMENT_SPREAD",
        "INLINE_FRAGMENT",
        "VARIABLE_DEFINITION",
        "SCHEMA",
        "SCALAR",
        "OBJECT",
        "FIELD_DEFINITION",
        "ARGUMENT_DEFINITION",
        "INTERFACE",
        "UNION",
        "ENUM",
        "ENUM_VALUE",
        "INPUT_OBJECT",
        "INPUT_FIELD_DEFINITION",
    ]
)
"""Where directives may stand: https://spec.graphql.org/September2025/#DirectiveLocation."""


class Introspector:
    """Answers the introspection of one operation."""

    def __init__(self, model: Model, operation: Operation) -> None:
        self._model = model
        self._operation = operation
        self._fields = 0

    def answer(self, key: str, nodes: list[FieldNode], variables: Mapping[str, object]) -> str:
        """The JSON text of a field such as `__schema`.

        Args:
            key: its response key.
            nodes: its places in the document.
            variables: as they were sent.

        Raises:
            LimitExceededError: the operation asks for more fields of the schema than one may.
        """
        operation = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=self._operation.node.variable_definitions,
            directives=(),
            selection_set=SelectionSetNode(selections=tuple(nodes)),
        )
        document = DocumentNode(definitions=(operation, *self._operation.fragments.values()))
        result = execute_sync(
            self._model.schema,
            document,
            variable_values=dict(variables),
            middleware=MiddlewareManager(self),
        )
        if self._fields > LARGEST_INTROSPECTION:
            found = f"{key}: introspection answers {self._fields} fields or more"
            raise exceeded("introspection", self._fields, LARGEST_INTROSPECTION, found)
        if result.errors or result.data is None:
            raise PoutamaError(f"Introspection failed: {result.errors}")
        return json.dumps(result.data[key], ensure_ascii=False, separators=(",", ":"))

    def resolve(
        self,
        resolver: Callable[..., Any],
        source: Any,
        info: GraphQLResolveInfo[Any],
        **arguments: Any,
    ) -> Any:
        """What graphql-core calls for each field: a few fragments make millions of one schema."""
        self._fields += 1
        if self._fields > LARGEST_INTROSPECTION:
            raise LimitExceededError
        found = resolver(source, info, **arguments)
        if info.field_name == "locations" and isinstance(source, GraphQLDirective):
            return [location for location in found if location.name in PUBLISHED_LOCATIONS]
        if info.field_name == "enumValues" and source.name == "__DirectiveLocation":
            return [item for item in found if item[0] in PUBLISHED_LOCATIONS]
        return found
