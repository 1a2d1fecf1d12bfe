"""What ends when a student leaves, however that comes about, and stays ended when they return."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore
from tests.db.notices import shown
from tests.db.roster_importer import Importer
from tests.db.sample_people import fill
from tests.db.sessions import soon
from tests.db.tasks import run_task
from tests.db.test_access import (
    ACCEPT,
    ADMIN,
    CAREGIVER,
    CHILD,
    CONFIRM,
    END,
    JOIN,
    MANAGER,
    MENTOR,
    OPEN,
    STUDENT,
    list_access,
    reads_goals,
)
from tests.features.record import Caller
from tests.features.sample import JOIN_CODE, id_of
from tests.golden.engine_client import EngineClient
from tests.unit.features.rosters import classes, enrolments, roster_of, user

CARE = str(id_of("caregiver's"))
LEAVE = "update membership set ends_at = now() - interval '1 minute' where id = $1"
# Accepted long ago, and with another end.
OTHER = """
update membership set accepted_at = begins_at, ends_at = now() + $2::int8 * interval '1 minute'
where id = $1
"""


@pytest_asyncio.fixture
async def school(client: EngineClient, engine_database: Database) -> EngineClient:
    await fill(engine_database)
    settings, computed = Settings(rendering=client.rendering), load_features().computed
    client.engine = Engine(
        load_model(), engine_database, settings, client.procedures, computed=lambda _: computed
    )
    return client


async def write(school: EngineClient, statement: str, *values: object) -> None:
    await school.database.write(statement, values, deadline=soon())


async def join(school: EngineClient) -> None:
    """The student joins the group again; who removed them has no say here."""
    joined = (await school.ask(JOIN, STUDENT, code=JOIN_CODE))["joinGroup"]["membership"]["id"]
    await school.ask(ACCEPT, STUDENT, **await shown(school, joined))
    await write(school, "update membership set confirmed = true where id = $1", joined)
    assert await reads_goals(school, MENTOR)


async def list_reasons(school: EngineClient) -> set[str]:
    return {each["reason"] for each in await list_access(school, STUDENT)}


async def test_a_caregiver_of_a_student_who_left_and_returns_is_confirmed_again(
    school: EngineClient,
) -> None:
    assert await reads_goals(school, CAREGIVER)
    await school.ask(END, STUDENT, id=str(id_of("student's")))
    assert not await reads_goals(school, CAREGIVER)
    await join(school)
    assert not await reads_goals(school, CAREGIVER)
    await school.ask(CONFIRM, STUDENT, id=CARE)
    assert await reads_goals(school, CAREGIVER)


@pytest.mark.parametrize(("other_ends", "left"), [(-2, True), (9, False), (None, False)])
async def test_a_caregiver_of_a_student_whose_membership_ran_out_is_confirmed_again(
    school: EngineClient, tmp_path: Path, *, other_ends: int | None, left: bool
) -> None:
    """At once, and only if no other membership lasted on; the schedule marks who waits."""
    await write(school, LEAVE, id_of("student's"))
    await write(school, OTHER, id_of("student's, not accepted"), other_ends)
    await join(school)
    assert await reads_goals(school, CAREGIVER) != left
    assert ("CAREGIVER" in await list_reasons(school)) != left
    store = DirectoryStore(tmp_path, b"s" * 32)
    assert await run_task("let_caregivers_wait", school.database, store) == left
    confirmed = await school.ask(CONFIRM, STUDENT, id=CARE)
    assert confirmed["confirmMembership"]["membership"]["confirmed"]
    assert await reads_goals(school, CAREGIVER)
    assert await run_task("let_caregivers_wait", school.database, store) == 0


async def test_a_child_confirms_a_caregiver_again_whom_the_schedule_has_not_marked(
    school: EngineClient,
) -> None:
    await write(school, LEAVE, id_of("student's"))
    await join(school)
    assert not await reads_goals(school, CAREGIVER)
    await school.ask(CONFIRM, STUDENT, id=CARE)
    assert await reads_goals(school, CAREGIVER)


async def test_a_record_that_was_opened_ends_when_the_student_leaves(school: EngineClient) -> None:
    await school.ask(OPEN, MANAGER, id=CHILD)
    assert await reads_goals(school, MANAGER)
    await school.ask(END, STUDENT, id=str(id_of("student's")))
    await join(school)
    assert not await reads_goals(school, MANAGER)
    # One other administrator has opened it long before.
    assert "OPENED_RECORD" not in await list_reasons(school)
    await school.ask(OPEN, MANAGER, id=CHILD)
    assert await reads_goals(school, MANAGER)


async def test_a_student_who_had_to_wait_for_a_while_was_away(school: EngineClient) -> None:
    """No membership ended: the one that admitted them was confirmed by who is removed."""
    await write(
        school,
        "update membership set confirmed_at = begins_at, confirmed_by_id = $2 where id = $1",
        *(id_of("student's"), id_of(Caller.MENTOR)),
    )
    await school.ask(OPEN, MANAGER, id=CHILD)
    assert await reads_goals(school, CAREGIVER)
    assert await reads_goals(school, MANAGER)
    await school.ask(END, ADMIN, id=str(id_of("mentor's")), all=True)
    assert not await reads_goals(school, CAREGIVER)
    await school.ask(CONFIRM, MANAGER, id=str(id_of("student's")))
    assert not await reads_goals(school, CAREGIVER)
    assert not await reads_goals(school, MANAGER)
    assert not {"CAREGIVER", "OPENED_RECORD"} & await list_reasons(school)
    await school.ask(CONFIRM, MANAGER, id=CARE)
    assert await reads_goals(school, CAREGIVER)


async def test_a_caregiver_who_waits_for_two_reasons_is_marked_once(school: EngineClient) -> None:
    """Who is removed had offered the student's membership and confirmed the caregiver."""
    granted = "update membership set granted_by_id = $2 where id = $1"
    await write(school, granted, id_of("student's"), id_of(Caller.MENTOR))
    confirmed = "update membership set confirmed_by_id = $2 where id = $1"
    await write(school, confirmed, UUID(CARE), id_of(Caller.MENTOR))
    read = "select version::int8 as version, confirmed from membership where id = $1"
    (before,) = await school.database.read(read, [UUID(CARE)], deadline=soon())
    ended = await school.ask(END, ADMIN, id=str(id_of("mentor's")), all=True)
    (after,) = await school.database.read(read, [UUID(CARE)], deadline=soon())
    assert ended["endMembership"]["endedGrants"] >= 2
    assert (before["confirmed"], after["confirmed"]) == (True, False)
    assert after["version"] == before["version"] + 1


async def test_a_caregiver_is_not_confirmed_while_the_child_is_away(school: EngineClient) -> None:
    await school.ask(END, STUDENT, id=str(id_of("student's")))
    assert await school.refuse(CONFIRM, MANAGER, id=CARE) == "CONFLICT"
    # Nor does what was confirmed then count later.
    confirm = "update membership set confirmed = true, confirmed_at = now() where id = $1"
    await write(school, confirm, UUID(CARE))
    await join(school)
    assert not await reads_goals(school, CAREGIVER)
    assert "CAREGIVER" not in await list_reasons(school)


async def test_a_student_whose_enrolment_begins_later_and_earlier_again_was_away(
    importer: Importer,
) -> None:
    """As school systems renew a year: the row is the same, and its dates are others."""
    today = datetime.now(UTC).date()

    async def enrol(days: int) -> None:
        begins = (today + timedelta(days=days)).isoformat()
        await importer.import_(
            roster_of(
                {
                    "classes": classes(("c1", "Art")),
                    "users": [user("u1", "The Student", email="the-student@school.example")],
                    "enrollments": enrolments(("c1", "u1", "student"), beginDate=begins),
                }
            )
        )

    async def reads(caller: Caller) -> bool:
        found: Any = await importer.ask(
            "query ($id: UUID!) { person(personId: $id) { goals { id } } }", caller, id=CHILD
        )
        return bool(found and found["goals"])

    await enrol(-20)
    await importer.write("update membership set ends_at = now() where id = $1", id_of("student's"))
    await enrol(-2)
    assert await reads(Caller.CAREGIVER)
    for days, there in ((60, False), (-1, True), (-30, True)):
        await enrol(days)
        assert not await reads(Caller.CAREGIVER)
        studies: Any = await importer.ask(
            "query { me { memberships(filter: { role: { eq: STUDENT }, source: { eq: ROSTER } })"
            " { beginsAt } } }",
            Caller.STUDENT,
        )
        (study,) = studies["memberships"]
        assert (datetime.fromisoformat(study["beginsAt"]) <= datetime.now(UTC)) == there


@pytest.mark.parametrize("moved", [True, False])
async def test_a_roster_that_drops_a_student_ends_what_their_caregivers_see(
    importer: Importer, *, moved: bool
) -> None:
    """Not one that moves the student to another class."""

    def listed(*class_: str) -> bytes:
        return roster_of({
            "classes": classes(("c1", "Art"), ("c2", "Music")),
            "users": [user("u1", "The Student", email="the-student@school.example")],
            "enrollments": enrolments(*((each, "u1", "student") for each in class_)),
        })  # fmt: skip

    async def reads(caller: Caller) -> bool:
        found: Any = await importer.ask(
            "query ($id: UUID!) { person(personId: $id) { goals { id } } }", caller, id=CHILD
        )
        return bool(found and found["goals"])

    await importer.import_(listed("c1"))
    await importer.write("update membership set ends_at = now() where id = $1", id_of("student's"))
    assert await reads(Caller.CAREGIVER)
    for classes_ in (("c2",),) if moved else ((), ("c1",)):
        await importer.import_(listed(*classes_))
    assert await reads(Caller.CAREGIVER) == moved
