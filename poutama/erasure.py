"""Erasing people: rows by what features declare, files by their keys, and a receipt of it.

Called by retention and by the requests for erasure. It knows tables only through `PersonalData` and
files only through `StoredData`; it does not decide who is erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from json import dumps
from uuid import UUID

from poutama.db.transaction import Transaction
from poutama.personal_data import WITH_THE_PERSON, Erasure, PersonalData, StoredData
from poutama.sql.fragment import quote_name
from poutama.store.deletion import schedule_deletion
from poutama.store.objects import ObjectStore

_DELETE_PEOPLE = """
DELETE FROM person
WHERE id IN (SELECT e.id::uuid FROM jsonb_array_elements_text($1::jsonb) AS e (id))
"""
# Without a subject: no person's log shows it. A restored backup is erased again by these ids.
_RECORD = """
INSERT INTO audit_entry (id, actor_id, actor_name, subject_id, action, kind, row_id, actor_role)
SELECT gen_random_uuid(), $2::uuid, $3::text, NULL::uuid, 'DELETE', 'Person', e.id::uuid,
    CASE WHEN $2::uuid = '00000000-0000-0000-0000-000000000000' THEN 'OPERATOR' END
FROM jsonb_array_elements_text($1::jsonb) AS e (id)
"""
_OUTCOMES = {
    Erasure.CASCADE: "deleted",
    Erasure.DELETE: "deleted",
    Erasure.ANONYMISE: "kept without the person",
    Erasure.SWEEP: "deleted by a task",
    Erasure.KEEP: "kept",
}
"""How a receipt says what became of rows."""
_BACKUPS = "backups: kept until they expire; one that is restored is erased again"


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """How many rows there were in one place of the register; None where they are not counted."""

    declared: PersonalData
    rows: int | None


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What there was of a person: rows, and files; and files that name several people.

    `later` are those files: a task deletes them, by their own retention.
    """

    places: Sequence[ErasedRows]
    files: int
    later: Sequence[StoredData]


async def list_stored_keys(
    store: ObjectStore, declared: Iterable[StoredData], person: UUID
) -> list[str]:
    """The keys of the files in the person's own folders, before the transaction that erases.

    Raises:
        UnavailableError: the store cannot be reached.
    """
    prefixes = {
        each.prefix.format(person=person, organisation="")
        for each in declared
        if "{person}" in each.prefix
    }
    return [info.key for prefix in sorted(prefixes) async for info in store.list(prefix)]


async def erase_person(
    transaction: Transaction,
    person: UUID,
    declared: Sequence[PersonalData],
    stored: Sequence[StoredData],
    keys: Iterable[str],
    *,
    actor: UUID,
    actor_name: str,
) -> ErasedPerson:
    """Delete the person with all that is theirs; returns what there was, place by place.

    Files are deleted after the commit, and again two days later (`poutama.store.deletion`).

    Args:
        transaction: in which all of it happens.
        person: who; may be deleted already.
        declared: the register's tables.
        stored: the register's files.
        keys: of the files in the person's folders, by `list_stored_keys`.
        actor: who decided it, for the entry that a person was deleted.
        actor_name: their name.

    Raises:
        DatabaseError: the database refused it.
    """
    places = await _count(transaction, person, declared)
    found = set(keys)
    for query in {each.keys for each in stored if each.keys}:
        found.update(row["key"] for row in await transaction.fetch(query, person))
    await schedule_deletion(transaction, found)
    await delete_people(transaction, [person], declared, actor=actor, actor_name=actor_name)
    later = [each for each in stored if not each.keys and "{person}" not in each.prefix]
    return ErasedPerson(places, len(found), later)


async def delete_people(
    transaction: Transaction,
    people: Sequence[UUID],
    declared: Iterable[PersonalData],
    *,
    actor: UUID,
    actor_name: str,
) -> None:
    """Delete rows of people as the register has them, with an entry for each person.

    Raises:
        DatabaseError: the database refused it.
    """
    ids = dumps([str(person) for person in people])
    for each in declared:
        if each.erasure is Erasure.DELETE and each.table != "person":
            await transaction.execute(render_deletion(each), ids)
    await transaction.execute(_DELETE_PEOPLE, ids)
    await transaction.execute(_RECORD, ids, actor, actor_name)


def render_receipt(erased: ErasedPerson) -> str:
    """What was erased and what stays, in lines that a person can read.

    An administrator reads it as well: it says nothing of how much there was that they did not see.
    """
    return "\n".join(_receipt_lines(erased))


def _receipt_lines(erased: ErasedPerson) -> Iterator[str]:
    for outcome in dict.fromkeys(_OUTCOMES.values()):
        for place in erased.places:
            if _OUTCOMES[place.declared.erasure] == outcome and place.rows != 0:
                yield _receipt_line(outcome, place)
    for each in erased.later:
        yield f"{_OUTCOMES[Erasure.SWEEP]}: {each.note}, {each.retention}"
    yield "deleted: files in the store, with their older versions"
    yield _BACKUPS


def _receipt_line(outcome: str, place: ErasedRows) -> str:
    declared = place.declared
    note = declared.note if declared.erasure is Erasure.KEEP else declared.note.split(":")[0]
    if place.rows is not None:
        return f"{outcome}: {note} ({place.rows})"
    is_later = declared.erasure is Erasure.SWEEP and declared.retention != WITH_THE_PERSON
    return f"{outcome}: {note}, {declared.retention}" if is_later else f"{outcome}: {note}"


async def _count(
    transaction: Transaction, person: UUID, declared: Sequence[PersonalData]
) -> list[ErasedRows]:
    counted = [each for each in declared if each.counted and (each.path or each.matches)]
    (counts,) = await transaction.fetch(render_counts(counted), person)
    known = [ErasedRows(*each) for each in zip(counted, counts, strict=True)]
    return known + [ErasedRows(each, None) for each in declared if each not in counted]


def render_deletion(declared: PersonalData) -> str:
    """The statement that deletes what a feature keeps of the people whose ids are in JSON at $1."""
    table = quote_name(declared.table)
    ids = "SELECT e.id::uuid FROM jsonb_array_elements_text($1::jsonb) AS e (id)"
    if declared.matches:
        found = f"SELECT 1 FROM person AS p WHERE p.id IN ({ids}) AND ({declared.matches})"  # noqa: S608  declared
        return f"DELETE FROM {table} AS this WHERE EXISTS ({found})"  # noqa: S608  a name, quoted
    column = quote_name(declared.path)
    return f"DELETE FROM {table} WHERE {column} IN ({ids})"  # noqa: S608  names, quoted


def render_counts(declared: Sequence[PersonalData]) -> str:
    """The statement that counts the rows of the person at $1, a column for each place."""
    counts = (f"({_render_count(each)}) AS count_{n}" for n, each in enumerate(declared, 1))
    return f"SELECT {', '.join(counts)}"


def _render_count(declared: PersonalData) -> str:
    if declared.matches:
        return (
            f"SELECT count(*)::int8 FROM {quote_name(declared.table)} AS this"  # noqa: S608  a name
            f" JOIN person AS p ON ({declared.matches}) WHERE p.id = $1::uuid"
        )
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
