"""A private single-node CockroachDB, when there is a `cockroach` program on this machine.

`CockroachServer(program, folder)` starts and stops it as `db.embedded` does PostgreSQL; `poutama
up` and `tests/conftest.py` call it. Insecure and on 127.0.0.1 alone: it never serves anyone else,
and is never how a real cluster is run.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit, urlunsplit

import psutil

from poutama.db.folder_lock import lock_folder
from poutama.db.postmaster import kill_processes, wait_until
from poutama.errors import ConfigurationError

DATABASE = "poutama"
START_SECONDS = 120.0
# A settled node drains in about two seconds.
STOP_SECONDS = 20.0


def find_cockroach() -> str | None:
    """The `cockroach` program on PATH, or None."""
    return shutil.which("cockroach")


class CockroachServer:
    """One node and its store; a context manager that starts and stops it.

    Args:
        program: path of the `cockroach` program.
        folder: made if missing; holds the store, the log and the node's address.
        durable: False keeps the store in memory, for tests only.
    """

    def __init__(self, program: str, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "server.log"
        self._program = program
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._port = 0
        """Where it listens; a restart keeps what the first start was given."""
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
        if self._process is None:
            raise ConfigurationError("the local CockroachDB is not running")
        return self._process.pid

    @property
    def url(self) -> str:
        """The address of the database `poutama`."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of any database of this node."""
        written = self._address.read_text(encoding="utf-8").strip()
        return urlunsplit(urlsplit(written)._replace(path=f"/{database}"))

    @property
    def _address(self) -> Path:
        return self.folder / "url"

    def start(self) -> None:
        """Start the node, wait until it answers, and make the database if there is none.

        Raises:
            ConfigurationError: the folder is in use or unusable, or the node does not start.
        """
        if self._process is not None:
            return
        self._lock = lock_folder(self.folder)
        try:
            self._launch()
            wait_until(self.check_ready, START_SECONDS + 1.0)
            self._make_database()
        except BaseException:
            self.stop()
            raise

    def exit_code(self) -> int | None:
        """Return the exit code of a node that has ended by itself; None while it runs."""
        return None if self._process is None else self._process.poll()

    def begin_restart(self) -> None:
        """Start a node after one has ended, at the same address; `check_ready` says when it is."""
        self._port = urlsplit(self.url).port or 0
        self._launch()

    def check_ready(self) -> bool:
        """Return whether the node listens.

        Raises:
            ConfigurationError: it has ended, or has taken too long.
        """
        if self.exit_code() is not None or time.monotonic() > self._due:
            raise ConfigurationError(f"cockroach does not start; see {self.log}")
        return self._address.exists() and self._address.read_text(encoding="utf-8").endswith("\n")

    def _launch(self) -> None:
        self._address.unlink(missing_ok=True)
        store = f"path={self.folder / 'store'}" if self._durable else "type=mem,size=1GiB"
        command = [
            self._program,
            "start-single-node",
            "--insecure",
            f"--listen-addr=127.0.0.1:{self._port}",
            "--http-addr=127.0.0.1:0",
            f"--store={store}",
            f"--listening-url-file={self._address}",
            f"--pid-file={self.folder / 'pid'}",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  found on PATH, not an argument
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self._due = time.monotonic() + START_SECONDS

    def _make_database(self) -> None:
        statement = f"CREATE DATABASE IF NOT EXISTS {DATABASE}"
        command = [self._program, "sql", f"--url={self.url_of('defaultdb')}", "-e", statement]
        result = subprocess.run(  # noqa: S603  found on PATH, not an argument
            command, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        if result.returncode != 0:
            raise ConfigurationError(f"cockroach does not answer; see {self.log}")

    def stop(self) -> None:
        """Drain and stop, or kill when that takes too long. Does nothing when not running."""
        process, self._process = self._process, None
        try:
            if process is not None and process.poll() is None:
                _drain(process)
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None


def running_url(folder: Path) -> str | None:
    """Return the address of the node that another process runs in `folder`, or None."""
    node = CockroachServer("", folder)
    try:
        process = psutil.Process(int((node.folder / "pid").read_text(encoding="ascii")))
        if any(str(node.folder) in word for word in process.cmdline()):
            return node.url
    except (OSError, ValueError, psutil.Error):
        pass
    return None


def _drain(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        kill_processes([psutil.Process(process.pid)])
        process.wait()
