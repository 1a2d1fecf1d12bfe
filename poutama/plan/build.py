"""A validated operation -> its plan.

The selection is walked once; what comes out is a tree of frozen nodes that names types, columns
and the places of values, and nothing of SQL. Called by the engine on a miss of the plan cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphql import (
    FieldNode,
    GraphQLObjectType,
    SelectionSetNode,
    get_named_type,
)

from poutama.plan.filters import build_filter
from poutama.plan.introspection import Introspector
from poutama.plan.nodes import (
    ALWAYS,
    All,
    Compare,
    Comparison,
    Cursor,
    EdgeList,
    EdgeNode,
    IsNull,
    Leaf,
    Link,
    Many,
    Member,
    NodeList,
    One,
    OwnedBy,
    Page,
    PageDetail,
    PageFact,
    PageInfo,
    Predicate,
    Read,
    Rows,
    Text,
    TotalCount,
    View,
)
from poutama.plan.operation import Operation
from poutama.plan.selection import Selections
from poutama.plan.values import Constant, CursorPart, PageSize, Unusable, Value, ViewerId
from poutama.plan.variables_shape import Tree
from poutama.schema.model import Column, Computed, Entity, Model, OrderTerm, Relation, RelationShape
from poutama.settings import Settings

NARROWING = ("filter", "first", "last", "after", "before")
"""Arguments beside which a row that is named need not be there."""


class ReadBuilder:
    """Builds the parts of a plan that read: a query's roots, a mutation's payload."""

    def __init__(
        self, model: Model, operation: Operation, selections: Selections, settings: Settings
    ) -> None:
        self._model = model
        self._operation = operation
        self._selections = selections
        self._settings = settings
        self._introspector = Introspector(model, operation)

    def build_query(self, variables: Mapping[str, object]) -> Read:
        """The plan of a query operation; introspection takes the variables as they were sent.

        Raises:
            BadUserInputError: an argument cannot be used.
        """
        collected = self._selections.collect([self._operation.node.selection_set], "Query")
        roots: list[Member] = []
        for key, nodes in collected.items():
            name = nodes[0].name.value
            if name == "__typename":
                roots.append(Text(key, '"Query"'))
            elif name.startswith("__"):
                roots.append(Text(key, self._introspector.answer(key, nodes, variables)))
            else:
                relation = self._model.roots[name]
                roots.append(self._relation(key, nodes, "Query", relation))
        return Read(tuple(roots))

    def build_row(self, path: str, nodes: Sequence[FieldNode], target: str) -> One:
        """A payload field that is one row; which one, its caller says."""
        entity = self._model.entities[target]
        fields = self._fields(_sets(nodes), entity, path)
        return One(_key(path), Rows(entity, None, fields), nullable=False)

    def _fields(
        self, sets: Iterable[SelectionSetNode | None], entity: Entity, path: str
    ) -> tuple[Member, ...]:
        """`path`: the response keys that lead here, joined by dots, for messages."""
        members: list[Member] = []
        for key, nodes in self._selections.collect(sets, entity.name).items():
            name = nodes[0].name.value
            if name == "__typename":
                members.append(Text(key, json.dumps(entity.name)))
                continue
            match entity.fields[name]:
                case Column() as column:
                    members.append(Leaf(key, column))
                case Computed() as computed:
                    members.append(Leaf(key, computed, parts=self._parts(nodes, entity.name)))
                case Relation() as relation:
                    at = f"{path}.{key}"
                    members.append(self._relation(at, nodes, entity.name, relation))
        return tuple(members)

    def _parts(self, nodes: Sequence[FieldNode], owner: str) -> str | None:
        """What is selected of an object that Python makes; None of a plain value."""
        parts = self._list_parts(nodes, owner)
        return None if parts is None else json.dumps(parts, separators=(",", ":"))

    def _list_parts(self, nodes: Sequence[FieldNode], owner: str) -> list[Any] | None:
        """Of each part: its response key, its name or None, and its parts or the text it is."""
        type_ = self._model.schema.type_map[owner]
        assert isinstance(type_, GraphQLObjectType)
        target = get_named_type(type_.fields[nodes[0].name.value].type)
        if not isinstance(target, GraphQLObjectType):
            return None
        collected = self._selections.collect(_sets(nodes), target.name)
        return [
            [key, None, target.name]
            if inner[0].name.value == "__typename"
            else [key, inner[0].name.value, self._list_parts(inner, target.name)]
            for key, inner in collected.items()
        ]

    def _relation(
        self, path: str, nodes: list[FieldNode], owner: str, relation: Relation
    ) -> Member:
        key, entity = _key(path), self._model.entities[relation.target]
        where: Predicate = ALWAYS
        linked = None if relation.key is None else relation
        if relation.shape is RelationShape.ONE:
            if relation.viewer:
                where = OwnedBy("id", ViewerId())
            elif relation.arguments:
                where = All(tuple(_named(relation, self._arguments(nodes[0], owner, path), path)))
            fields = self._fields(_sets(nodes), entity, path)
            rows = Rows(entity, linked, fields, where, required=bool(relation.arguments))
            return One(key, rows, relation.nullable)
        arguments = self._arguments(nodes[0], owner, path)
        if relation.shape is RelationShape.LIST:
            fields = self._fields(_sets(nodes), entity, path)
            return Many(key, self._rows(path, owner, linked, relation, arguments, fields))
        rows = self._rows(path, owner, linked, relation, arguments, ())
        return Page(key, self._cut(path, rows, arguments), self._views(nodes, entity, path))

    def _arguments(self, node: FieldNode, owner: str, path: str) -> dict[str, Tree]:
        type_ = self._model.schema.type_map[owner]
        assert isinstance(type_, GraphQLObjectType)
        return self._selections.arguments(node, type_.fields[node.name.value].args, path)

    def _rows(
        self,
        path: str,
        owner: str,
        linked: Relation | None,
        relation: Relation,
        arguments: dict[str, Tree],
        fields: tuple[Member, ...],
    ) -> Rows:
        entity = self._model.entities[relation.target]
        conditions = _named(relation, arguments, path)
        named = bool(conditions)
        narrowed = any(arguments.get(name) is not None for name in NARROWING)
        if relation.own is not None and not conditions:
            conditions.append(OwnedBy(relation.own, ViewerId()))
        if not named:
            conditions += _listed(entity, arguments)
        order = self._order(entity, arguments.get("orderBy"))
        first = arguments.get("first")
        name = f"{owner}.{relation.name.removesuffix('Connection')}"
        return Rows(
            entity=entity,
            relation=linked,
            fields=fields,
            where=conditions[0] if len(conditions) == 1 else All(tuple(conditions)),
            filter=build_filter(self._model, entity, arguments.get("filter"), f"{path}.filter"),
            required=named and not narrowed,
            list=name,
            link=self._link(relation),
            order=order,
            first=None if first is None else PageSize(_leaf(first), f"{path}.first"),
            after=_place(arguments.get("after"), name, order, f"{path}.after"),
        )

    def _link(self, relation: Relation) -> Link | None:
        found = relation.memberships
        if found is None:
            return None
        return Link(self._model.entities[found.entity], found.key, found.students)

    def _cut(self, path: str, rows: Rows, arguments: dict[str, Tree]) -> Rows:
        """The rows of a connection as one page: what their list's own arguments leave open.

        https://relay.dev/graphql/connections.htm#sec-Pagination-algorithm, but for a page without
        a size, which has one all the same: before a cursor, the rows that are next to it.
        """
        last = arguments.get("last")
        if rows.first is not None and last is not None:
            last = Unusable(f"{path}.last", "first or last, not both")
        before = _place(arguments.get("before"), rows.list, rows.order, f"{path}.before")
        rows = replace(rows, before=before)
        if last is not None:
            return replace(rows, last=PageSize(_leaf(last), f"{path}.last"))
        default = Constant(self._settings.default_page_size)
        if rows.first is None and before and not rows.after:
            return replace(rows, last=default)
        return replace(rows, first=rows.first or default)

    def _order(self, entity: Entity, tree: Tree) -> tuple[OrderTerm, ...]:
        if not tree:
            return entity.order
        terms: dict[Column, OrderTerm] = {}
        for item in tree if isinstance(tree, list) else [tree]:
            assert isinstance(item, Constant), "sort orders are part of a plan's shape"
            term = self._model.orders[f"{entity.name}Order"][str(item.value)]
            terms.setdefault(term.column, term)
        return tuple(terms.values())

    def _views(self, nodes: list[FieldNode], entity: Entity, path: str) -> tuple[View, ...]:
        type_name = f"{entity.name}Connection"
        views: list[View] = []
        for key, inner in self._selections.collect(_sets(nodes), type_name).items():
            match inner[0].name.value:
                case "__typename":
                    views.append(Text(key, json.dumps(type_name)))
                case "totalCount":
                    views.append(TotalCount(key))
                case "nodes":
                    fields = self._fields(_sets(inner), entity, f"{path}.{key}")
                    views.append(NodeList(key, fields))
                case "edges":
                    views.append(EdgeList(key, self._edge(inner, entity, f"{path}.{key}")))
                case "pageInfo":
                    views.append(PageInfo(key, self._page_info(inner)))
        return tuple(views)

    def _edge(
        self, nodes: list[FieldNode], entity: Entity, path: str
    ) -> tuple[Text | Cursor | EdgeNode, ...]:
        type_name = f"{entity.name}Edge"
        members: list[Text | Cursor | EdgeNode] = []
        for key, inner in self._selections.collect(_sets(nodes), type_name).items():
            match inner[0].name.value:
                case "__typename":
                    members.append(Text(key, json.dumps(type_name)))
                case "cursor":
                    members.append(Cursor(key))
                case "node":
                    fields = self._fields(_sets(inner), entity, f"{path}.{key}")
                    members.append(EdgeNode(key, fields))
        return tuple(members)

    def _page_info(self, nodes: list[FieldNode]) -> tuple[Text | PageDetail, ...]:
        return tuple(
            Text(key, '"PageInfo"')
            if inner[0].name.value == "__typename"
            else PageDetail(key, PageFact(inner[0].name.value))
            for key, inner in self._selections.collect(_sets(nodes), "PageInfo").items()
        )


def _sets(nodes: Iterable[FieldNode]) -> list[SelectionSetNode | None]:
    return [node.selection_set for node in nodes]


def _key(path: str) -> str:
    return path.rpartition(".")[2]


def _named(relation: Relation, arguments: dict[str, Tree], path: str) -> list[Predicate]:
    """The conditions of a root field's own arguments; null is unusable.

    All rows are never listed where one was meant.
    """
    null = "a value, got null; leave the argument out to list all"
    return [
        Compare(
            column,
            Comparison.EQ,
            Unusable(f"{path}.{name}", null) if tree is None else _leaf(tree),
        )
        for name, column in relation.arguments.items()
        for tree in ([arguments[name]] if name in arguments else [])
    ]


def _listed(entity: Entity, arguments: dict[str, Tree]) -> list[Predicate]:
    """What keeps rows that lists of the type leave out from this one."""
    if entity.unlisted is None:
        return []
    included = arguments[entity.unlisted.argument]
    assert isinstance(included, Constant), "booleans are part of a plan's shape"
    return [] if included.value else [IsNull(entity.unlisted.column)]


def _leaf(tree: Tree) -> Value:
    assert tree is not None
    assert not isinstance(tree, dict | list)
    return tree


def _place(cursor: Tree, list_: str, order: tuple[OrderTerm, ...], where: str) -> tuple[Value, ...]:
    """The values inside a cursor; none without one."""
    if cursor is None:
        return ()
    places = range(len(order) + 1)
    return tuple(CursorPart(_leaf(cursor), index, list_, order, where) for index in places)
