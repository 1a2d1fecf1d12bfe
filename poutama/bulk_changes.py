"""Changes of many rows of a type by one statement, with all that a change of one row brings.

For imports and other jobs that write thousands of rows, from tables in which they have collected
them; mutations change rows through write plans. A `BulkChange` is made once, when a module is
imported, of a query that returns the rows as they are to be: it grows versions, sets `updated_at`,
and adds an audit entry for every row that it wrote, in the name of the person who asked for it.
Who may do that is for the caller to check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from poutama.db.transaction import Transaction
from poutama.sql.fragment import quote_name, quote_text
from poutama.sql.relationship import render_is_current

_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkTable:
    """A type of the schema whose rows are changed in bulk.

    Its table has the columns `id`, `version` and `updated_at`.

    Attributes:
        kind: the type's name; audit entries carry it.
        table: where its rows are.
        searchable: columns with a folded copy, `name` in `name_search`: a change of one must
            bring the other.
        subject: the column that names the person whose data a row is; None without one.
        also: columns that name further persons of whom a row tells.
    """

    kind: str
    table: str
    searchable: tuple[str, ...] = ()
    subject: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BulkChange:
    """A statement that changes rows of one type.

    Attributes:
        sql: takes the parameters of the query that it was made of, and then the ids of the
            actor and of the organisation, if it is audited.
        audited: whether it adds audit entries.
    """

    sql: str
    audited: bool

    async def apply(
        self,
        transaction: Transaction,
        actor: UUID | None,
        *values: object,
        organisation: UUID | None = None,
    ) -> None:
        """Change the rows.

        Args:
            transaction: in which they change.
            actor: the person in whose name; where that person has been erased, no entry is added.
            values: the query's parameters.
            organisation: the one in whose right, for the entries.

        Raises:
            PoutamaError: as `Transaction.execute`.
        """
        named = [actor, organisation] if self.audited else []
        await transaction.execute(self.sql, *values, *named)


def insert_rows(table: BulkTable, columns: Sequence[str], source: str) -> BulkChange:
    """Make a change that adds rows, except those that a unique index refuses.

    Args:
        table: to which.
        columns: those that are filled, `id` among them; the others get their defaults.
        source: a query that returns those columns, in that order.

    Raises:
        ValueError: a searchable column comes without its copy.
    """
    _require_copies(table, columns)
    names = ", ".join(quote_name(column) for column in columns)
    change = (
        f"INSERT INTO {quote_name(table.table)} ({names})\n{source}\n"
        f"ON CONFLICT DO NOTHING RETURNING {_returned(table, '')}"
    )
    return BulkChange(_add_entries(table, "INSERT", change, source), audited=True)


def update_rows(
    table: BulkTable, columns: Sequence[str], source: str, *, audited: bool = True
) -> BulkChange:
    """Make a change of rows that are there.

    Args:
        table: whose rows.
        columns: those that change.
        source: a query that returns `id` and each of those columns by its name: the new values of
            rows that are to change, and no others.
        audited: False for what a job notes in a row on its way, or no person has asked for.

    Raises:
        ValueError: a searchable column comes without its copy.
    """
    _require_copies(table, columns)
    cells = [f"{quote_name(column)} = s.{quote_name(column)}" for column in columns]
    cells += ["version = t.version + 1", "updated_at = now()"]
    change = (
        f"UPDATE {quote_name(table.table)} AS t SET\n    {', '.join(cells)}\n"
        f"FROM (\n{source}\n) AS s WHERE t.id = s.id"
    )
    if not audited:
        return BulkChange(change, audited=False)
    change = f"{change} RETURNING {_returned(table, 't.')}"
    return BulkChange(_add_entries(table, "UPDATE", change, source), audited=True)


def _require_copies(table: BulkTable, columns: Sequence[str]) -> None:
    for column in table.searchable:
        if (column in columns) != (f"{column}_search" in columns):
            raise ValueError(
                f"{table.kind}: expected {column} together with {column}_search, got {columns}"
            )


def _returned(table: BulkTable, alias: str) -> str:
    subject = "NULL::uuid" if table.subject is None else f"{alias}{quote_name(table.subject)}"
    also = "".join(f", {alias}{quote_name(column)}" for column in table.also)
    return f"{alias}id, {subject} AS subject_id{also}"


def _add_entries(table: BulkTable, action: str, change: str, source: str) -> str:
    """The change, and an audit entry for each row that it returns."""
    used = [int(number) for number in _PARAMETER.findall(source)]
    actor, organisation = (f"${max(used, default=0) + number}::uuid" for number in (1, 2))
    return (
        f"WITH done AS (\n{change}\n)\n"  # noqa: S608  quoted names
        "INSERT INTO audit_entry (id, actor_id, actor_name, subject_id, action, kind, row_id,"
        " organisation_id, organisation_name, actor_role)\n"
        f"SELECT gen_random_uuid(), {actor}, (SELECT p.name FROM person AS p WHERE p.id = {actor}),"
        f" d.subject_id, {quote_text(action)}, {quote_text(table.kind)}, d.id,"
        f" {organisation}, (SELECT o.name FROM organisation AS o WHERE o.id = {organisation}),"
        f" (SELECT min(m.role) FROM membership AS m WHERE m.person_id = {actor}"
        f" AND m.organisation_id = {organisation} AND {render_is_current('m')})\n"
        f"FROM ({_list_subjects(table)}) AS d WHERE {actor} IS NOT NULL"
    )


def _list_subjects(table: BulkTable) -> str:
    """The rows that were changed, each once for every person of whom it tells."""
    listed = ["SELECT d.id, d.subject_id FROM done AS d"]
    for column in table.also:
        name = f"d.{quote_name(column)}"
        listed.append(
            f"SELECT d.id, {name} FROM done AS d"  # noqa: S608  quoted names
            f" WHERE {name} IS NOT NULL AND {name} IS DISTINCT FROM d.subject_id"
        )
    return " UNION ALL ".join(listed)
