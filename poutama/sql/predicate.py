"""Predicates of the plan as SQL conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from poutama.plan.nodes import (
    All,
    AnyOf,
    Compare,
    Comparison,
    Exists,
    HasRelationship,
    HasWords,
    IsNull,
    Not,
    OneAmong,
    OneOf,
    OwnedBy,
    Predicate,
)
from poutama.plan.values import Value
from poutama.schema.model import Column, Entity, OrderTerm, Relation, RelationShape
from poutama.sql.condition import TRUE, Condition, all_of, any_of, negate
from poutama.sql.fragment import (
    Parameters,
    name_column,
    quote_name,
    quote_text,
    sort_column,
    type_of,
)
from poutama.sql.names import Names
from poutama.sql.relationship import render_relationship


class Conditions:
    """Renders the predicates of one statement."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.names = Names()

    def render(self, alias: str, predicate: Predicate, above: tuple[str, ...] = ()) -> Condition:
        """A condition over the row called `alias`; `above`: the rows above it, the last first.

        Only rules of visibility look above, and only at rows of their own.
        """
        match predicate:
            case Compare():
                return self._compare(alias, predicate)
            case HasWords():
                return self._has_words(alias, predicate)
            case IsNull(column):
                return Condition(f"{name_column(alias, column.name)} IS NULL")
            case OwnedBy(column, value):
                placed = self.parameters.place(value, "uuid")
                return Condition(f"{name_column(alias, column)} = {placed}")
            case HasRelationship(column=column):
                name = name_column(alias, column)
                return render_relationship(self.parameters, name, predicate, (alias, *above))
            case All(parts) | AnyOf(parts):
                join = all_of if isinstance(predicate, All) else any_of
                return join(*(self.render(alias, part, above) for part in parts))
            case Not(part):
                return self._not(alias, part, above)
            case OneOf(subject, options):
                listed = ", ".join(quote_text(option) for option in options)
                return Condition(f"{self._subject(alias, subject)} IN ({listed})")
            case Exists() | OneAmong():
                return self._subquery(alias, predicate, above)
            case _:
                assert_never(predicate)

    def _subquery(
        self, alias: str, predicate: Exists | OneAmong, above: tuple[str, ...]
    ) -> Condition:
        if isinstance(predicate, OneAmong):
            return self._one_among(alias, predicate)
        return self._exists(alias, predicate, above)

    def _one_among(self, alias: str, predicate: OneAmong) -> Condition:
        found = []
        for part in predicate.parts:
            inner = self.names.take(predicate.entity.table)
            where = self.render(inner, part).where
            table = quote_name(predicate.entity.table)
            found.append(f"SELECT {inner}.id FROM {table} AS {inner}{where}")
        return Condition(f"{alias}.id IN ({' UNION '.join(found)})")

    def _not(self, alias: str, part: Predicate, above: tuple[str, ...]) -> Condition:
        if isinstance(part, OwnedBy):
            # NULL is not this id, and not unknown.
            placed = self.parameters.place(part.value, "uuid")
            return Condition(f"{name_column(alias, part.column)} IS DISTINCT FROM {placed}")
        return negate(self.render(alias, part, above))

    def _subject(self, alias: str, subject: Column | Value) -> str:
        if isinstance(subject, Column):
            return name_column(alias, subject.name)
        return self.parameters.place(subject, "text")

    def render_beyond(
        self, alias: str, order: Sequence[OrderTerm], cursor: Sequence[Value], *, before: bool
    ) -> Condition:
        """Whether a row comes before the place that a cursor names, or after it."""
        *values, row = cursor
        place = self.parameters.place
        id_ = name_column(alias, "id")
        condition = Condition(f"{id_} {'<' if before else '>'} {place(row, 'uuid')}")
        for term, value in reversed(list(zip(order, values, strict=True))):
            column = term.column
            name = sort_column(alias, column)
            placed = place(value, type_of(column))
            beyond = f"{name} {'<' if term.descending != before else '>'} {placed}"
            tied = f"{name} = {placed}"
            if column.nullable:
                # Rows without a value come last, and tie with each other.
                last, first = (placed, name) if before else (name, placed)
                beyond = f"coalesce({beyond}, {last} IS NULL AND {first} IS NOT NULL)"
                tied = f"{name} IS NOT DISTINCT FROM {placed}"
            condition = any_of(Condition(beyond), all_of(Condition(tied), condition))
        return condition

    def join(self, alias: str, relation: Relation, parent: str, *, prefix: str = "") -> Condition:
        """How the relation's rows join their parent's columns (prefixed in a CTE)."""
        assert relation.key is not None
        own, others = (
            ("id", relation.key) if relation.shape is RelationShape.ONE else (relation.key, "id")
        )
        return Condition(f"{name_column(alias, own)} = {name_column(parent, prefix + others)}")

    def _compare(self, alias: str, predicate: Compare) -> Condition:
        column = predicate.column
        name = name_column(alias, column.search_name if predicate.folded else column.name)
        found = Condition(self._comparison(name, predicate.comparison, predicate.value, column))
        # A comparison with NULL is false, so that NOT gives the rest.
        return all_of(Condition(f"{name} IS NOT NULL"), found) if column.nullable else found

    def _has_words(self, alias: str, predicate: HasWords) -> Condition:
        words = f"jsonb_array_elements_text({self.parameters.place(predicate.words, 'jsonb')})"
        absent = " AND ".join(
            f"strpos({_text(alias, column)}, member.value) = 0" for column in predicate.columns
        )
        return Condition(
            f"NOT EXISTS (SELECT 1 FROM {words} AS member(value) WHERE {absent or 'true'})"
        )

    def _comparison(self, name: str, comparison: Comparison, value: Value, column: Column) -> str:
        place = self.parameters.place
        match comparison:
            case Comparison.CONTAINS:
                return f"strpos({name}, {place(value, 'text')}) > 0"
            case Comparison.STARTS_WITH:
                # Not strpos, which would look for the prefix in all of the text.
                prefix = place(value, "text")
                return f"left({name}, char_length({prefix})) = {prefix}"
            case Comparison.MEMBER:
                items = f"jsonb_array_elements_text({place(value, 'jsonb')})"
                member = f"member.value::{type_of(column)}"
                return f"{name} IN (SELECT {member} FROM {items} AS member(value))"
            case _:
                return f"{name} {comparison.value} {place(value, type_of(column))}"

    def _exists(self, alias: str, predicate: Exists, above: tuple[str, ...]) -> Condition:
        inner = self.names.take(predicate.target.table)
        joined = self.join(inner, predicate.relation, alias)
        source, on = select_by_key(predicate.target, inner, joined)
        where = all_of(on, self.render(inner, predicate.where, (alias, *above))).where
        return Condition(f"EXISTS (SELECT 1 FROM {source}{where})")


def select_by_key(entity: Entity, alias: str, key: Condition) -> tuple[str, Condition]:
    """What rows are joined from that have a key of a row beside them, and on what besides.

    A view that is computed of tables is computed for that key: OFFSET 0 keeps both engines from
    computing it for every key there is, and joining then.
    """
    table = quote_name(entity.table)
    if not entity.over:
        return f"{table} AS {alias}", key
    return f"LATERAL (SELECT * FROM {table} AS {alias}{key.where} OFFSET 0) AS {alias}", TRUE


def _text(alias: str, column: Column) -> str:
    name = name_column(alias, column.search_name)
    return f"coalesce({name}, '')" if column.nullable else name
