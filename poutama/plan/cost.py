"""What an operation costs, before it is run: a small expression that its plan carries.

Fields that a condition leaves out cost nothing, and a field selected twice costs once: counted is
what the statement will do. Sizes of lists are places like every other value, so one expression
serves all requests of a plan. `engine.prepare` makes it, the engine evaluates it for each request.
The weights are those of graphql-armor (https://escape.tech/graphql-armor/docs/plugins/cost-limit);
`docs/limits.md` says how lists are counted, and why. What an answer had in it is known afterwards,
and is owed then: `price_answer`, `price_scans`, `price_refusal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
)

from poutama.errors import PoutamaError
from poutama.plan.binding import Binding, resolve_value
from poutama.plan.filters import count_subqueries
from poutama.plan.limits import exceeded
from poutama.plan.operation import Operation
from poutama.plan.selection import Selections
from poutama.plan.text_bytes import TextPlace, count_text, count_values, find_texts
from poutama.plan.values import Constant, PageSize
from poutama.plan.variables_shape import Tree
from poutama.schema.model import Entity, Model, Relation, RelationShape
from poutama.settings import Settings

CHANGE = 10.0
"""What a root field of a mutation costs besides its values and its payload."""
BYTES_OF_VALUE = 50
"""What each value in the variables counts besides its text: coercing it takes as long."""

Size: TypeAlias = float | PageSize


@dataclass(frozen=True, slots=True)
class Cost:
    """What is known at once, and the lists whose size a request brings."""

    fixed: float
    lists: tuple[tuple[PageSize, Cost], ...] = ()
    """A list's size, and what each of its rows costs."""
    texts: tuple[TextPlace, ...] = ()
    """Texts of arguments, each as often as it is used; a list's rows do not multiply them."""

    def plus(self, other: Cost) -> Cost:
        return Cost(self.fixed + other.fixed, self.lists + other.lists, self.texts + other.texts)

    def times(self, factor: float) -> Cost:
        lists = tuple((size, row.times(factor)) for size, row in self.lists)
        return Cost(self.fixed * factor, lists, self.texts)

    def total(self, binding: Binding) -> float:
        """The cost of one request.

        Raises:
            BadUserInputError, LimitExceededError: a size is negative, or above the largest page.
        """
        found = self.fixed
        for size, row in self.lists:
            rows = resolve_value(size, binding)
            assert isinstance(rows, int)
            found += rows * row.total(binding)
        return found


def check_cost(cost: Cost, binding: Binding, settings: Settings) -> int:
    """The cost of one request, at least 1.

    Raises:
        LimitExceededError: it is above `max_cost`, or a page above the largest.
        BadUserInputError: the size of a page is negative.
    """
    used = sum(count_text(text, binding.variables) for text in cost.texts)
    return check_total(cost.total(binding) + used // settings.cost_bytes, settings)


def check_total(cost: float, settings: Settings) -> int:
    """The cost in whole units, at least 1.

    Raises:
        LimitExceededError: it is above `max_cost`.
    """
    total = max(1, ceil(cost))
    if total > settings.max_cost:
        raise exceeded("cost", total, settings.max_cost, f"The operation costs {total}")
    return total


def price_searches(searched: Sequence[str], settings: Settings) -> Cost:
    """What it costs besides to compare texts of other people; probing for one takes many."""
    return Cost(settings.cost_search * len(searched))


def price_answer(size: int, scanned: int, settings: Settings) -> int:
    """What an answer of so many bytes costs besides, whose filters and counts read so many rows."""
    return size // settings.cost_answer + price_scans(scanned, settings)


def price_scans(rows: int, settings: Settings) -> int:
    """What filters and counts cost that went through so many rows, once it is known.

    Without a bound: what several places of an operation took is owed in full.
    """
    return rows // settings.cost_scan


def price_refusal(error: PoutamaError, settings: Settings) -> int:
    """What an answer costs besides that was refused for its rows or bytes: the most it may have."""
    match error.extensions.get("limit"):
        case "listRows":
            rows = settings.max_list_rows
        case "rows":
            rows = settings.max_rows
        case "scannedRows":
            return price_scans(settings.max_scanned_rows, settings)
        case "bytes":
            return min(settings.max_cost, price_answer(settings.max_rows_bytes, 0, settings))
        case _:
            return 0
    return min(settings.max_cost, ceil(rows / settings.cost_rows * settings.cost_object))


def price_document(text: str, settings: Settings) -> int:
    """What it costs to parse a document, or to plan an operation of it, for the first time."""
    return ceil(len(text) / settings.cost_document)


def price_variables(variables: Mapping[str, object] | None, settings: Settings) -> tuple[int, int]:
    """How many values the variables have, and what it costs to coerce them and to plan for them.

    Both as they were sent, and up to one value more than `max_values`: `check_variables` refuses
    those.
    """
    if not variables:
        return 0, 0
    values, size = count_values(variables, settings.max_values)
    return values, (size + values * BYTES_OF_VALUE) // settings.cost_bytes


def check_variables(values: int, price: int, settings: Settings) -> None:
    """Refuse variables that are too much to look at; arguments as `price_variables` returns them.

    Raises:
        LimitExceededError: they are too many values, or the price is above `max_cost`.
    """
    if values > settings.max_values:
        found = f"The variables have {values} values or more"
        raise exceeded("values", values, settings.max_values, found)
    if price > settings.max_cost:
        raise exceeded("cost", price, settings.max_cost, f"The variables alone cost {price}")


class Pricing:
    """Makes the expression of one operation's cost."""

    def __init__(
        self, model: Model, operation: Operation, selections: Selections, settings: Settings
    ) -> None:
        self._model = model
        self._operation = operation
        self._selections = selections
        self._settings = settings

    def price_operation(self) -> Cost:
        """The cost of all root fields.

        Raises:
            BadUserInputError: an argument cannot be used.
            LimitExceededError: an argument is nested too deeply.
        """
        schema = self._model.schema
        root = schema.mutation_type if self._operation.is_mutation else schema.query_type
        assert root is not None
        return self._fields([self._operation.node.selection_set], root, None, frozenset(), "")

    def _fields(
        self,
        sets: Iterable[SelectionSetNode | None],
        type_: GraphQLObjectType,
        page: Size | None,
        above: frozenset[str],
        path: str,
    ) -> Cost:
        """`above`: the types of rows around it; `path`: the response keys, joined by dots."""
        found = Cost(0)
        for key, nodes in self._selections.collect(sets, type_.name).items():
            name = nodes[0].name.value
            if name == "__typename":
                found = found.plus(Cost(self._settings.cost_scalar))
            elif not name.startswith("__"):
                at = f"{path}.{key}" if path else key
                found = found.plus(self._field(nodes, type_, page, above, at))
        return found

    def _field(
        self,
        nodes: list[FieldNode],
        owner: GraphQLObjectType,
        page: Size | None,
        above: frozenset[str],
        path: str,
    ) -> Cost:
        settings = self._settings
        field = owner.fields[nodes[0].name.value]
        arguments = self._selections.arguments(nodes[0], field.args, path)
        self._check_nesting(arguments)
        texts = tuple(text for tree in arguments.values() for text in find_texts(tree))
        written = Cost(sum(map(_parts, arguments.values())) * settings.cost_scalar, texts=texts)
        type_ = get_named_type(field.type)
        if not isinstance(type_, GraphQLObjectType):
            return written.plus(Cost(settings.cost_scalar))
        many = isinstance(get_nullable_type(field.type), GraphQLList)
        relation = self._find_relation(owner, nodes[0].name.value)
        expected = self._expect_rows(relation) if many else None
        size = self._size(arguments, field, page, path, many=expected)
        sets = [node.selection_set for node in nodes]
        row = type_.name.removesuffix("Edge")
        rows = above | ({row} if row in self._model.entities else frozenset())
        changes = self._count_changes(owner, arguments)
        if changes is not None:
            size = float(changes)
        inner = self._fields(sets, type_, None if many else size, rows, path)
        # A connection, its edges and a payload are wrapping: only what they wrap lies deeper.
        factor = settings.cost_depth_factor if type_.name in self._model.entities else 1
        found = Cost(settings.cost_object).plus(inner.times(factor))
        if many:
            assert size is not None, "a list has a size"
            found = self._many(size, found, returns=row in above)
        if relation is not None:
            found = found.plus(self._price_reading(nodes, owner, relation, arguments, above))
        if owner is self._model.schema.mutation_type:
            found = found.plus(Cost(CHANGE * (1 if changes is None else changes)))
        return written.plus(found)

    def _count_changes(self, owner: GraphQLObjectType, arguments: Mapping[str, Tree]) -> int | None:
        """How many inputs a mutation of several has; None for any other field."""
        inputs = arguments.get("inputs")
        is_root = owner is self._model.schema.mutation_type
        return len(inputs) if is_root and isinstance(inputs, list) else None

    def _price_reading(
        self,
        nodes: list[FieldNode],
        owner: GraphQLObjectType,
        relation: Relation,
        arguments: dict[str, Tree],
        above: frozenset[str],
    ) -> Cost:
        """What is read besides what is answered: by a filter and a count, of all the list's rows.

        A filter's relations cost what they would as lists of rows without fields.
        """
        if relation.shape is RelationShape.ONE:
            return Cost(0)
        target = self._model.entities[relation.target]
        scan = self._price_filter(target, arguments.get("filter"), above | {target.name})
        if relation.shape is RelationShape.CONNECTION:
            sets = [node.selection_set for node in nodes]
            views = self._selections.collect(sets, f"{target.name}Connection").values()
            counts = sum(view[0].name.value == "totalCount" for view in views)
            scan = scan.plus(Cost(self._settings.cost_object * counts))
        size = float(self._expect(owner, relation))
        subqueries = count_subqueries(self._model, target, arguments)
        planned = Cost(self._settings.cost_subquery * subqueries)
        return planned.plus(self._many(size, scan, returns=target.name in above))

    def _price_filter(self, entity: Entity, tree: Tree, above: frozenset[str]) -> Cost:
        """What a filter costs for each row that it is held against."""
        found = Cost(0)
        match tree:
            case list():
                for part in tree:
                    found = found.plus(self._price_filter(entity, part, above))
            case dict():
                for name, part in tree.items():
                    field = entity.fields.get(name)
                    if name in ("and", "or", "not"):
                        found = found.plus(self._price_filter(entity, part, above))
                    elif isinstance(field, Relation):
                        found = found.plus(self._price_step(field, part, above))
        return found

    def _price_step(self, relation: Relation, tree: Tree, above: frozenset[str]) -> Cost:
        target = self._model.entities[relation.target]
        inside = above | {target.name}
        row, factor = Cost(self._settings.cost_object), self._settings.cost_depth_factor
        if relation.shape is RelationShape.ONE:
            return row.plus(self._price_filter(target, tree, inside).times(factor))
        found = Cost(0)
        size = float(self._expect_rows(relation))
        for part in tree.values() if isinstance(tree, dict) else ():
            each = row.plus(self._price_filter(target, part, inside).times(factor))
            found = found.plus(self._many(size, each, returns=target.name in above))
        return found

    def _check_nesting(self, arguments: dict[str, Tree]) -> None:
        """Every relation in a filter is a subquery within the one around it."""
        allowed = self._settings.max_depth
        deepest = max(map(_nesting, arguments.values()), default=0)
        if deepest > allowed:
            found = f"An argument is nested {deepest} objects deep"
            raise exceeded("depth", deepest, allowed, found)

    def _size(
        self,
        arguments: dict[str, Tree],
        field: GraphQLField,
        page: Size | None,
        path: str,
        *,
        many: int | None,
    ) -> Size | None:
        """How many rows a list has, or how many a connection hands to the lists inside it.

        `many`: how many a list is expected to have; None where it is not a list.
        """
        name = "first" if arguments.get("first") is not None else "last"
        size = arguments.get(name)
        match size:
            case None if "first" in field.args and many is None:
                return float(self._settings.default_page_size)
            case None:
                return page if page is not None or many is None else float(many)
            case Constant(int() as known) if 0 <= known <= self._settings.max_page_size:
                return float(known)
            case dict() | list():
                raise AssertionError("a page size is one value")
            case _:
                return PageSize(size, f"{path}.{name}")

    def _find_relation(self, owner: GraphQLObjectType, field: str) -> Relation | None:
        if owner is self._model.schema.query_type:
            return self._model.roots.get(field)
        entity = self._model.entities.get(owner.name)
        found = None if entity is None else entity.fields.get(field)
        return found if isinstance(found, Relation) else None

    def _expect(self, owner: GraphQLObjectType, relation: Relation) -> int:
        """How many rows a list has without `first`; a connection has as many as its list."""
        if relation.shape is RelationShape.CONNECTION:
            alike = (relation.target, relation.key, relation.own)
            for name in owner.fields:
                found = self._find_relation(owner, name)
                if found is None or found.shape is not RelationShape.LIST:
                    continue
                if (found.target, found.key, found.own) == alike:
                    return self._expect_rows(found)
        return self._expect_rows(relation)

    def _expect_rows(self, relation: Relation | None) -> int:
        expected = None if relation is None else relation.expected
        return self._settings.assumed_list_size if expected is None else expected

    def _many(self, size: Size, row: Cost, *, returns: bool) -> Cost:
        """What a list costs. One that `returns` to a type around it multiplies with itself: each
        of its rows is counted as what it is, not five as one.
        """
        if not returns:
            row = row.times(1 / self._settings.cost_rows)
        if not isinstance(size, PageSize):
            return row.times(size)
        return Cost(0, ((size, replace(row, texts=())),), row.texts)


def _parts(tree: Tree) -> int:
    """Values and objects of an argument; a list of plain values in a variable counts as one."""
    match tree:
        case None:
            return 0
        case dict():
            return 1 + sum(map(_parts, tree.values()))
        case list():
            return sum(map(_parts, tree))
        case _:
            return 1


def _nesting(tree: Tree) -> int:
    """How many objects of an argument lie within each other."""
    match tree:
        case dict():
            return 1 + max(map(_nesting, tree.values()), default=0)
        case list():
            return max(map(_nesting, tree), default=0)
        case _:
            return 0
