"""That a sign-in, or a row of a roster, is a person's is not decided by one adult alone."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any
from uuid import UUID

import pytest

from poutama.errors import ForbiddenError
from poutama.viewer import Viewer
from tests.db.roster_importer import ORGANISATION, Importer, errors
from tests.db.sample_people import COLLEAGUE
from tests.db.test_addresses import (
    ADDRESS,
    FAR,
    RESOLVE,
    conflicts,
    school,
    sees,
    send,
    sign_in,
    write_by_hand,
    write_privately,
)
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient
from tests.unit.features.rosters import user

SAME, OTHER = "SAME_PERSON", "DIFFERENT_PEOPLE"
NAMED = """query ($id: UUID!) { addressConflict(conflictId: $id) {
  proposal proposedBy { name } proposedAt decision decidedBy { name } decidedAt } }"""
ADMIN, MANAGER = Viewer(id_of(Caller.ADMIN)), Viewer(id_of(Caller.MANAGER))
SECOND = Viewer(id_of(COLLEAGUE))


async def claim(importer: Importer) -> str:
    """A student with a private goal, whose address another account claims; returns the conflict."""
    await write_by_hand(importer)
    with pytest.raises(ForbiddenError):
        await sign_in(importer, ADDRESS, "made by the administrator")
    (conflict,) = await conflicts(importer)
    return str(conflict["id"])


async def find_version(importer: Importer, conflict: str) -> int:
    rows = await importer.rows("SELECT version FROM address_conflict WHERE id = $1", UUID(conflict))
    return int(rows[0]["version"])


async def decide(importer: Importer, viewer: Viewer, conflict: str, decision: str = SAME) -> str:
    """Decide about what the conflict says now."""
    shown = {"id": conflict, "version": await find_version(importer, conflict)}
    answer = await send(importer, RESOLVE, viewer, **shown, decision=decision)
    decided: str = answer["resolveAddressConflict"]["addressConflict"]["decision"]
    return decided


async def test_an_administrator_alone_hands_no_record_to_an_account(importer: Importer) -> None:
    """One who made an address and an account for it read a diary without opening the record."""
    conflict = await claim(importer)
    for _ in range(2):
        assert await decide(importer, ADMIN, conflict) is None
        with pytest.raises(ForbiddenError):
            await sign_in(importer, ADDRESS, "made by the administrator")


@pytest.mark.parametrize("second", [SECOND, MANAGER], ids=["administrator", "manager"])
async def test_two_adults_decide_and_both_are_named(importer: Importer, second: Viewer) -> None:
    conflict = await claim(importer)
    client = EngineClient(importer.database, "json")
    shown = {"id": conflict, "version": 1}
    assert await client.refuse(RESOLVE, MANAGER, **shown, decision=SAME) == "NOT_FOUND"
    assert await conflicts(importer, Caller.MANAGER) == []
    assert await decide(importer, ADMIN, conflict) is None
    assert [each["id"] for each in await conflicts(importer, Caller.MANAGER)] == [conflict]
    shown["version"] = 2
    assert await client.refuse(RESOLVE, MANAGER, **shown, decision=OTHER) == "NOT_FOUND"
    assert await decide(importer, second, conflict) == SAME
    assert await sees(importer, await sign_in(importer, ADDRESS, "made by the administrator"))
    found = (await client.ask(NAMED, ADMIN, id=conflict))["addressConflict"]
    name = "manager" if second is MANAGER else COLLEAGUE
    assert (found["proposedBy"], found["decidedBy"]) == ({"name": "admin"}, {"name": name})
    assert found["proposedAt"] <= found["decidedAt"]


async def test_one_adult_decides_that_they_are_different(importer: Importer) -> None:
    conflict = await claim(importer)
    assert await decide(importer, ADMIN, conflict) is None
    assert await decide(importer, ADMIN, conflict, OTHER) == OTHER


RENAMED = user("u77", "Someone Else", email=ADDRESS)


async def claim_by_a_row(importer: Importer) -> dict[str, Any]:
    """A row of the name of the student whose address it claims; an administrator proposes so."""
    await write_privately(importer, leaves=False)
    await importer.check(school(user("u77", "Stu One", email=ADDRESS)))
    (found,) = await conflicts(importer)
    assert (found["personName"], found["claimedName"]) == ("Stu One", "Stu One")
    assert await decide(importer, ADMIN, found["id"]) is None
    (shown,) = await conflicts(importer, Caller.MANAGER)
    return dict(shown)


async def test_what_was_decided_of_a_claim_does_not_count_for_another(importer: Importer) -> None:
    """A second adult confirmed of a row what it no longer was; the diary went to another child."""
    shown = await claim_by_a_row(importer)
    await importer.check(school(RENAMED))
    (now,) = await conflicts(importer)
    assert (now["claimedName"], now["proposal"]) == ("Someone Else", None)
    client, read = EngineClient(importer.database, "json"), {"id": shown["id"], "decision": SAME}
    assert await client.refuse(RESOLVE, MANAGER, **read, version=shown["version"]) == "NOT_FOUND"
    # Proposed once more, what the manager had read is still not what there is.
    assert await decide(importer, ADMIN, shown["id"]) is None
    assert await client.refuse(RESOLVE, MANAGER, **read, version=shown["version"]) == "CONFLICT"


async def test_a_row_that_changes_after_the_decision_is_decided_about_anew(
    importer: Importer,
) -> None:
    shown = await claim_by_a_row(importer)
    assert await decide(importer, MANAGER, shown["id"]) == SAME
    applied = await importer.import_(school(RENAMED))
    assert ("users.csv", 3, "email", "TAKEN") in errors(applied)
    (now,) = await conflicts(importer)
    assert (now["claimedName"], now["decision"], now["proposal"]) == ("Someone Else", None, None)
    (person,) = await importer.rows("SELECT name FROM person WHERE email = $1", ADDRESS)
    assert person["name"] == "Stu One"


STALE = """
INSERT INTO address_conflict
    (id, organisation_id, person_id, email, kind, importer_id, source, claimant, claimed_name)
SELECT gen_random_uuid(), $2, person_id, email, kind, importer_id, source, claimant, 'Someone Else'
FROM address_conflict WHERE id = $1
"""


async def test_a_name_that_only_an_earlier_conflict_has_is_not_decided(importer: Importer) -> None:
    """Another organisation's conflict had kept the name that the row had before."""
    shown = await claim_by_a_row(importer)
    await importer.write(STALE, UUID(shown["id"]), FAR)
    assert await decide(importer, MANAGER, shown["id"]) == SAME
    assert ("users.csv", 3, "email", "TAKEN") in errors(await importer.import_(school(RENAMED)))


async def run(url: str, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from poutama.commands.main import main; main()"),
        *("address-conflicts", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "POUTAMA_DATABASE_URL": url},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_operator_confirms_what_was_listed_and_nothing_else(
    importer: Importer, database_url: str
) -> None:
    """A row got another name, and was proposed again, after the operator had read the list."""
    shown = await claim_by_a_row(importer)
    _, listed = await run(database_url)
    assert listed.count("Stu") == 2
    await importer.check(school(RENAMED))
    assert await decide(importer, ADMIN, shown["id"]) is None
    code, said = await run(database_url, "confirm", shown["id"], str(shown["version"]))
    assert (code, "not what was shown" in " ".join(said.split())) == (1, True)
    (now,) = await conflicts(importer)
    assert (now["decision"], now["proposal"]) == (None, SAME)


async def test_the_operator_is_the_second_of_a_school_with_one_administrator(
    importer: Importer, database_url: str
) -> None:
    conflict = await claim(importer)
    assert (await run(database_url, "confirm", conflict, "1"))[0] == 1
    assert await decide(importer, ADMIN, conflict) is None
    code, listed = await run(database_url)
    assert (code, conflict in listed, ADDRESS in listed) == (0, True, True)
    code, done = await run(database_url, "confirm", conflict, "2")
    # On a busy machine it says before that it waits for the database.
    assert (code, done.splitlines()[-1]) == (0, "confirmed")
    assert await sees(importer, await sign_in(importer, ADDRESS, "made by the administrator"))
    rows = await importer.rows(
        "SELECT proposed_by, decided_by, decision FROM address_conflict"
        " WHERE organisation_id = $1 AND claimant <> 'subject'",
        ORGANISATION,
    )
    assert [tuple(row) for row in rows] == [(ADMIN.person_id, None, SAME)]
