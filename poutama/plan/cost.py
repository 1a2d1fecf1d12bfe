"""What an operation costs, before it is run: a small expression that its plan carries.

Fields that a condition leaves out cost nothing, and a field selected twice costs once: counted is
what the statement will do. Sizes of lists are places like every other value, so one expression
serves all requests of a plan. `engine.prepare` makes it, the engine evaluates it for each request.
The weights are those of graphql-armor (https://escape.tech/graphql-armor/docs/plugins/cost-limit);
`docs/limits.md` says how lists are counted, and why. What an answer had in it is known afterwards,
and is owed then: `price_answer`, `price_refusal`.
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
from poutama.plan.limits import exceeded
from poutama.plan.operation import Operation
from poutama.plan.selection import Selections
from poutama.plan.text_bytes import TextPlace, count_bytes, count_text, find_texts
from poutama.plan.values import Binding, Constant, PageSize, resolve_value
from poutama.plan.variables_shape import Tree
from poutama.schema.model import Model
from poutama.settings import Settings

CHANGE = 10.0
"""What a root field of a mutation costs besides its values and its payload."""

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


def price_answer(size: int, settings: Settings) -> int:
    """What an answer of so many bytes costs besides, once it is known."""
    return size // settings.cost_answer


def price_refusal(error: PoutamaError, settings: Settings) -> int:
    """What an answer costs besides that was refused for its rows or bytes: the most it may have."""
    match error.extensions.get("limit"):
        case "listRows":
            rows = settings.max_list_rows
        case "rows":
            rows = settings.max_rows
        case "bytes":
            return min(settings.max_cost, price_answer(settings.max_rows_bytes, settings))
        case _:
            return 0
    return min(settings.max_cost, ceil(rows / settings.cost_rows * settings.cost_object))


def price_document(text: str, settings: Settings) -> int:
    """What it costs to parse a document, or to plan an operation of it, for the first time."""
    return ceil(len(text) / settings.cost_document)


def price_variables(variables: Mapping[str, object] | None, settings: Settings) -> int:
    """What it costs to coerce the variables, as they were sent.

    Raises:
        LimitExceededError: it is above `max_cost`.
    """
    price = count_bytes(variables) // settings.cost_bytes if variables else 0
    if price > settings.max_cost:
        raise exceeded("cost", price, settings.max_cost, f"The variables alone cost {price}")
    return price


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
        return self._fields([self._operation.node.selection_set], root, None, frozenset())

    def _fields(
        self,
        sets: Iterable[SelectionSetNode | None],
        type_: GraphQLObjectType,
        page: Size | None,
        above: frozenset[str],
    ) -> Cost:
        """`above`: the types of rows around it."""
        found = Cost(0)
        for nodes in self._selections.collect(sets, type_.name).values():
            name = nodes[0].name.value
            if name == "__typename":
                found = found.plus(Cost(self._settings.cost_scalar))
            elif not name.startswith("__"):
                found = found.plus(self._field(nodes, type_, type_.fields[name], page, above))
        return found

    def _field(
        self,
        nodes: list[FieldNode],
        owner: GraphQLObjectType,
        field: GraphQLField,
        page: Size | None,
        above: frozenset[str],
    ) -> Cost:
        settings = self._settings
        arguments = self._selections.arguments(nodes[0], field.args)
        self._check_nesting(arguments)
        texts = tuple(text for tree in arguments.values() for text in find_texts(tree))
        given = Cost(sum(map(_parts, arguments.values())) * settings.cost_scalar, texts=texts)
        type_ = get_named_type(field.type)
        if not isinstance(type_, GraphQLObjectType):
            return given.plus(Cost(settings.cost_scalar))
        many = isinstance(get_nullable_type(field.type), GraphQLList)
        where = f"{(nodes[0].alias or nodes[0].name).value}.first"
        named = nodes[0].name.value
        size = self._size(arguments, field, page, where, many=self._expect(owner, named, many))
        sets = [node.selection_set for node in nodes]
        row = type_.name.removesuffix("Edge")
        rows = above | ({row} if row in self._model.entities else frozenset())
        inner = self._fields(sets, type_, None if many else size, rows)
        # A connection, its edges and a payload are wrapping: only what they wrap lies deeper.
        factor = settings.cost_depth_factor if type_.name in self._model.entities else 1
        found = Cost(settings.cost_object).plus(inner.times(factor))
        if many:
            assert size is not None, "a list has a size"
            found = self._many(size, found, returns=row in above)
        if owner is self._model.schema.mutation_type:
            found = found.plus(Cost(CHANGE))
        return given.plus(found)

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
        where: str,
        *,
        many: int | None,
    ) -> Size | None:
        """How many rows a list has, or how many a connection hands to the lists inside it.

        `many`: how many a list is expected to have; None where it is not a list.
        """
        first = arguments.get("first")
        match first:
            case None if "first" in field.args and many is None:
                return float(self._settings.default_page_size)
            case None:
                return page if page is not None or many is None else float(many)
            case Constant(int() as known) if 0 <= known <= self._settings.max_page_size:
                return float(known)
            case dict() | list():
                raise AssertionError("a page size is one value")
            case _:
                return PageSize(first, where)

    def _expect(self, owner: GraphQLObjectType, field: str, many: bool) -> int | None:
        """How many rows a list without `first` is expected to have; None where it is not a list."""
        if not many:
            return None
        if owner is self._model.schema.query_type:
            relation = self._model.roots.get(field)
        else:
            entity = self._model.entities.get(owner.name)
            relation = None if entity is None else entity.relation(field)
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
