"""Whatever the database keeps about people is declared, and erased as it is declared to be."""

from __future__ import annotations

import re
from typing import Any, assert_never
from uuid import UUID

import pytest
import pytest_asyncio
from graphql import parse, validate

from poutama.bulk_changes import BulkTable
from poutama.db.connection import Database
from poutama.errors import ConfigurationError
from poutama.features import load_features, load_model
from poutama.features.retention.retention import purge_departed_people
from poutama.features.roster.records import MEMBERSHIPS, PEOPLE
from poutama.personal_data import CORE_PERSONAL_DATA, Erasure, PersonalData
from poutama.schema.audited import AuditedReads
from poutama.schema.model import Entity
from tests.db.sessions import soon

FEATURES = load_features()
DECLARED = FEATURES.personal_data
STRANGER = UUID(int=0)
CASCADES, BECOMES_NULL = "c", "n"
WHAT_CONSENT_RESTS_ON = (
    *("membership", "consent", "audit_entry", "opened_record", "invitation_report"),
    *("privacy_request", "address_conflict", "roster_person"),
)
FOREIGN_KEYS = """
SELECT r.relname AS source, a.attname AS column, f.relname AS target,
    k.confdeltype::text AS rule
FROM pg_constraint AS k JOIN pg_class AS r ON r.oid = k.conrelid
    JOIN pg_class AS f ON f.oid = k.confrelid
    JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
WHERE k.contype = 'f'
"""
COLUMNS = """
SELECT c.table_name, c.column_name, c.data_type
FROM information_schema.columns AS c JOIN information_schema.tables AS t
    USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
"""
FIRST_INDEXED = """
SELECT r.relname AS table_name, a.attname AS column_name
FROM pg_index AS i JOIN pg_class AS r ON r.oid = i.indrelid
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
"""
NAMED_LIKE_PEOPLE = re.compile(
    r"(^|_)(person|actor|subject|author|uploader|opener|decider|granted_by|child|student|mentor|user"
    r"|email|invited|people|caregiver|parent)(_|$)"
)
HOLDS_NAMES = ("uuid", "text", "jsonb")
Keys = dict[tuple[str, str], tuple[str, str]]
"""(table, column) -> (table that it refers to, what happens when that row is deleted)."""


@pytest_asyncio.fixture(scope="module")
async def keys(engine_database: Database) -> Keys:
    rows = await engine_database.read(FOREIGN_KEYS, deadline=soon())
    return {(row["source"], row["column"]): (row["target"], row["rule"]) for row in rows}


def leads_to_person(table: str, keys: Keys, seen: frozenset[str] = frozenset()) -> bool:
    targets = {target for (source, _), (target, _) in keys.items() if source == table}
    return "person" in targets or any(
        leads_to_person(target, keys, seen | {table}) for target in targets - seen - {table}
    )


def test_every_table_from_which_keys_lead_to_a_person_is_declared(keys: Keys) -> None:
    tables = {source for source, _ in keys if leads_to_person(source, keys)}
    # These lead there through the import, or its job, that an administrator asked for.
    about_groups = {"roster_group", "roster_staged_group"} & FEATURES.impersonal_tables
    assert tables - {each.table for each in DECLARED} == about_groups, "declare it in a Feature"


async def test_an_index_finds_what_is_deleted_or_counted(engine_database: Database) -> None:
    rows = await engine_database.read(FIRST_INDEXED, deadline=soon())
    indexed = {(row["table_name"], row["column_name"]) for row in rows}
    found = {
        (each.table, each.path.split(".")[0]) for each in DECLARED if each.path and each.counted
    }
    # It is empty but while an import is under way.
    assert found - indexed == {("roster_staged_membership", "person_id")}


def test_every_key_to_a_person_is_declared(keys: Keys) -> None:
    direct = {source for source, (target, _) in keys.items() if target == "person"}
    assert direct - {(each.table, each.path) for each in DECLARED} == set(), "declare it"


def test_what_consent_rests_on_goes_with_its_person_or_organisation_alone(keys: Keys) -> None:
    with_another = {
        (source, column)
        for (source, column), (target, rule) in keys.items()
        if source in WHAT_CONSENT_RESTS_ON and rule == CASCADES
        if target not in ("person", "organisation")
    }
    assert with_another == set()


@pytest.mark.parametrize("entity", load_model().entities.values(), ids=lambda each: each.name)
def test_every_key_to_a_person_is_what_the_audit_declares(entity: Entity, keys: Keys) -> None:
    """Whom a row tells of, or who wrote it: `@audited(also:)` or `(by:)`."""
    audit, table = entity.audit, entity.base or entity.table
    named = set() if audit is None else {audit.person, *audit.also, *audit.by}
    silent = audit is None or audit.reads is AuditedReads.NONE
    found = {
        column for (source, column), (to, _) in keys.items() if (source, to) == (table, "person")
    }
    assert silent or found - named == set()


@pytest.mark.parametrize("table", [PEOPLE, MEMBERSHIPS], ids=lambda each: each.kind)
def test_changes_in_bulk_are_about_whom_the_type_is_about(table: BulkTable) -> None:
    audit = load_model().entities[table.kind].audit
    assert audit is not None
    assert (table.subject, table.also) == (audit.person, audit.also)


async def test_every_column_named_like_people_is_declared(
    engine_database: Database,
) -> None:
    rows = await engine_database.read(COLUMNS, deadline=soon())
    found = {
        (row["table_name"], row["column_name"])
        for row in rows
        if NAMED_LIKE_PEOPLE.search(row["column_name"]) and row["data_type"] in HOLDS_NAMES
    }
    assert len(found) > 20
    assert found - declared_columns() == set(), "declare it in a Feature"


async def test_every_declared_column_is_there(engine_database: Database) -> None:
    rows = await engine_database.read(COLUMNS, deadline=soon())
    assert declared_columns() <= {(row["table_name"], row["column_name"]) for row in rows}


def declared_columns() -> set[tuple[str, str]]:
    """The columns that the register says lead to a person, or name one."""
    return {
        (each.table, column)
        for each in DECLARED
        for column in (*each.columns, *([each.path.split(".")[0]] if each.path else []))
    }


def test_the_register_says_where_a_person_gets_their_data() -> None:
    unsaid = [each.where for each in DECLARED if not each.export]
    unsaid += [each.prefix for each in FEATURES.stored_data if not each.export]
    assert unsaid == [], "say `export`: the part of the export, the field, or `no: ` and why"


@pytest.mark.parametrize("declared", DECLARED, ids=lambda each: f"{each.table}.{each.path}")
def test_the_database_does_what_is_declared(declared: PersonalData, keys: Keys) -> None:
    hops: list[tuple[str, str]] = []
    table = declared.table
    is_key = declared.path not in ("", "id") and declared.erasure not in (
        Erasure.KEEP,
        Erasure.DELETE,
    )
    for column in declared.path.split(".") if is_key else ():
        table, rule = keys[table, column]
        assert table in (column.removesuffix("_id"), "person"), "erasure joins by the column's name"
        hops.append((table, rule))
    match declared.erasure:
        case Erasure.CASCADE:
            assert hops[-1][0] == "person"
            assert {rule for _, rule in hops} == {CASCADES}
        case Erasure.ANONYMISE:
            assert hops == [("person", BECOMES_NULL)]
        case Erasure.DELETE:
            assert hops == []
            assert declared.path == "id" or (declared.table, declared.path) not in keys
        case Erasure.SWEEP:
            (task,) = re.findall(r"`(\w+)`", declared.note)
            assert task in FEATURES.tasks
        case Erasure.KEEP:
            assert keys.get((declared.table, declared.path), ("", BECOMES_NULL))[1] == BECOMES_NULL
            assert ":" in declared.note, "say why, and for how long"
        case _:
            assert_never(declared.erasure)


async def test_every_table_is_declared_once_with_or_without_people(
    engine_database: Database,
) -> None:
    rows = await engine_database.read(COLUMNS, deadline=soon())
    tables = {row["table_name"] for row in rows} - {"alembic_version"}
    about_people = {each.table for each in DECLARED}
    assert not about_people & FEATURES.impersonal_tables
    assert tables - about_people - FEATURES.impersonal_tables == set(), (
        "declare it in a Feature: personal_data, or impersonal_tables"
    )


@pytest.mark.parametrize(
    ("key", "is_covered"),
    [
        (f"{STRANGER}/evidence/x/file", True),
        (f"people/{STRANGER}/evidence/x/file", True),
        (f"people/{STRANGER}/exports/x/journey.zip", True),
        (f"{STRANGER}/roster/x", True),
        (f"people/{STRANGER}/diary/x", False),
        ("evidence/x/file", True),
        ("diary/x", False),
        (f"x/people/{STRANGER}/exports/x", False),
    ],
)
def test_a_file_is_declared_by_how_its_key_begins(key: str, is_covered: bool) -> None:
    assert any(each.covers(key) for each in FEATURES.stored_data) == is_covered


def test_what_an_export_has_is_what_it_is_declared_to_have() -> None:
    parts = [each.export for each in DECLARED] + [each.export for each in FEATURES.stored_data]
    named = " ".join(parts)
    assert set(re.findall(r"`(\w+)`", named)) == set(FEATURES.exports)


@pytest.mark.parametrize("declared", DECLARED, ids=lambda each: f"{each.table}.{each.path}")
def test_a_field_that_is_said_to_have_the_data_can_be_asked_for(declared: PersonalData) -> None:
    for query in re.findall(r"`([^`]*\{[^`]*)`", declared.export):
        text = query.removeprefix("query ")
        text = text if text.startswith("{") else f"{{ {text} }}"
        text = text.replace("job {", f'job(jobId: "{STRANGER}") {{')
        text = re.sub(r"(\w+) \}", r"\1 BODY }", text, count=1)
        errors = [
            validate(load_model().schema, parse(text.replace("BODY", body)))
            for body in ("", "{ __typename }")
        ]
        assert [] in errors, errors


def test_nothing_is_declared_twice() -> None:
    declared = [(each.table, each.path) for each in DECLARED]
    assert len(declared) == len(set(declared))


@pytest.mark.parametrize("path", ["", "goal_id.person_id"])
def test_what_erasure_cannot_delete_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="personal data in 'diary': path: expected the"):
        PersonalData(table="diary", path=path, erasure=Erasure.DELETE, note="")


def test_what_is_not_deleted_by_a_statement_is_not_matched() -> None:
    with pytest.raises(ConfigurationError, match="personal data in 'diary': matches: expected"):
        PersonalData(table="diary", matches="true", erasure=Erasure.KEEP, note="")


@pytest.mark.parametrize(
    "found",
    [
        {"path": "whose id"},
        {"matches": "this.\"whose id\" = p.id AND p.email = 'a@d.example'"},
    ],
    ids=lambda each: next(iter(each)),
)
async def test_what_no_key_reaches_is_deleted(
    engine_database: Database, found: dict[str, Any]
) -> None:
    gone, stays = UUID(int=0xD1A47), UUID(int=0xD1A48)
    organisation = UUID(int=0xD1A49)
    for statement, values in (
        ('CREATE TABLE "a diary" ("whose id" uuid, text text)', ()),
        ('INSERT INTO "a diary" VALUES ($1::uuid, \'his\'), ($2::uuid, \'hers\')', (gone, stays)),
        ("INSERT INTO organisation (id, name, name_search, time_zone, region, retention_days,"
         " verified) VALUES ($1::uuid, 'A', 'a', 'UTC', '', 30, true)", (organisation,)),
        ("INSERT INTO person (id, email, name) VALUES ($1::uuid, 'a@d.example', 'A')", (gone,)),
        ("INSERT INTO membership (id, organisation_id, person_id, role, source, begins_at, ends_at,"
         " accepted_at) VALUES (gen_random_uuid(), $1::uuid, $2::uuid, 'ADMIN', 'INVITED',"
         " now() - interval '90 days', now() - interval '31 days', now())", (organisation, gone)),
    ):  # fmt: skip
        await engine_database.write(statement, values, deadline=soon())
    declared = PersonalData(
        table="a diary", erasure=Erasure.DELETE, note="what they thought", **found
    )
    try:
        assert (
            await purge_departed_people(
                engine_database, [*CORE_PERSONAL_DATA, declared], deadline=soon()
            )
            >= 1
        )
        rows = await engine_database.read('SELECT text FROM "a diary"', deadline=soon())
        assert [row["text"] for row in rows] == ["hers"]
    finally:
        await engine_database.write('DROP TABLE "a diary"', deadline=soon())
        await engine_database.write(
            "DELETE FROM organisation WHERE id = $1::uuid", (organisation,), deadline=soon()
        )
