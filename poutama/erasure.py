"""Erasing a person: rows by what features declare, files by their keys, and counts for a receipt.

Called by retention and by the requests for erasure. It knows tables only through `PersonalData` and
files only through `StoredData`; it does not decide who is erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from json import dumps
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.transaction import Transaction
from poutama.personal_data import Erasure, PersonalData, StoredData
from poutama.sql.fragment import quote_name
from poutama.store.deletion import schedule_deletion
from poutama.store.objects import ObjectStore

_DELETE_PERSON = "DELETE FROM person WHERE id = $1::uuid"
# Without a subject: no person's log shows it. A restored backup is erased again by these ids.
_RECORD = """
INSERT INTO audit_entry (id, actor_id, actor_name, subject_id, action, kind, row_id)
VALUES (gen_random_uuid(), $1::uuid, $2::text, NULL, 'DELETE', 'Person', $3::uuid)
"""


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """How many rows there were in one place of the register, and what became of them."""

    where: str
    rows: int
    outcome: Erasure


async def find_stored_keys(
    database: Database,
    store: ObjectStore,
    declared: Iterable[StoredData],
    person: UUID,
    *,
    deadline: float,
) -> list[str]:
    """The keys of the person's files: those that are there, and those that may yet be written.

    Raises:
        UnavailableError, DeadlineExceededError: the database or the store cannot be reached.
    """
    found: set[str] = set()
    for each in declared:
        if each.keys:
            rows = await database.read(each.keys, [person], deadline=deadline, name="erasure/keys")
            found.update(row["key"] for row in rows)
        if "{person}" in each.prefix:
            prefix = each.prefix.format(person=person, organisation="")
            found.update([info.key async for info in store.list(prefix)])
    return sorted(found)


async def erase_person(
    transaction: Transaction,
    person: UUID,
    declared: Sequence[PersonalData],
    keys: Sequence[str],
    *,
    actor: UUID,
    actor_name: str,
) -> list[ErasedRows]:
    """Delete the person with all that is theirs; returns what there was, place by place.

    Files are deleted after the commit, and again two days later (`poutama.store.deletion`).

    Args:
        transaction: in which all of it happens.
        person: who; may be deleted already.
        declared: the register.
        keys: of the person's files, by `find_stored_keys`.
        actor: who decided it, for the entry that a person was deleted.
        actor_name: their name.

    Raises:
        DatabaseError: the database refused it.
    """
    counted = [each for each in declared if each.path]
    (counts,) = await transaction.fetch(render_counts(counted), person)
    await schedule_deletion(transaction, keys)
    for each in declared:
        if is_deleted_by_statement(each):
            await transaction.execute(render_deletion(each), dumps([str(person)]))
    await transaction.execute(_DELETE_PERSON, person)
    await transaction.execute(_RECORD, actor, actor_name, person)
    return [
        ErasedRows(f"{each.table}.{each.path}", rows, each.erasure)
        for each, rows in zip(counted, counts, strict=True)
        if rows
    ]


def is_deleted_by_statement(declared: PersonalData) -> bool:
    """Whether no foreign key deletes the rows with their person."""
    return declared.erasure is Erasure.DELETE and declared.table != "person"


def render_deletion(declared: PersonalData) -> str:
    """The statement that deletes what a feature keeps of the people whose ids are in JSON at $1."""
    table, column = quote_name(declared.table), quote_name(declared.path)
    ids = "SELECT e.id::uuid FROM jsonb_array_elements_text($1::jsonb) AS e (id)"
    return f"DELETE FROM {table} WHERE {column} IN ({ids})"  # noqa: S608  names, quoted


def render_counts(declared: Sequence[PersonalData]) -> str:
    """The statement that counts the rows of the person at $1, a column for each place."""
    counts = (f"({_render_count(each)}) AS count_{n}" for n, each in enumerate(declared, 1))
    return f"SELECT {', '.join(counts)}"


def _render_count(declared: PersonalData) -> str:
    *hops, last = declared.path.split(".")
    joins = [f"{quote_name(declared.table)} AS row_0"]
    for number, column in enumerate(hops):
        # A column on the way is called as the table that it refers to; a test holds it.
        target = quote_name(column.removesuffix("_id"))
        joins.append(
            f"JOIN {target} AS row_{number + 1}"
            f" ON row_{number + 1}.id = row_{number}.{quote_name(column)}"
        )
    return (
        f"SELECT count(*)::int8 FROM {' '.join(joins)}"  # noqa: S608  names, quoted
        f" WHERE row_{len(hops)}.{quote_name(last)} = $1::uuid"
    )
