"""Retention: who left long ago goes with all that is theirs, and no other person does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from poutama.db.connection import Database
from poutama.features import load_features
from poutama.features.retention.retention import ACTOR, purge_departed_people
from poutama.store.deletion import delete_scheduled_objects
from poutama.store.directory import DirectoryStore
from tests.db.sample_people import fill, snapshot
from tests.db.sessions import soon
from tests.db.tasks import run_task
from tests.features.record import Caller
from tests.features.sample import id_of

DECLARED = load_features().personal_data
DAYS = 730
"""How long both organisations keep data."""
TABLES_OF_A_PERSON = (
    ("goal", "person_id"), ("membership", "person_id"), ("identity", "person_id"),
    ("job", "person_id"), ("reminder", "person_id"), ("person_budget", "person_id"),
    ("idempotency_key", "person_id"), ("audit_entry", "subject_id"), ("evidence", "uploader_id"),
    ("evidence_usage", "person_id"), ("person", "id"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PastMembership:
    """A membership, in days ago; None for what has not happened."""

    ended: int | None
    accepted: bool = True
    organisation: str = "organisation"
    invited: int = 3000


LONG_AGO = PastMembership(ended=DAYS + 1)
LIVES = {
    "left long ago": ([LONG_AGO], True),
    "left two long ago": (
        [LONG_AGO, PastMembership(DAYS + 9, organisation="other organisation")],
        True,
    ),
    "left and never accepted the other": (
        [LONG_AGO, PastMembership(DAYS + 1, accepted=False)],
        True,
    ),
    "left lately": ([PastMembership(DAYS - 1)], False),
    "left one, belongs to another": (
        [LONG_AGO, PastMembership(None, organisation="other organisation")],
        False,
    ),
    "left one long ago, one lately": ([LONG_AGO, PastMembership(3)], False),
    "left, and is invited by a verified school": (
        [LONG_AGO, PastMembership(None, accepted=False, organisation="verified", invited=89)],
        False,
    ),
    "left, and was invited by a verified school long ago": (
        [LONG_AGO, PastMembership(None, accepted=False, organisation="verified", invited=91)],
        True,
    ),
    "left, and is invited by a stranger": (
        [
            LONG_AGO,
            PastMembership(None, accepted=False, organisation="other organisation", invited=0),
        ],
        True,
    ),
    "left a club that keeps for a day": (
        [PastMembership(2, organisation="club")],
        False,
    ),
    "left such a club not quite a year ago": ([PastMembership(364, organisation="club")], False),
    "left such a club a year ago": ([PastMembership(366, organisation="club")], True),
    "left a school long ago, such a club lately": (
        [LONG_AGO, PastMembership(2, organisation="club")],
        False,
    ),
    "leaves tomorrow": ([PastMembership(-1)], False),
    "was invited lately": (
        [PastMembership(None, accepted=False, organisation="verified", invited=1)],
        False,
    ),
    "never accepted": ([PastMembership(None, accepted=False)], True),
    "declined": ([PastMembership(DAYS + 1, accepted=False)], True),
    "never belonged": ([], True),
}


@pytest.fixture
async def school(engine_database: Database) -> Database:
    await fill(engine_database)
    await engine_database.write(
        "insert into organisation (id, name, name_search, time_zone, region, retention_days,"
        " verified) values ($1, 'Verified', 'verified', 'UTC', '', 730, true)",
        [id_of("verified")],
        deadline=soon(),
    )
    await engine_database.write(
        "insert into organisation (id, name, name_search, time_zone, region, retention_days)"
        " values ($1, 'Club', 'club', 'UTC', '', 1)",
        [id_of("club")],
        deadline=soon(),
    )
    return engine_database


async def add(school: Database, memberships: list[PastMembership], since: int = 3000) -> UUID:
    """A person who belonged like this, known since so many days."""
    person = uuid4()
    await school.write(
        "insert into person (id, email, name, created_at)"
        " values ($1, $2, 'Rua', now() - $3::float8 * interval '1 day')",
        [person, f"{person.hex}@school.example", since],
        deadline=soon(),
    )
    for was in memberships:
        await school.write(
            "insert into membership (id, organisation_id, person_id, role, source, begins_at,"
            " accepted_at, ends_at, created_at) values ($1, $2, $3, 'MENTOR_MANAGER', 'INVITED',"
            " now() - interval '3000 days',"
            " case when $4::bool then now() - interval '3000 days' end,"
            " now() - $5::float8 * interval '1 day', now() - $6::float8 * interval '1 day')",
            [uuid4(), id_of(was.organisation), person, was.accepted, was.ended, was.invited],
            deadline=soon(),
        )
    return person


async def is_there(school: Database, person: UUID) -> bool:
    return bool(await school.read("select 1 from person where id = $1", [person], deadline=soon()))


@pytest.mark.parametrize("life", LIVES)
async def test_only_who_left_long_ago_goes(school: Database, life: str) -> None:
    memberships, goes = LIVES[life]
    before = await snapshot(school)
    person = await add(school, memberships)
    assert await purge_departed_people(school, DECLARED, deadline=soon()) == goes
    assert await is_there(school, person) != goes
    if goes:
        kept = [row for row in await snapshot(school) if "retention" not in row]
        assert kept == before
    assert await purge_departed_people(school, DECLARED, deadline=soon()) == 0


SIGN_IN = "insert into identity (issuer, subject, person_id) values ('https://i', $1::text, $2)"


async def test_who_signs_in_stays_without_an_organisation(school: Database) -> None:
    person = await add(school, [PastMembership(None, accepted=False)])
    await school.write(SIGN_IN, ["rua", person], deadline=soon())
    assert await purge_departed_people(school, DECLARED, deadline=soon()) == 0
    assert await is_there(school, person)


async def test_a_new_invitation_is_waited_for(school: Database) -> None:
    person = await add(school, [PastMembership(None, accepted=False, invited=89)], since=89)
    assert await purge_departed_people(school, DECLARED, deadline=soon()) == 0
    assert await is_there(school, person)


async def test_an_organisation_that_keeps_longer_is_waited_for(school: Database) -> None:
    both = [PastMembership(DAYS + 1), PastMembership(DAYS + 1, organisation="other organisation")]
    person = await add(school, both)
    longer = "update organisation set retention_days = 3650 where id = $1"
    await school.write(longer, [id_of("other organisation")], deadline=soon())
    assert await purge_departed_people(school, DECLARED, deadline=soon()) == 0
    assert await is_there(school, person)


async def test_all_go_however_many(school: Database) -> None:
    people = [await add(school, [LONG_AGO]) for _ in range(45)]
    assert await purge_departed_people(school, DECLARED, deadline=soon()) == 45
    entries = await school.read(
        "select row_id, actor_id, action, subject_id from audit_entry where kind = 'Person'",
        deadline=soon(),
    )
    assert {row["row_id"] for row in entries} == set(people)
    assert {tuple(row)[1:] for row in entries} == {(ACTOR, "DELETE", None)}


async def test_without_time_nothing_begins(school: Database) -> None:
    await add(school, [LONG_AGO])
    assert await purge_departed_people(school, DECLARED, deadline=time.monotonic() + 1) == 0


async def test_all_that_is_theirs_goes_and_what_is_others_stays(
    school: Database, tmp_path: Path
) -> None:
    student = id_of(Caller.STUDENT)
    store = DirectoryStore(tmp_path, b"k" * 32)
    await leave(school, student)
    notes = "select count(*)::int8 from goal_note where author_id = $1"
    await school.write(
        "insert into goal (id, person_id, goal_type, title, title_search, information,"
        " information_search, complete) values ($1, $2, 'SPORTS', '', '', '', '', false)",
        [id_of("classmate's goal"), id_of(Caller.CLASSMATE)],
        deadline=soon(),
    )
    await school.write(
        "insert into goal_note (id, goal_id, author_id, information, information_search)"
        " values ($1, $2, $3, 'Ka pai', 'ka pai')",
        [id_of("left note"), id_of("classmate's goal"), student],
        deadline=soon(),
    )
    assert await purge_departed_people(school, DECLARED, deadline=soon()) == 1
    for table, column in TABLES_OF_A_PERSON:
        left = f"select 1 from {table} where {column} = $1"
        assert not await school.read(left, [student], deadline=soon()), table
    stays = "select author_id from goal_note where id = $1"
    rows = await school.read(stays, [id_of("left note")], deadline=soon())
    assert [row["author_id"] for row in rows] == [None]
    assert (await school.read(notes, [student], deadline=soon()))[0][0] == 0
    await run_task("purge_unfinished_uploads", school, store)
    await delete_scheduled_objects(school, store, deadline=soon())
    assert not await school.read("select 1 from evidence", deadline=soon())
    scheduled = await school.read("select key from doomed_object", deadline=soon())
    assert scheduled, "its files are to go, and once more later"


async def leave(school: Database, person: UUID) -> None:
    await school.write(
        "update membership set ends_at = now() - interval '800 days',"
        " accepted_at = now() - interval '900 days' where person_id = $1",
        [person],
        deadline=soon(),
    )
