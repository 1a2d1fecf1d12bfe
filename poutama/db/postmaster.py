"""A server process seen from outside: what its `postmaster.pid` says, and how to end it.

Used by `db.embedded` for the server it owns and by the command line to find one that another
process runs. Ends only the processes named to it, and always within a bounded time.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

STOP_SECONDS = 10.0
QUIT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What a server says of itself in its `postmaster.pid`."""

    pid: int
    port: int
    socket_folder: str
    ready: bool

    @property
    def socket_lock(self) -> Path:
        """The file that reserves its Unix socket; it holds the same process id."""
        return Path(self.socket_folder, f".s.PGSQL.{self.port}.lock")

    def url(self, database: str) -> str:
        """The address over the Unix socket."""
        folder = quote(self.socket_folder, safe="/")
        return f"postgresql://postgres@/{database}?host={folder}&port={self.port}"


def read_postmaster(data: Path) -> Postmaster | None:
    """What the server in this data folder wrote about itself, whether it still runs or not."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return Postmaster(
            pid=abs(int(lines[0])),
            port=int(lines[3]),
            socket_folder=lines[4].strip() if len(lines) > 4 else "",
            ready=len(lines) > 7 and lines[7].strip() == "ready",
        )
    except (OSError, ValueError, IndexError):
        return None


def read_complaint(log: Path, begin: int) -> str:
    """The last reason to end that a server has logged since `begin`, a place in the file."""
    lines = log.read_bytes()[begin:].decode("utf-8", "replace").splitlines()
    complaints = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    last = (complaints or lines or ["no reason logged"])[-1]
    return last.split("FATAL:")[-1].split("PANIC:")[-1].strip()


def find_postgres(pid: int, data: Path) -> psutil.Process | None:
    """The process of that number, if it is a server of this data folder."""
    try:
        process = psutil.Process(pid)
        if str(data) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
            return process
    except psutil.Error:
        pass
    return None


def find_backends(data: Path) -> list[psutil.Process]:
    """The processes of servers of this data folder, by the folder that they work in."""

    def belongs(process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and Path(process.cwd()) == data.resolve()
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if belongs(process)]


def end_process(process: psutil.Process | None) -> None:
    """Fast shutdown (sessions are ended, nothing is lost), then immediate, then kill."""
    if process is None:
        return
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for order, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, QUIT_SECONDS)):
        try:
            process.send_signal(order)
        except psutil.NoSuchProcess:
            break
        if wait_until(lambda: _is_gone(process), seconds):
            break
    kill_processes(family)


def kill_processes(family: list[psutil.Process]) -> None:
    """Kill -9, and wait until all of them are gone."""
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    wait_until(lambda: all(_is_gone(member) for member in family), STOP_SECONDS)


def _is_gone(process: psutil.Process) -> bool:
    """Whether it has ended; a child of ours stays a zombie until its owner looks."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Look until it is done; False when time is up. There is nothing here to be woken by."""
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True
