"""Changes as common table expressions, rendered with their payload as one statement.

`w0` returns the row written, `w1` and on the rows inserted along with it; the payload's levels
read from these. `t` is the row as it stood, for telling a stale version from a missing row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from poutama.plan.nodes import (
    Assignment,
    Change,
    Children,
    Delete,
    Insert,
    Predicate,
    Update,
    UpdateMany,
)
from poutama.plan.values import Folded, SqlConstant, Value, ViewerId
from poutama.schema.model import Column, Entity, Kind
from poutama.sql.fragment import Parameters, name_column, quote_name, quote_text, type_of
from poutama.sql.predicate import Conditions
from poutama.sql.statement import Statement


@dataclass(frozen=True, slots=True)
class ChangeSql:
    """The CTEs of a change, by name, and what tells how it went."""

    ctes: tuple[str, ...]
    written: str
    """How many rows were written: 0 or 1."""
    version: str
    """The version of the row as it stood; NULL where there is none, or nobody asked."""


class ChangeRenderer:
    """Renders the change of one statement."""

    def __init__(self, conditions: Conditions, *, unless: str = "") -> None:
        """`unless`: a condition under which nothing is written."""
        self._conditions = conditions
        self._parameters: Parameters = conditions.parameters
        self._allowed = [f"NOT ({unless})"] if unless else []

    def render(self, change: Change) -> ChangeSql:
        """The CTEs of a change."""
        match change:
            case Insert():
                ctes = [f"w0 AS ({self._insert(change)})"]
                ctes += [
                    f"w{number} AS ({self._children(children)})"
                    for number, children in enumerate(change.children, start=1)
                ]
                return ChangeSql(tuple(ctes), _WRITTEN, "NULL::int8")
            case Update() | Delete():
                return self._modify(change)
            case UpdateMany():
                return ChangeSql((f"w0 AS ({self._update_many(change)})",), _WRITTEN, "NULL::int8")
            case _:
                assert_never(change)

    def _insert(self, change: Insert) -> str:
        names = ["id"]
        values = [self._parameters.place(change.row.id, "uuid")]
        if (owner := change.entity.owner) is not None:
            names.append(owner)
            values.append(self._parameters.place(ViewerId(), "uuid"))
        for number, parent in enumerate(change.parents):
            assert parent.relation.key is not None
            names.append(parent.relation.key)
            values.append(f"p{number}.id")
        for name, value in self._assignments(change.row.assignments):
            names.append(name)
            values.append(value)
        for column in _sequences(change.entity):
            names.append(column.name)
            values.append(self._next_number(change, column))
        listed = ", ".join(quote_name(name) for name in names)
        into = f"INSERT INTO {quote_name(change.entity.table)} ({listed})"
        where = [
            self._identify(f"p{number}", parent.id, parent.guard)
            for number, parent in enumerate(change.parents)
        ] + self._allowed
        if not where:
            return f"{into} VALUES ({', '.join(values)}) RETURNING *"
        sources = ", ".join(
            f"{quote_name(parent.entity.table)} AS p{number}"
            for number, parent in enumerate(change.parents)
        )
        source = f" FROM {sources}" if sources else ""
        return f"{into} SELECT {', '.join(values)}{source} WHERE {' AND '.join(where)} RETURNING *"

    def _next_number(self, change: Insert, column: Column) -> str:
        assert column.sequence is not None
        number = next(
            n for n, parent in enumerate(change.parents) if parent.relation.key == column.sequence
        )
        name = name_column("s", column.name)
        table = quote_name(change.entity.table)
        within = f"{name_column('s', column.sequence)} = p{number}.id"
        return f"(SELECT coalesce(max({name}) + 1, 0) FROM {table} AS s WHERE {within})"

    def _children(self, children: Children) -> str:
        entity = children.entity
        assert children.relation.key is not None
        found: list[dict[str, str]] = []
        for number, row in enumerate(children.rows):
            cells = {
                "id": self._parameters.place(row.id, "uuid"),
                **dict(self._assignments(row.assignments)),
                **{column.name: f"{number}" for column in _sequences(entity)},
            }
            if entity.owner is not None:
                cells[entity.owner] = self._parameters.place(ViewerId(), "uuid")
            if "createdAt" in entity.fields:
                # Siblings keep their order, which the clock alone would not tell.
                cells["created_at"] = f"now() + interval '{number} microseconds'"
            found.append(cells)
        names = list(dict.fromkeys(name for cells in found for name in cells))
        rows = ["(" + ", ".join(cells.get(name, "NULL") for name in names) + ")" for cells in found]
        listed = ", ".join(quote_name(name) for name in names)
        taken = ", ".join(name_column("v", name) for name in names)
        parent = quote_name(children.relation.key)
        return (
            f"INSERT INTO {quote_name(entity.table)} ({parent}, {listed})"
            f" SELECT w0.id, {taken} FROM w0, (VALUES {', '.join(rows)}) AS v ({listed})"
            " RETURNING *"
        )

    def render_gaps(self, change: Delete) -> str | None:
        """A statement that moves up what comes after a row about to be deleted, if it is numbered.

        It runs before the deletion, in the same transaction: one statement cannot change a table
        twice on CockroachDB.
        """
        moves = _sequences(change.entity)
        if not moves:
            return None
        (column,) = moves
        assert column.sequence is not None
        name, within = quote_name(column.name), quote_name(column.sequence)
        table = quote_name(change.entity.table)
        where = self._target(change)
        return (
            f"UPDATE {table} AS s SET {name} = s.{name} - 1 FROM {table} AS a WHERE {where}"
            f" AND s.{within} = a.{within} AND s.{name} > a.{name}"
        )

    def _modify(self, change: Update | Delete) -> ChangeSql:
        table = quote_name(change.entity.table)
        ctes = []
        version = "NULL::int8"
        if change.expected_version is not None:
            seen = self._identify("a", change.id, change.guard)
            ctes.append(f"t AS (SELECT a.version FROM {table} AS a WHERE {seen})")
            version = "(SELECT t.version FROM t)"
        where = self._target(change)
        match change:
            case Delete():
                effect = f"DELETE FROM {table} AS a WHERE {where} RETURNING a.*"
            case Update(assignments=()):
                effect = f"SELECT a.* FROM {table} AS a WHERE {where}"
            case Update():
                cells = [
                    f"{quote_name(name)} = {value}"
                    for name, value in self._assignments(change.assignments)
                ]
                cells += _bookkeeping(change.entity)
                effect = f"UPDATE {table} AS a SET {', '.join(cells)} WHERE {where} RETURNING a.*"
        ctes.append(f"w0 AS ({effect})")
        return ChangeSql(tuple(ctes), _WRITTEN, version)

    def _update_many(self, change: UpdateMany) -> str:
        def value(name: str, type_: str) -> str:
            return f"(e.v->>{quote_text(name)})::{type_}"

        cells = []
        for name, column in change.columns:
            cells.append(f"{quote_name(column.name)} = {value(name, type_of(column))}")
            if column.searchable:
                folded = value(f"{name} folded", "text")
                cells.append(f"{quote_name(column.search_name)} = {folded}")
        rows = f"jsonb_array_elements({self._parameters.place(change.rows, 'jsonb')}) AS e(v)"
        return (
            f"UPDATE {quote_name(change.entity.table)} AS a"
            f" SET {', '.join(cells + _bookkeeping(change.entity))} FROM {rows}"
            f" WHERE a.id = {value('id', 'uuid')} RETURNING a.*"
        )

    def _target(self, change: Update | Delete) -> str:
        where = [self._identify("a", change.id, change.guard), *self._allowed]
        if change.expected_version is not None:
            expected = self._parameters.place(change.expected_version, "int8")
            where.append(f"a.version = {expected}")
        return " AND ".join(where)

    def _assignments(self, assignments: tuple[Assignment, ...]) -> list[tuple[str, str]]:
        cells = []
        for assignment in assignments:
            column = assignment.column
            if isinstance(assignment.value, SqlConstant):
                cells.append((column.name, assignment.value.value))
                continue
            place = self._parameters.place(assignment.value, type_of(column))
            cells.append((column.name, place))
            if column.searchable:
                assert column.kind is Kind.TEXT
                folded = self._parameters.place(Folded(assignment.value), "text")
                cells.append((column.search_name, folded))
        return cells

    def _identify(self, alias: str, row: Value, guard: Predicate) -> str:
        where = self._conditions.render(alias, guard)
        return f"{name_column(alias, 'id')} = {self._parameters.place(row, 'uuid')} AND {where}"


def render_gaps(change: Change) -> Statement | None:
    """The statement that must run before a change so that numbered rows stay without gaps."""
    if not isinstance(change, Delete):
        return None
    parameters = Parameters()
    text = ChangeRenderer(Conditions(parameters)).render_gaps(change)
    return None if text is None else Statement(text, parameters.values)


_WRITTEN = "(SELECT count(*) FROM w0)"


def _bookkeeping(entity: Entity) -> list[str]:
    """What every update of a row sets besides."""
    cells = []
    if "version" in entity.fields:
        cells.append("version = a.version + 1")
    if "updatedAt" in entity.fields:
        cells.append("updated_at = now()")
    return cells


def _sequences(entity: Entity) -> list[Column]:
    return [column for column in entity.columns if column.sequence is not None]
