"""Filter arguments -> predicates.

Filters are two-valued: a comparison with NULL is false, so that `not` always gives the rest. An
explicit null where a value belongs is an error, never a condition that is silently dropped: a value
that is `Unusable`, so that all of them are reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from poutama.plan.nodes import (
    ALWAYS,
    All,
    AnyOf,
    Compare,
    Comparison,
    Exists,
    HasWords,
    IsNull,
    Not,
    Predicate,
)
from poutama.plan.values import (
    Constant,
    Items,
    Members,
    Needle,
    Normalized,
    Prefix,
    Unusable,
    Value,
    Words,
)
from poutama.plan.variables_shape import Tree
from poutama.schema.model import Column, ColumnKind, Entity, Model, Relation, RelationShape

Branch: TypeAlias = Mapping[str, "Tree"]

_ORDERED = {
    "lt": Comparison.LT,
    "lte": Comparison.LTE,
    "gt": Comparison.GT,
    "gte": Comparison.GTE,
}
VALUE = "a value, got null; leave it out, or use eq or isNull"


def build_filter(model: Model, entity: Entity, tree: Tree, where: str) -> Predicate:
    """The predicate of a filter argument; a filter that is null or absent always holds."""
    return ALWAYS if tree is None else _conditions(model, entity, tree, where)


def _conditions(model: Model, entity: Entity, tree: Tree, where: str) -> Predicate:
    if tree is None:
        return _unusable(entity, where, VALUE)
    return _all(
        _condition(model, entity, name, part, f"{where}.{name}")
        for name, part in _branch(tree, where).items()
    )


def _condition(model: Model, entity: Entity, name: str, tree: Tree, where: str) -> Predicate:
    if tree is None:
        return _unusable(entity, where, "a condition, got null")
    match name:
        case "and" | "or":
            parts = tuple(
                _conditions(model, entity, part, f"{where}[{index}]")
                for index, part in enumerate(_list(tree))
            )
            return All(parts) if name == "and" else AnyOf(parts)
        case "not":
            return Not(_conditions(model, entity, tree, where))
        case "search":
            columns = tuple(column for column in entity.columns if column.searchable)
            return HasWords(columns, Words(as_value(tree), where))
    field = entity.fields[name]
    if isinstance(field, Column):
        return _all(
            _comparison(field, operator, part, f"{where}.{operator}")
            for operator, part in _branch(tree, where).items()
        )
    return _relation(model, entity.relation(name), tree, where)


def _relation(model: Model, relation: Relation, tree: Tree, where: str) -> Predicate:
    target = model.entities[relation.target]
    if relation.shape is RelationShape.ONE:
        return Exists(relation, target, _conditions(model, target, tree, where))
    quantifiers: dict[str, Callable[[Predicate], Predicate]] = {
        "some": lambda part: Exists(relation, target, part),
        "none": lambda part: Not(Exists(relation, target, part)),
        "every": lambda part: Not(Exists(relation, target, Not(part))),
    }
    return _all(
        quantifiers[name](_conditions(model, target, part, f"{where}.{name}"))
        for name, part in _branch(tree, where).items()
    )


def _comparison(column: Column, operator: str, tree: Tree, where: str) -> Predicate:
    if operator == "eq" and tree is None:
        return IsNull(column)
    if tree is None:
        return Compare(column, Comparison.EQ, Unusable(where, VALUE))
    if operator == "eq":
        return Compare(column, Comparison.EQ, _stored_form(column, tree, where))
    if operator == "isNull":
        assert isinstance(tree, Constant), "booleans are part of a plan's shape"
        return IsNull(column) if tree.value else Not(IsNull(column))
    if operator == "in":
        return Compare(column, Comparison.MEMBER, Members(_stored_form(column, tree, where)))
    if operator == "contains":
        needle = Needle(as_value(tree), where)
        return Compare(column, Comparison.CONTAINS, needle, folded=True)
    if operator == "startsWith":
        prefix = Prefix(as_value(tree), where)
        return Compare(column, Comparison.STARTS_WITH, prefix, folded=True)
    return Compare(column, _ORDERED[operator], as_value(tree))


def _stored_form(column: Column, tree: Tree, where: str) -> Value:
    value = as_value(tree)
    return Normalized(value, where) if column.kind is ColumnKind.TEXT else value


def _all(parts: object) -> Predicate:
    found = tuple(parts)  # type: ignore[arg-type,var-annotated]
    return found[0] if len(found) == 1 else All(found)


def _unusable(entity: Entity, where: str, expected: str) -> Predicate:
    return Compare(entity.id, Comparison.EQ, Unusable(where, expected))


def _branch(tree: Tree, where: str) -> Branch:
    assert isinstance(tree, dict), where
    return tree


def _list(tree: Tree) -> list[Tree]:
    return tree if isinstance(tree, list) else [tree]


def as_value(tree: Tree) -> Value:
    """A value that the tree holds; a list of values as one."""
    if isinstance(tree, list):
        return Items(tuple(as_value(item) for item in tree))
    assert tree is not None
    assert not isinstance(tree, dict)
    return tree


def find_values(predicate: Predicate) -> Iterator[Value]:
    """The values that a filter compares with."""
    match predicate:
        case Compare(_, _, value):
            yield value
        case HasWords(_, words):
            yield words
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from find_values(part)
        case Not(part):
            yield from find_values(part)
        case Exists(_, _, where):
            yield from find_values(where)


def count_subqueries(model: Model, entity: Entity, tree: object) -> int:
    """How many relations a filter of these rows asks about: planning many takes a database long."""
    if isinstance(tree, list):
        return sum(count_subqueries(model, entity, part) for part in tree)
    found = 0
    for name, part in tree.items() if isinstance(tree, dict) else ():
        field, target = entity.fields.get(name), entity
        if isinstance(field, Relation):
            target, is_one = model.entities[field.target], field.shape is RelationShape.ONE
            found += 1 if is_one or not isinstance(part, dict) else len(part)
        found += count_subqueries(model, target, part)
    return found
