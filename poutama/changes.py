"""`Changes`: how procedures and jobs change rows, by the same plans that simple writes are.

Wherever it comes from, a change of a row of a type does the same: a searchable text's folded copy,
`version` and `updatedAt`, the audit entry with whose data it is, and the conflict with a version
that is not the newest. It asks no permission: `@permit` does that before a procedure is called,
and a job's step asks for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from json import dumps
from typing import TypeAlias
from uuid import UUID, uuid4

from poutama.db.transaction import Transaction
from poutama.errors import ConflictError, NotFoundError
from poutama.lru import Lru
from poutama.plan.binding import Binding, check_storable
from poutama.plan.change_plan import ChangeShape, ValueSource, build_change
from poutama.plan.nodes import Change, Insert, Read
from poutama.plan.values import SqlConstant, Variable
from poutama.quotas import find_refusal
from poutama.schema.model import Action, Model
from poutama.schema.scalars import print_date_time
from poutama.settings import Settings
from poutama.sql.audit import render_recorded_read
from poutama.sql.json import render_json
from poutama.sql.statement import Statement, StatementResult, bind_values
from poutama.text import fold
from poutama.viewer import Viewer

NOW = SqlConstant.NOW
"""The moment of the transaction, by the database's clock."""

_RECORD_READ = render_recorded_read(Variable(("person",)), Variable(("kind",)))

ColumnValue: TypeAlias = UUID | str | int | bool | datetime | SqlConstant | None
"""What a column may be set to."""

MAX_STATEMENTS = 1_000
"""How many a process keeps."""


class ChangePlans:
    """The statements of changes, rendered once for each set of columns.

    Names come from code, never from clients; but which of them are given may follow a client's
    input, so that those used longest ago are dropped.
    """

    def __init__(self, model: Model, settings: Settings | None = None) -> None:
        """Render nothing yet; `settings` has the limits of quotas, by default the defaults."""
        self.model = model
        self._settings = settings or Settings()
        self._statements: Lru[ChangeShape, tuple[Change, Statement]] = Lru(MAX_STATEMENTS)

    def find(self, shape: ChangeShape) -> tuple[Change, Statement]:
        """The plan and the statement of a change of this shape.

        Raises:
            KeyError: an unknown type, field or relation.
        """
        found = self._statements.get(shape)
        if found is None:
            change = build_change(self.model, shape, self._settings)
            found = (change, render_json(Read(()), change))
            self._statements.put(shape, found)
        return found


class Changes:
    """Changes of rows in one transaction, in the name of one person."""

    def __init__(self, plans: ChangePlans, transaction: Transaction, viewer: Viewer) -> None:
        self._plans = plans
        self._transaction = transaction
        self._viewer = viewer

    async def insert(
        self,
        type_: str,
        values: Mapping[str, ColumnValue],
        *,
        columns: Mapping[str, ColumnValue] | None = None,
        row: UUID | None = None,
    ) -> UUID:
        """Insert a row and return its id.

        Args:
            type_: the GraphQL type.
            values: by field: a column's value, or for a to-one relation the row's id.
            columns: by column, what the schema does not show.
            row: the id that the client has made (`@key(type:)`); None for one of ours.

        Raises:
            NotFoundError: a row that it belongs to is not there.
            QuotaExceededError: there are as many rows as a quota of the type allows.
            DatabaseError: the database refused it.
        """
        row = row or uuid4()
        outcome = await self._run(Action.INSERT, type_, row, values, columns, None)
        if not outcome.written:
            raise NotFoundError(f"The row that the new {type_} belongs to was not found.")
        return row

    async def update(
        self,
        type_: str,
        row: UUID,
        values: Mapping[str, ColumnValue],
        *,
        columns: Mapping[str, ColumnValue] | None = None,
        expected_version: int | None = None,
    ) -> None:
        """Update a row; what is not named stays. Arguments as `insert`.

        Raises:
            NotFoundError: the row is not found.
            ConflictError: it has another version than expected.
            DatabaseError: the database refused it.
        """
        outcome = await self._run(Action.UPDATE, type_, row, values, columns, expected_version)
        _require_written(outcome, type_, expected_version)

    async def update_many(self, type_: str, rows: Mapping[UUID, Mapping[str, ColumnValue]]) -> int:
        """Update several rows in one statement, the same fields of each; returns how many were
        there.

        Args:
            type_: the GraphQL type.
            rows: by id, values by field as `insert` takes them, without constants of SQL.

        Raises:
            ValueError: the rows do not name the same fields, or a value is a constant of SQL.
            DatabaseError: the database refused it.
        """
        if not rows:
            return 0
        names = tuple(next(iter(rows.values())))
        if any(set(values) != set(names) for values in rows.values()):
            raise ValueError("update_many: every row takes the same fields")
        shape = ChangeShape(
            Action.UPDATE, type_, tuple((name, ValueSource.VALUE) for name in names), many=True
        )
        items = [{"id": str(row), **_encode_row(values)} for row, values in sorted(rows.items())]
        variables = {"rows": dumps(items, ensure_ascii=False)}
        return (await self._fetch(shape, variables)).written

    async def delete(self, type_: str, row: UUID, *, expected_version: int | None = None) -> None:
        """Delete a row.

        Raises:
            NotFoundError: the row is not found.
            ConflictError: it has another version than expected.
            DatabaseError: the database refused it.
        """
        outcome = await self._run(Action.DELETE, type_, row, {}, None, expected_version)
        _require_written(outcome, type_, expected_version)

    async def record_update(self, type_: str, row: UUID) -> None:
        """Write the audit entry of an update that the owner of the table has made by itself.

        For tables with a writer of their own, such as that of jobs.

        Raises:
            DatabaseError: the database refused it.
        """
        await self._fetch(ChangeShape(Action.UPDATE, type_, record_only=True), {"id": row})

    async def record_read(self, kind: str, person: UUID) -> None:
        """Write the audit entry of a read of a person's data that is not one type's rows.

        Raises:
            DatabaseError: the database refused it.
        """
        binding = Binding({"person": person, "kind": kind}, self._viewer, max_page_size=0)
        await self._transaction.execute(_RECORD_READ.text, *bind_values(_RECORD_READ, binding))

    async def _run(
        self,
        action: Action,
        type_: str,
        row: UUID,
        values: Mapping[str, ColumnValue],
        columns: Mapping[str, ColumnValue] | None,
        expected_version: int | None,
    ) -> StatementResult:
        hidden = columns or {}
        shape = ChangeShape(
            action,
            type_,
            tuple((name, ValueSource.of(value)) for name, value in values.items()),
            tuple((name, ValueSource.typed(value)) for name, value in hidden.items()),
            versioned=expected_version is not None,
        )
        variables = {f"values.{name}": value for name, value in values.items()}
        variables |= {f"columns.{name}": value for name, value in hidden.items()}
        return await self._fetch(shape, {**variables, "id": row, "version": expected_version})

    async def _fetch(self, shape: ChangeShape, variables: Mapping[str, object]) -> StatementResult:
        change, statement = self._plans.find(shape)
        binding = Binding(variables, self._viewer, max_page_size=0)
        rows = await self._transaction.fetch(statement.text, *bind_values(statement, binding))
        result = statement.conclude(rows)
        if not result.written and isinstance(change, Insert):
            refusal = await find_refusal(change, binding, self._transaction.fetch)
            if refusal is not None:
                raise refusal
        return result


def explain_conflict(expected: object, current: int) -> ConflictError:
    """What to raise for a row that has another version than the client has seen."""
    return ConflictError(
        f"expected version {expected}, but the current version is {current}. Read it again, and"
        " decide whether your change still holds.",
        expectedVersion=expected,
        currentVersion=current,
    )


def _require_written(outcome: StatementResult, type_: str, expected: int | None) -> None:
    if outcome.written:
        return
    if outcome.version is not None:
        raise explain_conflict(expected, outcome.version)
    raise NotFoundError.of(type_)


def _encode_row(values: Mapping[str, ColumnValue]) -> dict[str, object]:
    """A row's values as JSON holds them, and the folded copies of its texts."""
    row: dict[str, object] = {}
    for name, value in values.items():
        match value:
            case SqlConstant():
                raise ValueError(f"update_many: {name}: expected a value, got {value}")
            case UUID():
                row[name] = str(value)
            case datetime():
                row[name] = print_date_time(value)
            case str():
                row[name] = check_storable(value, name)
                row[f"{name} folded"] = fold(value)
            case _:
                row[name] = value
    return row
