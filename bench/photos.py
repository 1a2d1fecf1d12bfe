"""Photos beside imports: `python -m bench.photos`. How long a child waits for a thumbnail.

A worker process, as `make up` starts it, prepares one photo after the other: first alone, then
while a large roster and five smaller ones are checked. Measured is from `finishEvidence` to READY.
The database is private and deleted afterwards. `docs/bench.md` has the figures.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import quantiles
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from PIL import Image

from bench.roster import ADMIN, ORGANISATION, SETUP, make_roster
from poutama.changes import ChangePlans, Changes
from poutama.db.connection import Database
from poutama.db.embedded import EmbeddedServer
from poutama.db.migrate import migrate
from poutama.db.transaction import Transaction, run_transaction
from poutama.features import load_features, load_model
from poutama.procedure import ProcedureContext
from poutama.settings import Settings
from poutama.store.choose import open_directory
from poutama.viewer import Viewer

WORKER = [sys.executable, "-m", "poutama.server.worker_process"]
SIDES = (2400, 1800)
POLL_SECONDS = 0.02
PAUSE_SECONDS = 0.5
_PLANS = ChangePlans(load_model())
_STATE = "SELECT state, upload_key, job_id FROM evidence WHERE id = $1::uuid"


@dataclass(slots=True)
class School:
    """The database, the files, and the worker's standard input."""

    database: Database
    home: Path
    worker: subprocess.Popen[bytes]

    async def call(self, name: str, input: Mapping[str, Any]) -> UUID:
        """Call a procedure as the admin, wake the worker for its jobs; returns the row's id."""
        jobs: list[UUID] = []

        async def work(transaction: Transaction) -> UUID:
            viewer = Viewer(ADMIN)
            context = ProcedureContext(
                transaction=transaction,
                viewer=viewer,
                changes=Changes(_PLANS, transaction, viewer),
                settings=Settings(),
            )
            (row,) = (await load_features().procedures[name](context, input)).values()
            jobs[:] = transaction.enqueued
            return UUID(str(row))

        row = await run_transaction(self.database, work, deadline=_soon())
        assert self.worker.stdin is not None
        for job in jobs:
            self.worker.stdin.write(f"{job}\n".encode())
            self.worker.stdin.flush()
        return row

    async def read(self, statement: str, *values: object) -> Mapping[str, Any]:
        (row,) = await self.database.read(statement, list(values), deadline=_soon())
        return dict(row)

    async def check(self, organisation: UUID, content: bytes) -> None:
        """Have a roster checked; returns at once."""
        input = {"bytes": len(content), "sha256": sha256(content).hexdigest(), "managers": False}
        input |= {"organisationId": organisation, "name": "r.zip"}
        import_id = await self.call("start_roster_import", input)
        found = await self.read(
            "SELECT object_key FROM roster_import WHERE id = $1::uuid", import_id
        )
        store = open_directory(self.home)
        await store.put(found["object_key"], content, media_type="application/zip")
        await self.call("check_roster_import", {"importId": import_id})

    async def prepare_photo(self, goal: UUID, content: bytes) -> float:
        """Add a photo; returns the seconds from `finishEvidence` to READY."""
        digest = sha256(content).hexdigest()
        evidence = await self.call(
            "add_evidence",
            {
                "goalId": goal,
                "title": "Photo",
                "altText": "",
                "fileName": "p.jpg",
                "mediaType": "image/jpeg",
                "bytes": len(content),
                "sha256": digest,
            },
        )
        key = (await self.read(_STATE, evidence))["upload_key"]
        await open_directory(self.home).put(key, content, media_type="image/jpeg")
        start = time.monotonic()
        await self.call("finish_evidence", {"evidenceId": evidence})
        # The worker is another process: the table is where its result is seen.
        while (state := (await self.read(_STATE, evidence))["state"]) == "PENDING":  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        assert state == "READY", state
        return time.monotonic() - start


async def measure(school: School, what: str, photos: int) -> None:
    """Prepare so many photos, and print how long they took."""
    goal, content = uuid4(), make_photo()
    await school.database.write(
        "INSERT INTO goal (id, person_id, goal_type, title, title_search, information,"
        " information_search, complete) VALUES ($1::uuid, $2::uuid, 'SPORTS', 'x', 'x', '', '',"
        " false)",
        [goal, ADMIN],
        deadline=_soon(),
    )
    waited = []
    for _ in range(photos):
        waited.append(await school.prepare_photo(goal, content))
        await asyncio.sleep(PAUSE_SECONDS)
    shares = quantiles(waited, n=20)
    running = await school.read(
        "SELECT count(*)::int8 AS jobs, coalesce(sum(steps), 0)::int8 AS steps FROM job"
        " WHERE kind LIKE 'ROSTER%' AND state IN ('QUEUED', 'RUNNING')"
    )
    print(
        f"{what}: {photos} photos, p50 {shares[9]:.2f} s, p95 {shares[18]:.2f} s, longest"
        f" {max(waited):.2f} s; {running['jobs']} checks under way, {running['steps']} steps done",
        flush=True,
    )


def make_photo() -> bytes:
    """A photo of a few megapixels, of noise: dearer than most."""
    held = io.BytesIO()
    noise = Image.effect_noise((SIDES[0] // 4, SIDES[1] // 4), 80).resize(SIDES)
    noise.convert("RGB").save(held, "JPEG", quality=85)
    return held.getvalue()


async def run(
    url: str, home: Path, worker: subprocess.Popen[bytes], users: int, photos: int
) -> None:
    """Measure alone, then beside the imports."""
    database = Database(Settings(), url=url)
    for statement in SETUP:
        await database.write(statement, deadline=_soon())
    schools = [ORGANISATION, *(uuid4() for _ in range(5))]
    for number, organisation in enumerate(schools[1:], start=2):
        for statement in SETUP[1:]:
            text = statement.replace(str(ORGANISATION), str(organisation))
            await database.write(text.replace("'School'", f"'School {number}'"), deadline=_soon())
    school = School(database, home, worker)
    await measure(school, "alone", photos)
    large, small = make_roster(users, users * 4), make_roster(users // 5, users)
    await school.check(ORGANISATION, large)
    for organisation in schools[1:]:
        await school.check(organisation, small)
    await measure(school, f"beside a check of {users:,} users and five of a fifth", photos)
    await database.close()


def _soon() -> float:
    return time.monotonic() + 60


def main(
    users: Annotated[int, typer.Option(min=10)] = 100_000,
    photos: Annotated[int, typer.Option(min=2)] = 60,
) -> None:
    """Measure how long a thumbnail takes, alone and beside imports."""
    with tempfile.TemporaryDirectory(prefix="poutama-") as folder:
        home = Path(folder)
        server = EmbeddedServer(home / "database")
        server.start()
        try:
            migrate(server.url)
            urls = {"POUTAMA_DATABASE_URL": server.url, "POUTAMA_HOME": folder}
            with subprocess.Popen(
                WORKER, stdin=subprocess.PIPE, env={**os.environ, **urls}
            ) as worker:
                asyncio.run(run(server.url, home, worker, users, photos))
                worker.terminate()
        finally:
            server.discard()


if __name__ == "__main__":
    typer.run(main)
