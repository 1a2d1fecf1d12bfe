"""A mutation of several inputs: the shapes that they have, and how its results are read.

Called by `plan.writes`. Inputs of one shape are one plan and one statement, whose values are at
places below `input` (`Variable(("input", "title"))`): each input is bound by itself. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import cast

from graphql import FieldNode

from poutama.plan.build import ReadBuilder
from poutama.plan.mutation_steps import (
    ResultError,
    ResultId,
    ResultList,
    ResultMember,
    ResultRow,
)
from poutama.plan.nodes import Compare, Comparison, Leaf, Many, Member, Read, Text
from poutama.plan.passes import rewrite_read
from poutama.plan.selection import Selections
from poutama.plan.values import Members, Returned, Variable
from poutama.plan.variables_shape import Tree
from poutama.schema.bulk import ERROR, RESULT_ERROR
from poutama.schema.model import Model, Mutation, PayloadParent, PayloadRow

ROW_ID = ""
"""The key of a row's id in a list of results; no response key is empty."""


def find_shapes(
    inputs: Sequence[Tree],
) -> tuple[list[dict[str, Tree]], tuple[tuple[int, object], ...]]:
    """The shapes of the inputs, with places for values; and each input with its shape's number."""
    numbers: dict[Hashable, int] = {}
    templates: list[dict[str, Tree]] = []
    items: list[tuple[int, object]] = []
    for input in inputs:
        shape = _shape_of(input)
        if shape not in numbers:
            numbers[shape] = len(templates)
            templates.append(cast("dict[str, Tree]", _template_of(input, ("input",))))
        items.append((numbers[shape], input))
    return templates, tuple(items)


def _shape_of(tree: Tree) -> Hashable:
    match tree:
        case None:
            return None
        case dict():
            return tuple((name, _shape_of(part)) for name, part in tree.items())
        case list():
            return ("", *map(_shape_of, tree))
        case _:
            return True


def _template_of(tree: Tree, path: tuple[str | int, ...]) -> Tree:
    match tree:
        case None:
            return None
        case dict():
            return {name: _template_of(part, (*path, name)) for name, part in tree.items()}
        case list():
            return [_template_of(part, (*path, number)) for number, part in enumerate(tree)]
        case _:
            return Variable(path)


def build_results(
    model: Model,
    selections: Selections,
    reads: ReadBuilder,
    nodes: list[FieldNode],
    mutation: Mutation,
) -> tuple[tuple[Text | ResultList, ...], tuple[Member, ...]]:
    """How the payload is put together, and the rows that it shows: a list for each field of a
    result that is one, of the ids `Returned` for it.

    Raises:
        BadUserInputError: an argument cannot be used.
    """
    found: list[Text | ResultList] = []
    rows: list[Member] = []
    sets = [node.selection_set for node in nodes]
    for key, inner in selections.collect(sets, mutation.payload_type).items():
        if inner[0].name.value == "__typename":
            found.append(Text(key, json.dumps(mutation.payload_type)))
            continue
        builder = _ResultBuilder(model, selections, reads, mutation, rows)
        found.append(ResultList(key, builder.build(key, inner)))
    return tuple(found), rewrite_read(model.entities, Read(tuple(rows))).roots


class _ResultBuilder:
    """Builds the members of one list of results."""

    def __init__(
        self,
        model: Model,
        selections: Selections,
        reads: ReadBuilder,
        mutation: Mutation,
        rows: list[Member],
    ) -> None:
        self._model = model
        self._selections = selections
        self._reads = reads
        self._mutation = mutation
        self._rows = rows

    def build(self, list_key: str, nodes: list[FieldNode]) -> tuple[ResultMember, ...]:
        assert self._mutation.bulk is not None
        type_name = self._mutation.bulk.result_type
        sets = [node.selection_set for node in nodes]
        collected = self._selections.collect(sets, type_name)
        return tuple(
            self._member(list_key, key, inner, type_name) for key, inner in collected.items()
        )

    def _member(
        self, list_key: str, key: str, nodes: list[FieldNode], type_name: str
    ) -> ResultMember:
        name = nodes[0].name.value
        if name == "__typename":
            return Text(key, json.dumps(type_name))
        if name == RESULT_ERROR:
            return self._error(key, nodes)
        match self._mutation.payload[name]:
            case PayloadRow(target):
                return self._row(f"{list_key}.{key}", key, nodes, target, required=True)
            case PayloadParent(relation):
                return self._row(f"{list_key}.{key}", key, nodes, relation.target, required=False)
            case _:
                return ResultId(key, name)

    def _row(
        self, path: str, key: str, nodes: list[FieldNode], target: str, *, required: bool
    ) -> ResultRow:
        entity = self._model.entities[target]
        rows = self._reads.build_row(path, nodes, target).rows
        where = Compare(entity.id, Comparison.MEMBER, Members(Returned(path)))
        fields = (Leaf(ROW_ID, entity.id), *rows.fields)
        self._rows.append(Many(path, replace(rows, fields=fields, where=where, order=entity.order)))
        return ResultRow(key, nodes[0].name.value, path, required)

    def _error(self, key: str, nodes: list[FieldNode]) -> ResultError:
        collected = self._selections.collect([node.selection_set for node in nodes], ERROR)
        return ResultError(
            key,
            tuple(
                Text(each, json.dumps(ERROR)) if name == "__typename" else ResultId(each, name)
                for each, inner in collected.items()
                for name in (inner[0].name.value,)
            ),
        )
