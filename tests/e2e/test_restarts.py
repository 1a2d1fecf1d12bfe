"""`poutama up` ended in the middle of long work, and started again on the same data folder."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import psutil

from poutama.db.postmaster import Postmaster, find_backends, read_postmaster
from tests.e2e.api_client import DELETE, ApiClient, wait_until
from tests.e2e.up_process import UpProcess, ask, run, servers_of, token_for, up
from tests.unit.features.photos import photo
from tests.unit.features.rosters import Table, classes, enrolments, roster, user

ADMIN = "admin@demo.example"
STUDENTS = 2_000
GOALS = "{ goals { id title } }"


def large_school() -> bytes:
    """Enough to be in the middle of."""
    names: Table = classes(*((f"c{number}", f"Room {number}") for number in range(50)))
    pupils = [f"u{number}" for number in range(STUDENTS)]
    return roster(
        classes=names,
        users=[user(pupil, f"Ana {pupil}") for pupil in pupils],
        enrollments=enrolments(
            *((f"c{number % 50}", pupil, "student") for number, pupil in enumerate(pupils))
        ),
    )


def worker_of(running: UpProcess) -> psutil.Process:
    """The process that runs jobs."""
    (worker,) = [
        process
        for process in psutil.Process(running.process.pid).children()
        if "poutama.server.worker_process" in process.cmdline()
    ]
    return worker


def kill_everything(running: UpProcess) -> None:
    """As if the machine lost its power."""
    service = psutil.Process(running.process.pid)
    everything = [service, *service.children(recursive=True)]
    for process in everything:
        process.kill()
    psutil.wait_procs(everything)


@contextmanager
def frozen(worker: psutil.Process, api_client: ApiClient, job: str) -> Iterator[None]:
    """Stop the worker as soon as it is in the middle of the job; it goes on after the block."""
    wait_until(lambda: api_client.see_job(job), lambda seen: seen["done"] > 0)
    worker.suspend()
    try:
        assert api_client.see_job(job)["state"] == "RUNNING"
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            worker.resume()


def journey_of(job: Any) -> Any:
    """What the exported zip says, whose every entry is whole."""
    assert job["state"] == "SUCCEEDED", job
    with ZipFile(BytesIO(httpx.get(job["resultUrl"], timeout=60).content)) as journey:
        assert journey.testzip() is None
        return json.loads(journey.read("journey.json"))


def objects_of(home: Path) -> set[str]:
    """The names of what is in the store."""
    # Folders vanish meanwhile, which `os.walk` overlooks.
    return {name for _, _, names in os.walk(home / "files" / "objects") for name in names}


def test_a_power_cut_in_an_export_and_an_import_costs_nothing(data_folder: Path) -> None:
    home = data_folder / "home"
    with up(home, POUTAMA_JOB_LEASE_SECONDS="2") as first:
        address = first.wait_until_ready()
        student = ApiClient(address, token_for(home))
        admin = ApiClient(address, token_for(home, ADMIN))
        student.attach(photo())
        import_ = admin.start_import(large_school())
        admin.begin_check(import_)
        assert admin.wait_for_import(import_)["membershipsAdded"] == STUDENTS
        # GIVEN both at once, both half done
        admin.begin_application(import_)
        job = student.export()
        with frozen(worker_of(first), student, job):
            assert admin.see_import(import_)["state"] == "APPLYING"
            kill_everything(first)
    # WHEN it is started again
    with up(home, POUTAMA_JOB_LEASE_SECONDS="2") as second:
        address = second.wait_until_ready()
        student, admin = ApiClient(address, student.token), ApiClient(address, admin.token)
        # THEN both end, and nothing is there twice
        journey = journey_of(student.wait_for(job))
        assert len(journey["goals"]) == 12
        assert len([item for goal in journey["goals"] for item in goal["evidence"]]) == 1
        applied = admin.wait_for_import(import_)
        assert (applied["state"], applied["peopleAdded"]) == ("APPLIED", STUDENTS)
        again = admin.start_import(large_school())
        admin.begin_check(again)
        seen = admin.wait_for_import(again)
        assert (seen["state"], seen["changes"]) == ("CHECKED", [])
        assert second.end(signal.SIGTERM) == 0
    assert "Traceback" not in second.said


def test_stopping_in_a_job_gives_it_back_and_the_next_start_goes_on(data_folder: Path) -> None:
    home = data_folder / "home"
    with up(home) as first:
        student = ApiClient(first.wait_until_ready(), token_for(home))
        evidence, _ = student.attach(photo())
        job = student.export()
        with frozen(worker_of(first), student, job):
            first.process.send_signal(signal.SIGINT)
            # It waits: the worker has been asked to end before it goes on with the job.
            first.wait_for("(waiting for the worker)")
        assert first.end() == 0
    # THEN it is released, not left to its lease
    assert "killed" not in first.said
    (line,) = [line for line in run(home, "jobs").stdout.splitlines() if job in line]
    assert "QUEUED" in line
    with up(home) as second:
        student = ApiClient(second.wait_until_ready(), student.token)
        assert len(journey_of(student.wait_for(job))["goals"]) == 12
        # AND what was uploaded, with the place where it was taken, is gone
        wait_until(lambda: objects_of(home), lambda names: "upload@" not in names)
        assert {"file@", "thumbnail@"} <= objects_of(home)
        student.ask(DELETE, i={"evidenceId": evidence})
        second.end(signal.SIGTERM)
    # AND soon after it is deleted, nothing of it is left
    with up(home) as third:
        third.wait_until_ready()
        wait_until(lambda: objects_of(home), lambda names: names == {"journey.zip@"})


def test_a_worker_that_is_killed_is_replaced_and_its_job_goes_on(data_folder: Path) -> None:
    home = data_folder / "home"
    with up(home, POUTAMA_JOB_LEASE_SECONDS="2") as running:
        student = ApiClient(running.wait_until_ready(), token_for(home))
        job = student.export()
        worker = worker_of(running)
        with frozen(worker, student, job):
            worker.kill()
        assert len(journey_of(student.wait_for(job))["goals"]) == 12
        assert worker_of(running).pid != worker.pid


def postmaster_of(home: Path) -> Postmaster:
    """The database's first process, as its own file names it."""
    found = read_postmaster(home / "postgres" / "data")
    assert found is not None
    return found


def kill_backend(home: Path) -> None:
    """As for want of memory: a process that answers for a connection."""
    backends = find_backends(home / "postgres" / "data")
    next(each for each in backends if each.cmdline()[0].endswith("idle")).kill()


def test_a_database_that_is_killed_is_started_again_or_ends_it(data_folder: Path) -> None:
    home = data_folder / "home"
    with up(home) as running:
        address, token = running.wait_until_ready(), token_for(home)
        goals = ask(address, token, GOALS)
        first = postmaster_of(home)
        # WHEN a part of it is killed THEN it recovers by itself
        kill_backend(home)
        assert ask(address, token, GOALS) == goals
        assert postmaster_of(home) == first
        # WHEN all of it ends THEN it is started again, and requests wait for it
        psutil.Process(first.pid).kill()
        assert ask(address, token, GOALS) == goals
        second = postmaster_of(home)
        assert second.pid != first.pid
        running.wait_for(r"(the database ended \(killed by SIGKILL\); starting it again)")
        # WHEN there is nothing to start THEN it ends, and says why
        (home / "postgres" / "data" / "PG_VERSION").unlink()
        psutil.Process(second.pid).kill()
        assert running.end() == 1
    assert "Traceback" not in running.said
    assert re.search(
        r"\npoutama: the database ended \(killed by SIGKILL\) and cannot be started again:"
        r" .*expected a data folder of PostgreSQL",
        running.said,
    )
    assert servers_of(home) == []
