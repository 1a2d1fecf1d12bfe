"""The private server: starts from nothing, survives kill -9, shares nothing, leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from poutama.db.embedded import EmbeddedServer, running_url
from poutama.db.postmaster import find_backends, wait_until
from poutama.db.server_account import choose_account
from poutama.errors import ConfigurationError


async def ask(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def processes_of(folder: Path) -> list[psutil.Process]:
    def uses(process: psutil.Process) -> bool:
        try:
            return str(folder / "data") in process.cmdline()
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if uses(process)]


@pytest.fixture
def server(data_folder: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(data_folder / "postgres", durable=False)
    yield server
    server.stop()


async def test_it_starts_from_nothing_knows_unicode_and_listens_only_on_its_socket(
    server: EmbeddedServer,
) -> None:
    server.start()
    assert await ask(server.url, "select lower('ĀĒĪŌŪ')") == "āēīōū"
    assert await ask(server.url, "show server_encoding") == "UTF8"
    assert await ask(server.url, "show timezone") == "UTC"
    assert await ask(server.url, "select current_database()") == "poutama"
    listening = psutil.Process(server.pid).net_connections(kind="inet")
    assert listening == []
    assert server.data.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="skipped: only Linux schedules so")
def test_its_processes_interrupt_no_other_process(server: EmbeddedServer) -> None:
    server.start()
    if sys.platform == "linux":
        for process in (
            server.pid,
            *(child.pid for child in psutil.Process(server.pid).children()),
        ):
            assert os.sched_getscheduler(process) == os.SCHED_BATCH


async def test_stopping_leaves_no_process_and_keeps_the_data(server: EmbeddedServer) -> None:
    server.start()
    await ask(server.url, "create table kept as select 7 as n")
    server.stop()
    assert processes_of(server.folder) == []
    server.start()
    assert await ask(server.url, "select n from kept") == 7


async def test_stopping_does_not_wait_for_an_open_transaction(server: EmbeddedServer) -> None:
    server.start()
    connection = await asyncpg.connect(server.url)
    await connection.execute("begin; create table unfinished (n int)")
    server.stop()
    assert processes_of(server.folder) == []
    connection.terminate()


async def test_what_was_committed_survives_kill_9(server: EmbeddedServer) -> None:
    server.start()
    await ask(server.url, "create table kept as select 7 as n")
    server.kill()
    assert processes_of(server.folder) == []
    assert (server.data / "postmaster.pid").exists()
    server.start()
    assert await ask(server.url, "select n from kept") == 7


@pytest.fixture
def bystander() -> Iterator[int]:
    """A living program that is not a server, of the account that the server has."""
    identity = choose_account().identity
    with subprocess.Popen(["tail", "-f", "/dev/null"], **identity) as program:
        yield program.pid
        program.kill()


async def test_a_stale_pid_that_is_now_another_program_does_not_prevent_a_start(
    server: EmbeddedServer, bystander: int
) -> None:
    server.start()
    server.kill()
    for file in (server.data / "postmaster.pid", server.data / ".s.PGSQL.5432.lock"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text(f"{bystander}\n" + "".join(lines[1:]))
    server.start()
    assert await ask(server.url, "select 1") == 1
    assert psutil.Process(bystander).status() != psutil.STATUS_ZOMBIE


async def test_one_that_is_killed_is_started_again_at_the_same_address(
    server: EmbeddedServer,
) -> None:
    server.start()
    url, before = server.url, shared_memory()
    connection = await asyncpg.connect(url)
    backend = psutil.Process(await connection.fetchval("select pg_backend_pid()"))
    # GIVEN a backend that does not notice: what it computes takes long
    backend.suspend()
    psutil.Process(server.pid).kill()
    assert wait_until(lambda: server.exit_code() is not None, 10)
    server.begin_restart()
    assert wait_until(server.check_ready, 60)
    assert backend not in find_backends(server.data)
    assert await ask(url, "select 1") == 1
    assert server.exit_code() is None
    # AND what it held goes with it
    assert shared_memory() == before
    connection.terminate()


def shared_memory() -> int:
    """How many pieces of shared memory there are that outlive processes, as far as can be seen."""
    segments = Path("/proc/sysvipc/shm")
    return len(segments.read_text().splitlines()) if segments.exists() else 0


async def test_one_that_cannot_be_started_again_says_why(server: EmbeddedServer) -> None:
    server.start()
    psutil.Process(server.pid).kill()
    assert wait_until(lambda: server.exit_code() is not None, 10)
    (server.data / "global" / "pg_control").write_bytes(b"")
    server.begin_restart()
    with pytest.raises(ConfigurationError, match=r"does not start: .*control.*see .*server\.log"):
        wait_until(server.check_ready, 60)


def test_a_server_whose_owner_was_killed_is_ended_and_replaced(data_folder: Path) -> None:
    folder = data_folder / "postgres"
    program = (
        "import sys, pathlib\n"
        "from poutama.db.embedded import EmbeddedServer\n"
        "s = EmbeddedServer(pathlib.Path(sys.argv[1]), durable=False)\n"
        "s.start(); print(s.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        orphan = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    assert psutil.Process(orphan).is_running()
    with EmbeddedServer(folder, durable=False) as server:
        assert server.pid != orphan
        assert [process.pid for process in processes_of(folder)] == [server.pid]
    assert processes_of(folder) == []


def test_one_folder_has_one_owner_and_the_second_is_told_in_one_line(
    server: EmbeddedServer,
) -> None:
    server.start()
    with pytest.raises(ConfigurationError, match="in use by another Poutama") as caught:
        EmbeddedServer(server.folder).start()
    assert "\n" not in caught.value.message
    assert running_url(server.folder) == server.url
    server.stop()
    assert running_url(server.folder) is None


async def test_servers_run_side_by_side_on_free_ports(data_folder: Path) -> None:
    with (
        EmbeddedServer(data_folder / "a", durable=False, tcp=True) as first,
        EmbeddedServer(data_folder / "b", durable=False, tcp=True) as second,
    ):
        assert await ask(first.tcp_url_of(), "select 1") == 1
        assert await ask(second.tcp_url_of(), "select 2") == 2
        addresses = psutil.Process(first.pid).net_connections(kind="inet")
        assert {address.laddr.ip for address in addresses} == {"127.0.0.1"}


@pytest.mark.parametrize("name", ["deep" * 30, "with space", "a,b", 'qu"ote', "māori", "50%25"])
async def test_any_folder_name_will_do(data_folder: Path, name: str) -> None:
    server = EmbeddedServer(data_folder / name, durable=False)
    try:
        server.start()
        assert await ask(server.url, "select 1") == 1
        found = running_url(server.folder)
        assert found is not None
        assert await ask(found, "select 1") == 1
    finally:
        server.discard()
    assert not server.folder.exists()


def test_a_folder_that_is_no_data_folder_is_refused(server: EmbeddedServer) -> None:
    server.data.mkdir(parents=True)
    (server.data / "holiday.txt").write_text("not a database")
    with pytest.raises(ConfigurationError, match="expected a data folder of PostgreSQL"):
        server.start()
    assert (server.data / "holiday.txt").exists()


def test_data_of_another_version_is_refused(server: EmbeddedServer) -> None:
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigurationError, match="made by PostgreSQL 16, this is 18"):
        server.start()


def test_broken_data_gives_one_line_and_no_process(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (server.data / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="does not start") as caught:
        server.start()
    assert "\n" not in caught.value.message
    assert processes_of(server.folder) == []


def test_a_file_in_place_of_the_folder_is_refused(data_folder: Path) -> None:
    (data_folder / "home").write_text("a file")
    with pytest.raises(ConfigurationError, match="cannot be used as a data folder"):
        EmbeddedServer(data_folder / "home" / "postgres").start()


def test_half_a_data_folder_is_made_anew(server: EmbeddedServer) -> None:
    (server.folder / "data.new").mkdir(parents=True)
    (server.folder / "data.new" / "PG_VERSION").write_text("18\n")
    server.start()
    assert not (server.folder / "data.new").exists()


async def test_a_thousand_reads_fit_beside_one_transaction_that_takes_long(
    server: EmbeddedServer,
) -> None:
    server.start()
    serializable = {
        "default_transaction_isolation": "serializable",
        # A scan of the whole table would be remembered as one lock.
        "enable_seqscan": "off",
        "enable_bitmapscan": "off",
    }
    slow = await asyncpg.connect(server.url, server_settings=serializable)
    reader = await asyncpg.connect(server.url, server_settings=serializable)
    try:
        # Rows of which two share a page, so that every read is remembered page by page.
        await slow.execute("create table row (id int primary key, filler text)")
        await slow.execute("alter table row alter column filler set storage plain")
        await slow.execute(
            "insert into row select n, repeat('x', 3500) from generate_series(1, 60) n"
        )
        await slow.execute("begin; select id from row where id = 1")
        for _ in range(1000):
            rows = await reader.fetch("select filler from row where id between 1 and 30")
            assert len(rows) == 30
    finally:
        await slow.close()
        await reader.close()
