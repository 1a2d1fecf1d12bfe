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
    IsNull,
    Not,
    OneOf,
    OwnedBy,
    Predicate,
    Stands,
)
from poutama.plan.values import Value
from poutama.schema.model import Column, OrderTerm, Relation, Shape
from poutama.sql.fragment import (
    Parameters,
    name_column,
    quote_name,
    quote_text,
    sort_column,
    type_of,
)
from poutama.sql.standing import render_standing


class Conditions:
    """Renders predicates of one statement; gives out the aliases of subqueries."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._aliases = 0

    def render(self, alias: str, predicate: Predicate) -> str:
        """A condition over the row called `alias`; never NULL."""
        match predicate:
            case Compare():
                return self._compare(alias, predicate)
            case IsNull(column):
                return f"{name_column(alias, column.name)} IS NULL"
            case OwnedBy(column, value):
                return f"{name_column(alias, column)} = {self.parameters.place(value, 'uuid')}"
            case Stands(column=column):
                self._aliases += 1
                name = name_column(alias, column)
                return render_standing(self.parameters, name, predicate, str(self._aliases))
            case All(parts):
                found = [text for part in parts if (text := self.render(alias, part)) != "true"]
                return " AND ".join(found) or "true"
            case AnyOf(parts):
                return self._any(alias, parts)
            case Not(part):
                return f"NOT ({self.render(alias, part)})"
            case OneOf(subject, options):
                listed = ", ".join(quote_text(option) for option in options)
                return f"{self._subject(alias, subject)} IN ({listed})"
            case Exists():
                return self._exists(alias, predicate)
            case _:
                assert_never(predicate)

    def _subject(self, alias: str, subject: Column | Value) -> str:
        if isinstance(subject, Column):
            return name_column(alias, subject.name)
        return self.parameters.place(subject, "text")

    def _any(self, alias: str, parts: Sequence[Predicate]) -> str:
        texts = [self.render(alias, part) for part in parts]
        if len(texts) == 1:
            return texts[0]
        return f"({' OR '.join(f'({text})' for text in texts)})" if texts else "false"

    def render_after(self, alias: str, order: Sequence[OrderTerm], after: Sequence[Value]) -> str:
        """Whether a row comes after the place that a cursor names."""
        *values, last = after
        place = self.parameters.place
        condition = f"{name_column(alias, 'id')} > {place(last, 'uuid')}"
        for term, value in reversed(list(zip(order, values, strict=True))):
            column = term.column
            name = sort_column(alias, column)
            given = place(value, type_of(column))
            beyond = f"{name} {'<' if term.descending else '>'} {given}"
            if column.nullable:
                # Rows without a value come last, and tie with each other.
                beyond = f"coalesce({beyond}, {name} IS NULL AND {given} IS NOT NULL)"
                condition = f"({beyond} OR ({name} IS NOT DISTINCT FROM {given} AND {condition}))"
            else:
                condition = f"({beyond} OR ({name} = {given} AND {condition}))"
        return condition

    def join(self, alias: str, relation: Relation, parent: str, *, prefix: str = "") -> str:
        """How the relation's rows hang on their parent's columns (prefixed in a CTE)."""
        assert relation.key is not None
        if relation.shape is Shape.ONE:
            return f"{name_column(alias, 'id')} = {name_column(parent, prefix + relation.key)}"
        return f"{name_column(alias, relation.key)} = {name_column(parent, prefix + 'id')}"

    def _compare(self, alias: str, predicate: Compare) -> str:
        column = predicate.column
        name = name_column(alias, column.search_name if predicate.folded else column.name)
        condition = self._comparison(name, predicate.comparison, predicate.value, column)
        # A comparison with NULL is false, so that NOT gives the rest.
        return f"({name} IS NOT NULL AND {condition})" if column.nullable else condition

    def _comparison(self, name: str, comparison: Comparison, value: Value, column: Column) -> str:
        place = self.parameters.place
        match comparison:
            case Comparison.CONTAINS:
                return f"strpos({name}, {place(value, 'text')}) > 0"
            case Comparison.STARTS_WITH:
                return f"strpos({name}, {place(value, 'text')}) = 1"
            case Comparison.MEMBER:
                items = f"jsonb_array_elements_text({place(value, 'jsonb')})"
                return f"{name} IN (SELECT e.v::{type_of(column)} FROM {items} AS e(v))"
            case _:
                return f"{name} {comparison.value} {place(value, type_of(column))}"

    def _exists(self, alias: str, predicate: Exists) -> str:
        self._aliases += 1
        inner = f"e{self._aliases}"
        joined = self.join(inner, predicate.relation, alias)
        where = self.render(inner, predicate.where)
        condition = joined if where == "true" else f"{joined} AND {where}"
        table = quote_name(predicate.target.table)
        return f"EXISTS (SELECT 1 FROM {table} AS {inner} WHERE {condition})"
