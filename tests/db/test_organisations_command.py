"""`poutama organisations`, as it is typed; and that the demo school is taken at its word."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from poutama.db.connection import Database
from poutama.demo.loader import make_demo
from poutama.features.roster.trust import list_organisations
from poutama.settings import Settings
from tests.db import sample_people
from tests.db.sessions import soon
from tests.features.sample import id_of

PROGRAM = "from poutama.commands.main import main; main()"
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
    return process.returncode or 0, output.decode()


async def verified(database: Database) -> set[str]:
    rows = await list_organisations(database, deadline=soon())
    return {str(row["id"]) for row in rows if row["verified_at"] is not None}


async def test_organisations_are_listed_verified_and_doubted(
    engine_database: Database, database_url: str
) -> None:
    await sample_people.fill(engine_database)
    code, listed = await organisations(database_url)
    assert code == 0
    assert [line.split() for line in listed.splitlines()[1:]] == [
        [ORGANISATION, "organisation"],
        [str(id_of("other organisation")), "other", "organisation"],
    ]
    assert (await organisations(database_url, "verify", ORGANISATION))[0] == 0
    assert (await organisations(database_url, "verify", ORGANISATION))[0] == 0
    assert await verified(engine_database) == {ORGANISATION}
    assert (await organisations(database_url, "verify", ORGANISATION, "--revoke"))[0] == 0
    assert await verified(engine_database) == set()
    nothing = str(UUID(int=0))
    assert await organisations(database_url, "verify", nothing) == (
        1,
        f"poutama: organisation {nothing}: not found; `poutama organisations` lists them\n",
    )


async def test_the_demo_school_is_verified_once(fresh_database_url: str) -> None:
    await make_demo(fresh_database_url, students=1)
    database = Database(Settings(), url=fresh_database_url)
    assert len(await verified(database)) == 2
    await database.write("DELETE FROM verified_organisation", deadline=soon())
    await make_demo(fresh_database_url, students=2)
    assert await verified(database) == set()
    await database.close()
