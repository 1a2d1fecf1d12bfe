"""From a request to one validated operation with coerced variables.

Documents are parsed and validated once and kept by their text, bounded in number and in bytes.
What a plan depends on besides its document is the shape of the variables: see
`plan.variables_shape`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    parse,
    specified_rules,
    type_from_ast,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values, input_is_nested_too_deeply
from graphql.validation import NoSchemaIntrospectionCustomRule, ValuesOfCorrectTypeRule

from poutama.errors import (
    BadUserInputError,
    LimitExceededError,
    OperationNotFoundError,
    ParseFailedError,
    PoutamaError,
    ValidationFailedError,
)
from poutama.lru import Lru
from poutama.memory_footprint import measure_bytes
from poutama.plan.input_values import (
    MAX_ERRORS,
    FittingLiteralsRule,
    Mistake,
    find_mistakes,
    show_value,
)
from poutama.plan.limits import INTROSPECTION, check_batch, check_document, check_text, exceeded
from poutama.plan.variables_shape import PLAIN, Fixed, ListShape, ObjectShape, Shape, VariablesShape
from poutama.schema.model import Model
from poutama.settings import Settings

TOO_DEEP = "The document is nested too deeply."
NO_SUBSCRIPTIONS = (
    "Subscriptions are not served, by WebSocket or otherwise: send queries and mutations to"
    " /graphql by POST, and ask again for what may have changed."
)


RULES = tuple(
    FittingLiteralsRule if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules
)


class GraphQLRequest(msgspec.Struct, frozen=True):
    """What a client sends: https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, object] | None = None
    extensions: Mapping[str, object] | None = None
    document_id: str | None = None
    """The SHA-256 of a document that the server knows, in hex; `query` may be empty then."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a validated document."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variable_types: Mapping[str, GraphQLInputType]
    introspects: bool
    """Whether it asks for `__schema` or `__type`."""
    is_public: bool
    """Whether all that it asks for is public, signed in or not: introspection."""

    @property
    def is_mutation(self) -> bool:
        return self.node.operation is OperationType.MUTATION


class GraphQLFailure(Exception):  # noqa: N818  carries several errors to the engine
    """One or more errors that the parser, the validator or the coercion of variables found."""

    def __init__(self, kind: type[PoutamaError], errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.kind = kind
        self.errors = errors


class Documents:
    """Parsed and validated documents, kept by their text."""

    def __init__(self, model: Model, settings: Settings) -> None:
        self._schema = model.schema
        self._orders = frozenset(model.orders)
        self._settings = settings
        self._kept: Lru[tuple[str, str | None], Operation] = Lru(
            settings.plan_cache_size,
            max_bytes=settings.plan_cache_bytes,
            measure=partial(measure_bytes, shared=(GraphQLNamedType,)),
        )
        self._rules = RULES
        if not settings.introspection:
            self._rules = (*RULES, NoSchemaIntrospectionCustomRule)

    def find_kept(self, request: GraphQLRequest) -> Operation | None:
        """The operation that the request names, if its document was read before and kept."""
        return self._kept.get((request.query, request.operation_name))

    def find_operation(self, request: GraphQLRequest, *, keep: bool = True) -> Operation:
        """The operation that the request names, or the only one there is.

        Args:
            request: the document is its `query`.
            keep: whether a document that is read now is kept for later requests.

        Raises:
            GraphQLFailure: the document does not parse, or does not fit the schema.
            LimitExceededError: it asks for too much, its fragments expanded.
            OperationNotFoundError: no operation of that name, or several and none named.
        """
        found = self.find_kept(request)
        if found is None:
            found = self._read(request)
            if keep:
                self._kept.put((request.query, request.operation_name), found)
        return found

    def coerce_variables(
        self, operation: Operation, variables: Mapping[str, object] | None
    ) -> tuple[dict[str, Any], VariablesShape]:
        """The variables in the types of their definitions, and their shape.

        Raises:
            GraphQLFailure: a value does not fit its type; says which and what was expected.
            LimitExceededError: a list is too long.
        """
        if not operation.variable_types:
            return {}, VariablesShape()
        definitions = operation.node.variable_definitions or ()
        sent = dict(variables or {})
        result = get_variable_values(self._schema, definitions, sent, max_errors=1)
        if isinstance(result, list):
            found = list(islice(self._find_mistakes(operation, sent), MAX_ERRORS))
            raise GraphQLFailure(BadUserInputError, found or result)
        values = result.coerced
        types = operation.variable_types
        fields = tuple((name, self._shape(types[name], value)) for name, value in values.items())
        return values, VariablesShape(fields, repr(values) if operation.introspects else "")

    def _find_mistakes(
        self, operation: Operation, sent: Mapping[str, object]
    ) -> Iterator[GraphQLError]:
        """All that does not fit in the variables, unless they are nested too deeply to look."""
        suggest = self._settings.introspection
        for node in operation.node.variable_definitions or ():
            name = node.variable.name.value
            type_, place = operation.variable_types[name], f"${name}"
            if name in sent:
                if input_is_nested_too_deeply(sent[name], type_):
                    return
                for mistake in find_mistakes(sent[name], type_, place, suggest=suggest):
                    yield mistake.as_error(node)
            elif isinstance(type_, GraphQLNonNull) and node.default_value is None:
                yield Mistake(place, "expected a value, got nothing.", node).as_error()

    def _shape(self, type_: GraphQLInputType, value: Any) -> Shape:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if value is None:
            return None
        if isinstance(type_, GraphQLList):
            check_batch(len(value), self._settings)
            item = type_.of_type.of_type if _non_null(type_.of_type) else type_.of_type
            if isinstance(item, GraphQLInputObjectType) or self._is_order(item):
                return ListShape(tuple(self._shape(item, part) for part in value))
            return PLAIN
        if isinstance(type_, GraphQLInputObjectType):
            fields = type_.fields
            parts = ((n, self._shape(fields[n].type, part)) for n, part in value.items())
            return ObjectShape(tuple(parts))
        if isinstance(value, bool) or self._is_order(type_):
            return Fixed(value)
        return PLAIN

    def _is_order(self, type_: object) -> bool:
        return isinstance(type_, GraphQLEnumType) and type_.name in self._orders

    def _read(self, request: GraphQLRequest) -> Operation:
        check_text(request.query, self._settings)
        document = self._parse(request.query)
        _refuse_subscriptions(document)
        # Before validating: the validator compares fields in pairs.
        check_document(document, self._settings)
        try:
            errors = validate(
                self._schema,
                document,
                self._rules,
                max_errors=MAX_ERRORS,
                hide_suggestions=not self._settings.introspection,
            )
        except RecursionError as error:
            raise LimitExceededError(TOO_DEEP, limit="nesting") from error
        if errors:
            raise GraphQLFailure(ValidationFailedError, errors)
        node = _choose(document, request.operation_name)
        fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        return Operation(
            node=node,
            fragments=fragments,
            variable_types=_variable_types(self._schema, node),
            introspects=_introspects(document),
            is_public=_is_public(node, fragments),
        )

    def _parse(self, text: str) -> DocumentNode:
        limit = self._settings.max_tokens
        try:
            return parse(
                text,
                max_tokens=limit,
                experimental_fragment_arguments=False,
                # https://spec.graphql.org/September2025/#SelectionSet: no selection set is empty.
                allow_empty_selection_sets=False,
            )
        except GraphQLError as error:
            # graphql-core has no other way to tell this from bad syntax.
            if f"more than {limit} tokens" in error.message:
                found = f"The document has {limit + 1} tokens or more"
                raise exceeded("tokens", limit + 1, limit, found) from error
            if error.message.startswith("Syntax Error: Document is nested too deeply"):
                raise LimitExceededError(TOO_DEEP, limit="nesting") from error
            raise GraphQLFailure(ParseFailedError, [error]) from error
        except RecursionError as error:
            raise LimitExceededError(TOO_DEEP, limit="nesting") from error


def _non_null(type_: object) -> bool:
    return isinstance(type_, GraphQLNonNull)


def _choose(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    if not operations:
        raise OperationNotFoundError("The document has no operation.")
    if name is None:
        if len(operations) > 1:
            raise OperationNotFoundError(
                "The document has several operations: say which with operationName."
            )
        return operations[0]
    for node in operations:
        if node.name is not None and node.name.value == name:
            return node
    raise OperationNotFoundError(f"The document has no operation named {show_value(name)}.")


def _refuse_subscriptions(document: DocumentNode) -> None:
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode) and (
            node.operation is OperationType.SUBSCRIPTION
        ):
            error = GraphQLError(NO_SUBSCRIPTIONS, node)
            raise GraphQLFailure(ValidationFailedError, [error])


def _variable_types(
    schema: GraphQLSchema, node: OperationDefinitionNode
) -> dict[str, GraphQLInputType]:
    return {
        definition.variable.name.value: type_from_ast(schema, definition.type)  # type: ignore[misc]
        for definition in node.variable_definitions or ()
    }


def _is_public(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> bool:
    stack = [*operation.selection_set.selections]
    while stack:
        match stack.pop():
            case FieldNode(name=name):
                if name.value not in ("__typename", *INTROSPECTION):
                    return False
            case InlineFragmentNode(selection_set=inside):
                stack.extend(inside.selections)
            case FragmentSpreadNode(name=name):
                stack.extend(fragments[name.value].selection_set.selections)
    return operation.operation is OperationType.QUERY


def _introspects(document: DocumentNode) -> bool:
    class Finder(Visitor):
        found = False

        def enter_field(self, node: FieldNode, *_: object) -> None:
            if node.name.value in INTROSPECTION:
                self.found = True

    finder = Finder()
    visit(document, finder)
    return finder.found
