"""`poutama organisations`, as it is typed; and that the demo school is verified."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

import pytest

from poutama.commands.organisations import describe_verified
from poutama.db.connection import Database
from poutama.demo.loader import make_demo
from poutama.errors import BadUserInputError
from poutama.features.roster.organisation_verification import (
    confirm_adult,
    list_organisations,
    normalize_domain,
    verify_organisations,
)
from poutama.settings import Settings
from tests.db import sample_people
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of

PROGRAM = "from poutama.commands.main import main; main()"
WAITING = "poutama: waiting for the database"
ORGANISATION = str(id_of("organisation"))


async def organisations(url: str, *words: str) -> tuple[int, str]:
    """Exit code and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "organisations", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "POUTAMA_DATABASE_URL": url},
    )
    output, _ = await process.communicate()
    # On a busy machine, the command waits for the database, and says so first.
    lines = output.decode().splitlines(keepends=True)
    return process.returncode or 0, "".join(x for x in lines if not x.startswith(WAITING))


async def verified(database: Database) -> set[str]:
    rows = await list_organisations(database, deadline=soon())
    return {str(row["id"]) for row in rows if row["verified"]}


async def count_read_by_the_school(database: Database) -> tuple[int, int]:
    """How many open requests of its people, and how many opened records, it still has."""
    rows = await database.read(
        "SELECT (SELECT count(*) FROM privacy_request WHERE organisation_id = $1"
        " AND state = 'OPEN'), (SELECT count(*) FROM opened_record WHERE organisation_id = $1"
        " AND closed_at IS NULL AND expires_at > now())",
        [UUID(ORGANISATION)],
        deadline=soon(),
    )
    return rows[0][0], rows[0][1]


async def test_organisations_are_listed_verified_and_doubted(
    engine_database: Database, database_url: str
) -> None:
    await sample_people.fill(engine_database)
    await engine_database.write("UPDATE organisation SET verified = false", deadline=soon())
    code, listed = await organisations(database_url)
    assert code == 0
    assert [line.split() for line in listed.splitlines()[1:]] == [
        [ORGANISATION, "organisation"],
        [str(id_of("other organisation")), "other", "organisation"],
    ]
    name = ("--name", "Organisation")
    code, said = await organisations(database_url, "verify", ORGANISATION, *name)
    assert (code, said.startswith("organisation: verified; it may invite")) == (0, True)
    assert "invite all people until a mail domain is added" in said
    two = ("--domain", "Kura.School.nz", "--domain", "school.example")
    code, said = await organisations(database_url, "verify", ORGANISATION, *name, *two)
    assert (code, "of kura.school.nz school.example\n" in said) == (0, True)
    assert await verified(engine_database) == {ORGANISATION}
    removal = ("remove-domain", ORGANISATION, "School.example")
    assert (await organisations(database_url, *removal))[0] == 0
    code, said = await organisations(database_url, *removal)
    assert (code, "school.example: not one of the organisation's" in said) == (1, True)
    listed = (await organisations(database_url))[1]
    assert ("kura.school.nz" in listed, "school.example" in listed) == (True, False)
    before = await count_read_by_the_school(engine_database)
    assert min(before) > 0
    assert (await organisations(database_url, "verify", ORGANISATION, "--revoke"))[0] == 0
    assert await verified(engine_database) == set()
    # At once, and not with the next daily task.
    assert await count_read_by_the_school(engine_database) == (0, 0)
    # It has no domain when it is verified anew.
    assert "kura.school.nz" not in (await organisations(database_url))[1]
    nothing = str(UUID(int=0))
    code, said = await organisations(database_url, "verify", nothing, *name)
    assert (code, said.splitlines()[-1]) == (
        1,
        f"poutama: organisation {nothing}: not found; `poutama organisations` lists them",
    )


async def test_adults_from_before_the_verification_wait_unless_the_operator_knows_them(
    engine_database: Database, database_url: str
) -> None:
    """The founder may have invited their own second account."""
    await sample_people.fill(engine_database)
    for statement in (
        "UPDATE organisation SET verified = false",
        "UPDATE membership AS m SET source = 'FOUNDED' WHERE role = 'ADMIN'",
        "UPDATE membership AS m SET invited_email = p.email FROM person AS p"
        " WHERE p.id = m.person_id AND m.source <> 'FOUNDED'",
    ):
        await engine_database.write(statement, deadline=soon())

    async def waiting() -> set[str]:
        rows = await engine_database.read(
            "SELECT p.name FROM membership AS m JOIN person AS p ON p.id = m.person_id"
            " WHERE NOT m.confirmed AND m.role IN ('MENTOR', 'MENTOR_MANAGER', 'ADMIN')"
            " AND m.applicant_name = p.name",
            deadline=soon(),
        )
        return {row["name"] for row in rows}

    place = UUID(ORGANISATION)
    assert await verify_organisations(engine_database, [place], deadline=soon()) == 3
    assert "\n3 of its mentors, managers and administrators wait" in describe_verified(None, 3)
    assert await waiting() == {Caller.MENTOR, Caller.OTHER_MENTOR, Caller.MANAGER}
    confirm = ("confirm", ORGANISATION, "Manager@school.example")
    assert await organisations(database_url, *confirm) == (0, "confirmed: 1 membership\n")
    again = await confirm_adult(engine_database, place, "manager@school.example", deadline=soon())
    assert again == 0
    assert await waiting() == {Caller.MENTOR, Caller.OTHER_MENTOR}
    await engine_database.write(
        "UPDATE membership SET granted_by_id = $1 WHERE role = 'MENTOR'",
        [id_of(Caller.MANAGER)],
        deadline=soon(),
    )
    known = ["school.example"]
    assert not await verify_organisations(engine_database, [place], domains=known, deadline=soon())
    assert await waiting() == set()


async def test_an_organisation_of_another_name_is_not_verified(
    engine_database: Database, database_url: str
) -> None:
    await sample_people.fill(engine_database)
    await engine_database.write("UPDATE organisation SET verified = false", deadline=soon())
    other = ("verify", str(id_of("other organisation")))
    code, said = await organisations(database_url, *other, "--name", "organisation")
    assert (code, said.splitlines()[-1]) == (
        1,
        "poutama: --name: expected the name 'other organisation', got 'organisation'",
    )
    code, said = await organisations(database_url, *other)
    assert (code, "expected the name of the school" in said) == (2, True)
    assert await verified(engine_database) == set()
    # However it is typed.
    with_accent = "O\u0304THER ORGANISATION"
    assert (await organisations(database_url, *other, "--name", with_accent))[0] == 0


async def test_reports_about_invitations_are_listed_for_the_operator(
    engine_database: Database, database_url: str
) -> None:
    await sample_people.fill(engine_database)
    await engine_database.write(
        "INSERT INTO invitation_report (id, organisation_id, reporter_id, role, reason)"
        " VALUES ($1, $2, $3, 'STUDENT', '[b]Not ours')",
        [id_of("report"), id_of("organisation"), id_of(Caller.STUDENT)],
        deadline=soon(),
    )
    code, listed = await organisations(database_url, "reports")
    assert code == 0
    for shown in (ORGANISATION, "the-student@school.example", "STUDENT", "[b]Not ours"):
        assert shown in listed, listed


@pytest.mark.parametrize(
    "text",
    ["", "school", "a@b.nz", "two words.nz", "\u212aura.school.nz", "x" * 400, "%.nz", "a_b.nz"],
)
def test_what_is_not_a_mail_domain_is_refused(text: str) -> None:
    with pytest.raises(BadUserInputError, match="expected one such as"):
        normalize_domain(text)


async def test_the_demo_school_is_verified_once(fresh_database_url: str) -> None:
    await make_demo(fresh_database_url, students=1)
    database = Database(Settings(), url=fresh_database_url)
    assert len(await verified(database)) == 2
    await database.write(
        "UPDATE organisation SET verified = false, verified_at = NULL", deadline=soon()
    )
    await make_demo(fresh_database_url, students=2)
    assert await verified(database) == set()
    await database.close()
