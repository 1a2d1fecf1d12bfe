"""A person of a random world is erased by the register: nothing is left but what it keeps."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.erasure import ErasedPerson, erase_person, list_stored_keys
from poutama.features import load_features
from poutama.personal_data import Erasure
from poutama.store.directory import DirectoryStore
from tests.db.sessions import soon
from tests.db.tasks import run_task
from tests.reference.engines import COMMON, Engines, open_engines
from tests.reference.policy import Row, World
from tests.strategies.schools import schools

FEATURES = load_features()
NOW = datetime.now(UTC).replace(microsecond=0)
WORLDS = 12
OTHERS = "people/another/evidence/x/file"
MARK = "ZZ-the-erased"
NAME, EMAIL = f"{MARK} Name", f"{MARK.lower()}@school.example"
TEXTS = {
    "Goal": ("title", "information"),
    "GoalTask": ("information",),
    "GoalNote": ("information",),
    "Evidence": ("title", "altText", "fileName"),
    "Membership": ("invitedName", "invitedEmail", "applicantName"),
    "Consent": ("notice",),
    "Job": ("failure",),
    "JobRowError": ("message",),
    "OpenedRecord": ("reason",),
    "PrivacyRequest": ("note",),
}
"""Type -> the texts in the rows of a person that are the person's."""
PARENTS = {
    "GoalTask": ("Goal", "goalId"),
    "GoalNote": ("Goal", "goalId"),
    "Evidence": ("Goal", "goalId"),
    "JobRowError": ("Job", "jobId"),
}
NAMES = {"AuditEntry": ("actorId", "actorName"), "OpenedRecord": ("openerId", "openerName")}
"""Type -> where an actor's id is, and their name beside it."""
PLACE = "(SELECT id FROM organisation ORDER BY id LIMIT 1)"
IMPORT = "'00000000-0000-0000-0000-0000000000aa'::uuid"
BESIDES = (
    "INSERT INTO identity (issuer, subject, person_id) VALUES ('i', $2::text, $1::uuid)",
    "INSERT INTO idempotency_key (person_id, key, fingerprint, expires_at)"
    " VALUES ($1::uuid, 'k', $2::text, now())",
    "INSERT INTO person_budget (person_id, level, granted, settled_at)"
    " SELECT id, 1, true, now() FROM person WHERE id = $1::uuid AND email = $2::text",
    "INSERT INTO evidence_usage (id, person_id, bytes, files)"
    " SELECT id, id, 1, 1 FROM person WHERE id = $1::uuid AND email = $2::text",
    "INSERT INTO export_folder (folder, job_id)"
    " SELECT 'people/' || id || '/exports/x', gen_random_uuid() FROM person"
    " WHERE id = $1::uuid AND email = $2::text ON CONFLICT DO NOTHING",
    "UPDATE consent SET given_by_id = $1::uuid, withdrawn_by_id = $1::uuid"
    " WHERE $2::text <> '' AND id ="
    " (SELECT id FROM consent WHERE person_id <> $1::uuid ORDER BY id LIMIT 1)",
    "UPDATE membership SET granted_by_id = $1::uuid, confirmed_by_id = $1::uuid,"
    " ended_by_id = $1::uuid, enrolled_by_id = $1::uuid WHERE $2::text <> '' AND id ="
    " (SELECT id FROM membership WHERE person_id <> $1::uuid ORDER BY id LIMIT 1)",
    "INSERT INTO address_conflict (id, organisation_id, person_id, email, kind, source, claimant,"
    f" decided_by) SELECT gen_random_uuid(), {PLACE}, id, $2::text, 'ROSTER', 'r', 'u', $1::uuid"
    " FROM person WHERE id <> $1::uuid LIMIT 1",
    "INSERT INTO membership (id, organisation_id, role, source, invited_name, invited_email)"
    f" SELECT gen_random_uuid(), {PLACE}, 'ADMIN', 'INVITED', $2::text, $2::text FROM person"
    " WHERE id = $1::uuid",
    "INSERT INTO account_code (id, organisation_id, person_id, digest, expires_at, made_by_id)"
    f" SELECT gen_random_uuid(), {PLACE}, $1::uuid, md5('of' || id::text || $2::text),"
    " now(), id FROM person WHERE id <> $1::uuid LIMIT 1",
    "INSERT INTO account_code (id, organisation_id, person_id, digest, expires_at, made_by_id)"
    f" SELECT gen_random_uuid(), {PLACE}, id, md5('by' || id::text || $2::text),"
    " now(), $1::uuid FROM person WHERE id <> $1::uuid LIMIT 1",
    "INSERT INTO invitation_report (id, organisation_id, reporter_id, role, reason)"
    f" SELECT gen_random_uuid(), {PLACE}, id, 'ADMIN', $2::text FROM person WHERE id = $1::uuid",
    "INSERT INTO invitation_report (id, organisation_id, reporter_id, inviter_id, role, reason)"
    f" SELECT gen_random_uuid(), {PLACE}, id, $1::uuid, 'ADMIN', '' FROM person"
    " WHERE id <> $1::uuid AND $2::text <> '' LIMIT 1",
    "INSERT INTO address_conflict (id, organisation_id, person_id, email, kind, source, claimant,"
    f" claimed_name) SELECT gen_random_uuid(), {PLACE}, id, $2::text, 'ROSTER', 'i', $2::text,"
    " $2::text FROM person WHERE id <> $1::uuid LIMIT 1",
    "INSERT INTO address_conflict (id, organisation_id, person_id, email, kind, source, claimant,"
    f" decided_by) SELECT gen_random_uuid(), {PLACE}, id, 'another', 'ROSTER', 'j', 'x', $1::uuid"
    " FROM person WHERE id <> $1::uuid AND $2::text <> '' LIMIT 1",
    "INSERT INTO roster_import (id, organisation_id, actor_id, name, media_type, bytes, sha256,"
    f" object_key, managers) SELECT {IMPORT}, {PLACE}, $1::uuid, 'r', '', 1, '', 'key', false"
    " FROM person WHERE id = $1::uuid AND email = $2::text",
    "INSERT INTO roster_person (organisation_id, sourced_id, person_id, hash, made)"
    f" VALUES ({PLACE}, $2::text, $1::uuid, '', true)",
    "INSERT INTO roster_membership (organisation_id, kind, sourced_id, membership_id, class_id,"
    " user_id, hash) SELECT organisation_id, 'USER', $2::text, id, '', $2::text, ''"
    " FROM membership WHERE person_id = $1::uuid ORDER BY id LIMIT 1",
    "INSERT INTO roster_staged_person (import_id, sourced_id, place, line, hash, refused, removed,"
    " name, email, in_family, used)"
    f" SELECT {IMPORT}, $2::text, 1, 1, '', false, false, $2::text, upper($2::text), false, true"
    " FROM person WHERE id = $1::uuid",
    "INSERT INTO roster_staged_membership (import_id, sourced_id, place, line, hash, refused,"
    f" removed, kind, class_id, user_id, role, person_id) VALUES ({IMPORT}, $2::text, 1, 1, '',"
    " false, false, 'USER', '', $2::text, '', $1::uuid)",
)
"""Rows in tables that no world has, of the person at $1 with the address at $2."""
LATER = (
    "UPDATE roster_import SET updated_at = now() - interval '40 days'",
    "UPDATE export_folder SET created_at = now() - interval '40 days'",
    "UPDATE doomed_object SET due_at = due_at - interval '3 days'",
)
TABLES = """
SELECT table_name, string_agg(column_name, ' ') AS columns
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY table_name
"""
KEPT = {
    (each.table, column)
    for each in FEATURES.personal_data
    if each.erasure is Erasure.KEEP
    for column in (*each.columns, each.path)
}


@pytest.fixture(scope="module")
def engines(database_url: str) -> Iterator[Engines]:
    with open_engines(database_url) as engines:
        yield engines


def test_nothing_is_left_of_an_erased_person(engines: Engines, tmp_path: Path) -> None:
    tally: Counter[str] = Counter()
    store = DirectoryStore(tmp_path / "store", b"secret")

    @settings(COMMON, phases=[Phase.generate], max_examples=WORLDS, derandomize=True)
    @given(schools(NOW), st.integers(0, 100))
    def in_world(world: World, number: int) -> None:
        person = world["Person"][number % len(world["Person"])]["id"]
        stems = mark_rows(world, person)
        engines.fill(world)
        erased = engines.runner.run(erase(engines.database, store, person, stems))
        tally.update(each.declared.where for each in erased.places if each.rows)
        assert erased.files == 3 * len(stems) + 1
        left = engines.runner.run(find_traces(engines.database, store, person))
        assert left - KEPT == set()
        after = engines.read(world)
        for kind in ("Person", "Goal", "Organisation"):
            stay = {row["id"] for row in world[kind]} - {person}
            of_person = {row["id"] for row in world[kind] if row.get("personId") == person}
            assert {row["id"] for row in after[kind]} == stay - of_person

    in_world()
    found = [each for each in FEATURES.personal_data if each.path or each.matches]
    never = {each.where for each in found if each.counted} - {*tally}
    assert never == set(), "put rows of this place into the worlds, or into BESIDES"


def mark_rows(world: World, person: UUID) -> list[str]:
    """Put the mark into all texts of the person; returns the stems of their files."""
    owners = {
        kind: {row["id"]: row.get("personId") for row in world[kind]} for kind in ("Goal", "Job")
    }
    for kind, names in TEXTS.items():
        parent, key = PARENTS.get(kind, ("", "personId"))
        for row in world[kind]:
            owner = owners[parent].get(row[key]) if parent else row[key]
            if owner == person:
                row |= {name: f"{MARK} {name}" for name in names}
    for kind, (key, name) in NAMES.items():
        for row in world[kind]:
            if row[key] == person:
                row[name] = NAME
    for row in world["Person"]:
        if row["id"] == person:
            row |= {"name": NAME, "email": EMAIL}
    mine = [row for row in world["Evidence"] if owners["Goal"].get(row["goalId"]) == person]
    # Older files stand under their person.
    folders = ("evidence", f"people/{person}/evidence")
    return [_move_evidence(row, f"{folders[n % 2]}/{uuid4()}") for n, row in enumerate(mine)]


def _move_evidence(row: Row, stem: str) -> str:
    row["stem"] = stem
    for name, part in (("uploadKey", "upload"), ("objectKey", "file"), ("thumbnailKey", "thumb")):
        if row[name]:
            row[name] = f"{stem}/{part}"
    return stem


async def erase(
    database: Database, store: DirectoryStore, person: UUID, stems: list[str]
) -> ErasedPerson:
    """Erase the person, and run the tasks that the register names."""
    for statement in BESIDES:
        await database.write(statement, (person, EMAIL), deadline=soon())
    for key in (*(f"{stem}/file" for stem in stems), f"people/{person}/exports/x/a.zip", OTHERS):
        await store.put(key, MARK.encode(), media_type="text/plain")
    keys = await list_stored_keys(store, FEATURES.stored_data, person)
    assert OTHERS not in keys

    async def work(transaction: Transaction) -> ErasedPerson:
        return await erase_person(
            transaction,
            person,
            FEATURES.personal_data,
            FEATURES.stored_data,
            keys,
            actor=UUID(int=0),
            actor_name="a test",
        )

    erased = await run_transaction(database, work, deadline=soon())
    notes = " ".join(each.note for each in FEATURES.personal_data if each.erasure is Erasure.SWEEP)
    for task in dict.fromkeys(re.findall(r"`(\w+)`", notes)):
        for statement in LATER:
            await database.write(statement, deadline=soon())
        await run_task(task, database, store)
    await database.write(LATER[-1], deadline=soon())
    await run_task("delete_scheduled_objects", database, store)
    return erased


async def find_traces(
    database: Database, store: DirectoryStore, person: UUID
) -> set[tuple[str, str]]:
    """The columns and files that have the person's id, or a text with the mark."""
    files = [info.key async for info in store.list("")]
    assert files == [OTHERS]
    found: set[tuple[str, str]] = set()
    for table in await database.read(TABLES, deadline=soon()):
        rows = await database.read(
            f'SELECT to_jsonb(this)::text AS row FROM "{table["table_name"]}" AS this'
            " WHERE this::text ILIKE ANY ($1::text[])",
            [[f"%{person}%", f"%{MARK}%"]],
            deadline=soon(),
        )
        for row in rows:
            values: dict[str, Any] = json.loads(row["row"])
            found |= {
                (table["table_name"], column)
                for column, value in values.items()
                if str(person) in str(value).lower() or MARK.lower() in str(value).lower()
            }
    return found
