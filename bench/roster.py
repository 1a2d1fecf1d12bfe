"""A large roster, imported: `python -m bench.roster`. How long it takes, and how much memory.

The database is private, made anew and deleted afterwards; the worker is a process of its own, so
that its memory is its own. The school is made up: a tenth of its users teach, every enrolment is
in one of many classes. Prints a line for each job. `docs/roster.md` has the figures.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID, uuid4

import typer

from poutama.changes import ChangePlans, Changes
from poutama.db.connection import Database
from poutama.db.embedded import EmbeddedServer
from poutama.db.migrate import migrate
from poutama.db.transaction import Transaction, run_transaction
from poutama.features import load_features, load_model
from poutama.jobs.job import JobState, Query
from poutama.jobs.local_queue import LocalQueue
from poutama.permits import Permits
from poutama.procedure import ProcedureContext
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore
from poutama.viewer import Viewer
from poutama.worker import Worker

ADMIN, ORGANISATION = uuid4(), uuid4()
SETUP = (
    f"INSERT INTO person (id, email, name) VALUES ('{ADMIN}', 'admin@school.example', 'Admin')",
    "INSERT INTO organisation (id, name, name_search, time_zone, region, retention_days)"
    f" VALUES ('{ORGANISATION}', 'School', 'school', 'Pacific/Auckland', 'here', 730)",
    "INSERT INTO membership (id, organisation_id, person_id, role, source, accepted_at)"
    f" VALUES (gen_random_uuid(), '{ORGANISATION}', '{ADMIN}', 'ADMIN', 'FOUNDED', now())",
    f"UPDATE organisation SET verified = true WHERE id = '{ORGANISATION}'",
    "INSERT INTO verified_domain (organisation_id, domain)"
    f" VALUES ('{ORGANISATION}', 'school.example')",
)
CLASSES_A_USER = 0.04
MANIFEST = """propertyName,value
manifest.version,1.0
oneroster.version,1.1
file.classes,bulk
file.users,bulk
file.enrollments,bulk
"""
HOUR = 3_600.0
_PLANS = ChangePlans(load_model())


def make_roster(users: int, enrolments: int, *, gone: int = 0) -> bytes:
    """A zip with so many users and enrolments; the last `gone` enrolments are left out."""
    classes = max(1, int(users * CLASSES_A_USER))
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("manifest.csv", MANIFEST)
        _write(
            zipped,
            "classes.csv",
            "sourcedId,status,dateLastModified,title,courseSourcedId,classType,schoolSourcedId,"
            "termSourcedIds",
            (
                [f"class-{n}", "", "", f"Class {n}", "course", "scheduled", "school", "term"]
                for n in range(classes)
            ),
        )
        _write(
            zipped,
            "users.csv",
            "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,"
            "familyName,email",
            (_user(n) for n in range(users)),
        )
        _write(
            zipped,
            "enrollments.csv",
            "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,"
            "beginDate,endDate",
            (_enrolment(n, users, classes) for n in range(enrolments - gone)),
        )
    return held.getvalue()


def _user(n: int) -> list[str]:
    role = "teacher" if n % 10 == 0 else "student"
    names = [f"Given{n % 997}", f"Family{n % 9_973}"]
    return [f"user-{n}", "", "", "true", "school", role, f"u{n}", *names, f"u{n}@school.example"]


def _enrolment(n: int, users: int, classes: int) -> list[str]:
    user = n % users
    role = "teacher" if user % 10 == 0 else "student"
    # Each round of a user is in another class.
    where = (user + n // users * 7) % classes
    return [f"e-{n}", "", "", f"class-{where}", "school", f"user-{user}", role, "", ""]


def _write(zipped: zipfile.ZipFile, name: str, header: str, rows: Iterator[list[str]]) -> None:
    with (
        zipped.open(name, "w") as raw,
        io.TextIOWrapper(raw, encoding="utf-8", newline="") as text,
    ):
        text.write(header + "\r\n")
        csv.writer(text).writerows(rows)


async def run_job(url: str, folder: Path, job: UUID) -> None:
    """The worker's process: runs the job, says how it went as a line of JSON."""
    settings = Settings()
    database = Database(settings, url=url)
    worker = Worker(
        database=database,
        store=DirectoryStore(folder, b"secret"),
        queue=LocalQueue(),
        kinds=load_features().load_jobs(),
        query=cast(Query, None),
        permits=Permits(load_model(), database),
        plans=ChangePlans(load_model()),
        settings=settings,
    )
    before = _peak_memory()
    start, state = time.monotonic(), None
    while state in (None, JobState.QUEUED):
        state = await worker.run(job, deadline=time.monotonic() + HOUR)
    used = resource.getrusage(resource.RUSAGE_SELF)
    rows = await database.read(
        "SELECT steps, failure FROM job WHERE id = $1::uuid", [job], deadline=_soon()
    )
    outcome = {
        "state": state,
        "seconds": round(time.monotonic() - start, 1),
        "cpu": round(used.ru_utime + used.ru_stime, 1),
        "before": before,
        "peak": _peak_memory(),
        **dict(rows[0]),
    }
    print(json.dumps(outcome))
    await database.close()


async def call_procedure(database: Database, name: str, input: dict[str, Any]) -> UUID:
    """Call a procedure as the admin; returns the import's id."""

    async def work(transaction: Transaction) -> UUID:
        viewer, settings = Viewer(ADMIN), Settings()
        changes = Changes(_PLANS, transaction, viewer)
        context = ProcedureContext(
            transaction=transaction, viewer=viewer, changes=changes, settings=settings
        )
        payload = await load_features().procedures[name](context, input)
        return UUID(str(payload["rosterImport"]))

    return await run_transaction(database, work, deadline=_soon())


async def import_roster(url: str, folder: Path, what: str, content: bytes) -> None:
    """Check and apply; prints a line for each."""
    database, store = Database(Settings(), url=url), DirectoryStore(folder, b"secret")
    input = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    id_ = await call_procedure(
        database,
        "start_roster_import",
        {"organisationId": ORGANISATION, "name": "r.zip", "managers": False, **input},
    )
    row = await find(database, id_)
    await store.put(row["object_key"], content, media_type="application/zip")
    await call_procedure(database, "check_roster_import", {"importId": id_})
    show(f"{what}: check", await find(database, id_), url, folder)
    version = (await find(database, id_))["version"]
    allowed = {"expectedVersion": version, "allowEndingPercent": 100}
    await call_procedure(database, "apply_roster_import", {"importId": id_, **allowed})
    show(f"{what}: apply", await find(database, id_), url, folder)
    row = await find(database, id_)
    names = [name for name in row if name.startswith(("groups", "people", "memberships"))]
    print(f"{what}:", ", ".join(f"{name} {row[name]}" for name in names))
    await database.close()


def show(what: str, row: dict[str, Any], url: str, folder: Path) -> None:
    """Run the import's job in a process of its own, and print how it went."""
    command = [sys.executable, "-m", "bench.roster", "--work", f"{url} {folder} {row['job_id']}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    outcome = json.loads(done.stdout)
    print(
        f"{what}: {outcome['state']} in {outcome['seconds']} s ({outcome['cpu']} s of CPU,"
        f" {outcome['steps']} steps); memory {outcome['before']} MB at the start,"
        f" {outcome['peak']} MB at its peak",
        outcome["failure"] or "",
        flush=True,
    )


async def find(database: Database, id_: UUID) -> dict[str, Any]:
    rows = await database.read(
        "SELECT * FROM roster_import WHERE id = $1::uuid", [id_], deadline=_soon()
    )
    return dict(rows[0])


async def execute(url: str, statements: Sequence[str]) -> None:
    database = Database(Settings(), url=url)
    for statement in statements:
        await database.write(statement, deadline=_soon())
    await database.close()


def _peak_memory() -> int:
    """The most this process has had resident, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # What `getrusage` says begins with what the parent had.
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _soon() -> float:
    return time.monotonic() + 60


def main(
    users: Annotated[int, typer.Option(min=10)] = 100_000,
    enrolments: Annotated[int, typer.Option(min=10)] = 400_000,
    work: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Import a large roster, then the same again, then one with 5 % of it gone."""
    if work:
        url, files, job = work.split()
        asyncio.run(run_job(url, Path(files), UUID(job)))
        return
    with tempfile.TemporaryDirectory(prefix="poutama-") as home:
        folder = Path(home) / "files"
        server = EmbeddedServer(Path(home) / "database")
        server.start()
        try:
            migrate(server.url)
            asyncio.run(execute(server.url, SETUP))
            whole = make_roster(users, enrolments)
            print(f"{users:,} users, {enrolments:,} enrolments: a zip of {len(whole):,} bytes")
            less = make_roster(users, enrolments, gone=enrolments // 20)
            for what, content in (("first", whole), ("the same", whole), ("5 % gone", less)):
                asyncio.run(import_roster(server.url, folder, what, content))
        finally:
            server.discard()


if __name__ == "__main__":
    typer.run(main)
