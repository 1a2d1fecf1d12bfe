"""Rows that are changed in bulk: versions, moments and audit entries are as of single changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from asyncpg import Record

from poutama.bulk_changes import BulkChange, BulkTable, insert_rows, update_rows
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from tests.db import sample_people
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of

GROUPS = BulkTable(kind="Group", table="learning_group", searchable=("name",))
PEOPLE = BulkTable(kind="Person", table="person", subject="id")
ADMIN = id_of(Caller.ADMIN)
RENAME = """
SELECT p.id, p.name || $1::text AS name FROM person AS p WHERE p.id = $2::uuid OR p.email = $3::text
"""

Apply = Callable[..., Awaitable[None]]


@pytest.fixture
async def apply(engine_database: Database) -> Apply:
    await sample_people.fill(engine_database)

    async def apply(change: BulkChange, actor: UUID | None, *values: object) -> None:
        async def work(transaction: Transaction) -> None:
            await change.apply(transaction, actor, *values, organisation=id_of("organisation"))

        await run_transaction(engine_database, work, deadline=soon(), name="test")

    return apply


async def read(database: Database, statement: str, *values: object) -> list[Record]:
    return list(await database.read(statement, values, deadline=soon()))


async def entries(database: Database) -> list[tuple[object, ...]]:
    rows = await read(
        database,
        "SELECT actor_id, actor_name, subject_id, action, kind, row_id FROM audit_entry"
        " ORDER BY row_id",
    )
    places = await read(database, "SELECT DISTINCT organisation_name FROM audit_entry")
    assert [row[0] for row in places] == ["organisation"] * bool(rows)
    return [tuple(row) for row in rows]


async def test_an_update_grows_versions_and_leaves_an_entry_for_each_row(
    engine_database: Database, apply: Apply
) -> None:
    student, mentor = id_of(Caller.STUDENT), id_of(Caller.MENTOR)
    before = {
        row["id"]: row
        for row in await read(engine_database, "SELECT id, email, name, version FROM person")
    }
    change = update_rows(PEOPLE, ("name",), RENAME)
    await apply(change, ADMIN, "!", student, before[mentor]["email"])
    after = await read(
        engine_database,
        "SELECT id, email, name, version, updated_at > now() - interval '1 minute' AS new"
        " FROM person",
    )
    for row in after:
        former, hit = before[row["id"]], row["id"] in (student, mentor)
        assert row["email"] == former["email"]
        assert row["name"] == former["name"] + ("!" if hit else "")
        assert row["version"] == former["version"] + hit
        assert row["new"] or not hit
    name = before[ADMIN]["name"]
    assert await entries(engine_database) == [
        (ADMIN, name, person, "UPDATE", "Person", person) for person in sorted((student, mentor))
    ]


async def test_an_insert_leaves_out_what_is_there_and_records_the_rest(
    engine_database: Database, apply: Apply
) -> None:
    fresh, organisation = uuid4(), id_of("organisation")
    source = """
SELECT v.id, $1::uuid, 'Āhua', 'ahua' FROM (VALUES ($2::uuid), ($3::uuid)) AS v (id)
"""
    columns = ("id", "organisation_id", "name", "name_search")
    await apply(insert_rows(GROUPS, columns, source), ADMIN, organisation, fresh, id_of("group"))
    rows = await read(engine_database, "SELECT id, version FROM learning_group WHERE name = 'Āhua'")
    assert [tuple(row) for row in rows] == [(fresh, 1)]
    assert [entry[2:] for entry in await entries(engine_database)] == [
        (None, "INSERT", "Group", fresh)
    ]


@pytest.mark.parametrize("audited", [True, False])
async def test_without_an_actor_or_an_audit_rows_change_all_the_same(
    engine_database: Database, apply: Apply, audited: bool
) -> None:
    student = id_of(Caller.STUDENT)
    change = update_rows(PEOPLE, ("name",), RENAME, audited=audited)
    await apply(change, None if audited else ADMIN, "!", student, "")
    (row,) = await read(engine_database, "SELECT name, version FROM person WHERE id = $1", student)
    assert row["name"].endswith("!")
    assert row["version"] == 2
    assert await entries(engine_database) == []


def test_a_searchable_column_needs_its_copy() -> None:
    with pytest.raises(ValueError, match="Group: expected name together with name_search"):
        update_rows(GROUPS, ("name",), "SELECT 1")
    with pytest.raises(ValueError, match="Group: expected name together with name_search"):
        insert_rows(GROUPS, ("id", "name_search"), "SELECT 1")
