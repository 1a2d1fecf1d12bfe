"""Changes as common table expressions, rendered with their payload as one statement.

`written` returns the row written, `inserted_1` and on the rows inserted along with it; the
payload's levels read from these. `before` is the row as it was, for telling a stale version from a
missing row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from poutama.schema.model import Column, ColumnKind, Entity
from poutama.sql.acting_right import name_organisation, render_right
from poutama.sql.condition import TRUE, Condition, all_of
from poutama.sql.fragment import Parameters, name_column, quote_name, quote_text, type_of
from poutama.sql.predicate import Conditions
from poutama.sql.quota_counts import render_checks
from poutama.sql.statement import Statement


@dataclass(frozen=True, slots=True)
class ChangeSql:
    """The CTEs of a change, by name, and what tells how it went."""

    ctes: tuple[str, ...]
    written: str
    """How many rows were written: 0 or 1."""
    version: str
    """The version of the row as it was; NULL where there is none, or none was expected."""


class ChangeRenderer:
    """Renders the change of one statement."""

    def __init__(self, conditions: Conditions, *, allowed: Condition = TRUE) -> None:
        """`allowed`: a condition without which nothing is written."""
        self._conditions = conditions
        self._parameters: Parameters = conditions.parameters
        self._allowed = allowed

    def render(self, change: Change) -> ChangeSql:
        """The CTEs of a change."""
        match change:
            case Insert():
                ctes, quotas, fits = render_checks(self._conditions, change.entity, change.quotas)
                ctes.append(f"written AS ({self._insert(change, quotas, fits)})")
                ctes += [
                    f"inserted_{number} AS ({self._children(children)})"
                    for number, children in enumerate(change.children, start=1)
                ]
                return ChangeSql(tuple(ctes), _WRITTEN, "NULL::int8")
            case Update() | Delete():
                return self._modify(change)
            case UpdateMany():
                return ChangeSql(
                    (f"written AS ({self._update_many(change)})",), _WRITTEN, "NULL::int8"
                )
            case _:
                assert_never(change)

    def _insert(self, change: Insert, quotas: Sequence[str], fits: Condition) -> str:
        names = ["id"]
        values = [self._parameters.place(change.row.id, "uuid")]
        if (owner := change.entity.owner) is not None:
            names.append(owner)
            values.append(self._parameters.place(ViewerId(), "uuid"))
        aliases = [self._conditions.names.take(parent.entity.table) for parent in change.parents]
        for parent, alias in zip(change.parents, aliases, strict=True):
            assert parent.relation.key is not None
            names.append(parent.relation.key)
            values.append(f"{alias}.id")
        for name, value in self._assign_new(change.entity, change.row.assignments):
            names.append(name)
            values.append(value)
        if (right := change.entity.right) is not None and right not in names:
            names.append(right)
            values.append(self._right(change, aliases))
        for column in _sequences(change.entity):
            names.append(column.name)
            values.append(self._next_number(change, column, aliases))
        listed = ", ".join(quote_name(name) for name in names)
        into = f"INSERT INTO {quote_name(change.entity.table)} ({listed})"
        parents = list(zip(change.parents, aliases, strict=True))
        guards = (self._identify(alias, parent.id, parent.guard) for parent, alias in parents)
        where = all_of(*guards, fits, *self._free_ids(change), self._allowed)
        unless = " ON CONFLICT (id) DO NOTHING" if change.row.client_made else ""
        if where == TRUE:
            return f"{into} VALUES ({', '.join(values)}){unless} RETURNING *"
        tables = [f"{quote_name(parent.entity.table)} AS {alias}" for parent, alias in parents]
        tables += quotas
        source = f" FROM {', '.join(tables)}" if tables else ""
        return f"{into} SELECT {', '.join(values)}{source}{where.where}{unless} RETURNING *"

    def _free_ids(self, change: Insert) -> Iterator[Condition]:
        """That the ids that the client made for rows inserted along with it are not in use."""
        for children in change.children:
            if ids := children.client_ids:
                listed = ", ".join(self._parameters.place(each, "uuid") for each in ids)
                table = quote_name(children.entity.table)
                used = f"SELECT 1 FROM {table} AS used WHERE used.id IN ({listed})"
                yield Condition(f"NOT EXISTS ({used})")

    def render_free_ids(self, change: Insert) -> str:
        """Whether the ids of rows inserted along with the new one are not in use."""
        return f"SELECT {all_of(*self._free_ids(change)).text} AS free"

    def render_made(self, change: Insert) -> str:
        """Of the row that has the new one's id: whether the viewer may have made it so."""
        entity = change.entity
        mine = []
        if entity.owner is not None:
            viewer = self._parameters.place(ViewerId(), "uuid")
            mine.append(Condition(f"{name_column('this', entity.owner)} = {viewer}"))
        for parent in change.parents:
            assert parent.relation.key is not None
            alias, table = self._conditions.names.take(parent.entity.table), parent.entity.table
            guard = self._identify(alias, parent.id, parent.guard)
            held = Condition(f"{name_column('this', parent.relation.key)} = {alias}.id")
            where = all_of(held, guard).where
            mine.append(Condition(f"EXISTS (SELECT 1 FROM {quote_name(table)} AS {alias}{where})"))
        row = self._parameters.place(change.row.id, "uuid")
        return (
            f"SELECT {all_of(*mine).text} AS made FROM {quote_name(entity.table)} AS this"
            f" WHERE this.id = {row}"
        )

    def _next_number(self, change: Insert, column: Column, aliases: Sequence[str]) -> str:
        assert column.sequence is not None
        parent = next(
            alias
            for parent, alias in zip(change.parents, aliases, strict=True)
            if parent.relation.key == column.sequence
        )
        name = name_column("sibling", column.name)
        table = quote_name(change.entity.table)
        within = f"{name_column('sibling', column.sequence)} = {parent}.id"
        return f"(SELECT coalesce(max({name}) + 1, 0) FROM {table} AS sibling WHERE {within})"

    def _children(self, children: Children) -> str:
        entity = children.entity
        assert children.relation.key is not None
        found: list[dict[str, str]] = []
        for number, row in enumerate(children.rows):
            cells = {
                "id": self._parameters.place(row.id, "uuid"),
                **dict(self._assign_new(entity, row.assignments)),
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
        taken = ", ".join(name_column("child", name) for name in names)
        parent = quote_name(children.relation.key)
        return (
            f"INSERT INTO {quote_name(entity.table)} ({parent}, {listed})"
            f" SELECT written.id, {taken}"
            f" FROM written, (VALUES {', '.join(rows)}) AS child ({listed})"
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
        where = all_of(
            self._target(change),
            Condition(f"sibling.{within} = this.{within}"),
            Condition(f"sibling.{name} > this.{name}"),
        )
        moved = [f"{name} = sibling.{name} - 1", *_bookkeeping(change.entity, "sibling")]
        return f"UPDATE {table} AS sibling SET {', '.join(moved)} FROM {table} AS this{where.where}"

    def _modify(self, change: Update | Delete) -> ChangeSql:
        table = quote_name(change.entity.table)
        ctes = []
        version = "NULL::int8"
        if change.expected_version is not None:
            visible = self._identify("this", change.id, change.guard).where
            ctes.append(f"before AS (SELECT this.version FROM {table} AS this{visible})")
            version = "(SELECT before.version FROM before)"
        where = self._target(change).where
        match change:
            case Delete():
                effect = f"DELETE FROM {table} AS this{where} RETURNING this.*"
            case Update(assignments=()):
                effect = f"SELECT this.* FROM {table} AS this{where}"
            case Update():
                values = self._assignments(change.assignments)
                cells = [f"{quote_name(name)} = {value}" for name, value in values]
                cells += _follow(change.entity, dict(values))
                assigned = ", ".join(cells + _bookkeeping(change.entity))
                effect = f"UPDATE {table} AS this SET {assigned}{where} RETURNING this.*"
        ctes.append(f"written AS ({effect})")
        return ChangeSql(tuple(ctes), _WRITTEN, version)

    def _update_many(self, change: UpdateMany) -> str:
        def value(name: str, type_: str) -> str:
            return f"(member.value->>{quote_text(name)})::{type_}"

        values = {column.name: value(name, type_of(column)) for name, column in change.columns}
        for name, column in change.columns:
            if column.searchable:
                values[column.search_name] = value(f"{name} folded", "text")
        cells = [f"{quote_name(name)} = {found}" for name, found in values.items()]
        cells += _follow(change.entity, values)
        rows = f"jsonb_array_elements({self._parameters.place(change.rows, 'jsonb')})"
        return (
            f"UPDATE {quote_name(change.entity.table)} AS this"
            f" SET {', '.join(cells + _bookkeeping(change.entity))}"
            f" FROM {rows} AS member(value)"
            f" WHERE this.id = {value('id', 'uuid')} RETURNING this.*"
        )

    def _target(self, change: Update | Delete) -> Condition:
        where = all_of(self._identify("this", change.id, change.guard), self._allowed)
        if change.expected_version is None:
            return where
        expected = self._parameters.place(change.expected_version, "int8")
        return all_of(where, Condition(f"this.version = {expected}"))

    def _assign_new(
        self, entity: Entity, assignments: tuple[Assignment, ...]
    ) -> list[tuple[str, str]]:
        cells = self._assignments(assignments)
        values = dict(cells)
        return cells + [
            (column.name, f"CASE WHEN {values[column.true_since]} THEN now() END")
            for column in entity.columns
            if column.true_since is not None and column.true_since in values
        ]

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
                assert column.kind is ColumnKind.TEXT
                folded = self._parameters.place(Folded(assignment.value), "text")
                cells.append((column.search_name, folded))
        return cells

    def _right(self, change: Insert, aliases: Sequence[str]) -> str:
        """The organisation in whose right the viewer adds to the row's parents; or NULL."""
        found = [
            right
            for parent, alias in zip(change.parents, aliases, strict=True)
            if (right := render_right(self._conditions, alias, parent.guard)) is not None
        ]
        if not found:
            return "NULL::uuid"
        return name_organisation(f"coalesce({', '.join(found)})" if len(found) > 1 else found[0])

    def _identify(self, alias: str, row: Value, guard: Predicate) -> Condition:
        where = self._conditions.render(alias, guard)
        named = f"{name_column(alias, 'id')} = {self._parameters.place(row, 'uuid')}"
        return all_of(Condition(named), where)


def render_gaps(change: Change) -> Statement | None:
    """The statement that must run before a change so that numbered rows stay without gaps."""
    if not isinstance(change, Delete):
        return None
    parameters = Parameters()
    text = ChangeRenderer(Conditions(parameters)).render_gaps(change)
    return None if text is None else Statement(text, parameters.values)


def render_made(change: Change) -> Statement | None:
    """The statement that finds the row which has the id of one that was not inserted.

    It returns no row, or one with a boolean: whether the viewer has made it, of the same parents.
    None where the client does not make the id.
    """
    if not isinstance(change, Insert) or not change.row.client_made:
        return None
    parameters = Parameters()
    text = ChangeRenderer(Conditions(parameters)).render_made(change)
    return Statement(text, parameters.values)


def render_free_ids(change: Insert) -> Statement | None:
    """The statement that asks whether the ids are free that the client made for rows inserted along
    with another; None where it made none.
    """
    if not any(children.client_ids for children in change.children):
        return None
    parameters = Parameters()
    text = ChangeRenderer(Conditions(parameters)).render_free_ids(change)
    return Statement(text, parameters.values)


def render_renumbering(entity: Entity, gone: Value) -> Statement | None:
    """A statement that closes the gaps which deletions have left among numbered rows.

    None for rows that are not numbered. What moves has a version more, however far it moves.

    Args:
        entity: the type of the rows.
        gone: a JSON list of `[id of the row within which it was numbered, its number]`.
    """
    moves = _sequences(entity)
    if not moves:
        return None
    (column,) = moves
    assert column.sequence is not None
    parameters = Parameters()
    name, within = quote_name(column.name), quote_name(column.sequence)
    table = quote_name(entity.table)
    listed = f"jsonb_array_elements({parameters.place(gone, 'jsonb')}) AS gone(value)"
    before = (
        f"sibling.{within} = (gone.value->>0)::uuid"
        f" AND sibling.{name} > (gone.value->>1)::{type_of(column)}"
    )
    moved = [f"{name} = this.{name} - moved.places", *_bookkeeping(entity)]
    return Statement(
        f"UPDATE {table} AS this SET {', '.join(moved)}"
        f" FROM (SELECT sibling.id, count(*) AS places FROM {table} AS sibling"
        f" JOIN {listed} ON {before} GROUP BY sibling.id) AS moved WHERE this.id = moved.id",
        parameters.values,
    )


_WRITTEN = "(SELECT count(*) FROM written)"


def _bookkeeping(entity: Entity, alias: str = "this") -> list[str]:
    """What every update of a row sets besides."""
    cells = []
    if "version" in entity.fields:
        cells.append(f"version = {alias}.version + 1")
    if "updatedAt" in entity.fields:
        cells.append("updated_at = now()")
    return cells


def _follow(entity: Entity, values: Mapping[str, str], alias: str = "this") -> list[str]:
    """What an update sets that writes a column of which another is the moment since when."""
    cells = []
    for column in entity.columns:
        if column.true_since is not None and column.true_since in values:
            was, since = name_column(alias, column.true_since), name_column(alias, column.name)
            cells.append(
                f"{quote_name(column.name)} = CASE WHEN NOT {values[column.true_since]} THEN NULL"
                f" WHEN {was} THEN {since} ELSE now() END"
            )
    return cells


def _sequences(entity: Entity) -> list[Column]:
    return [column for column in entity.columns if column.sequence is not None]
