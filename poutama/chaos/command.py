"""The command `poutama chaos`: opens a database and a history file, and prints the verdict.

The command line calls `run_and_judge` and `verify`. Without a URL it runs an embedded PostgreSQL
in a folder of its own and kills that; it never touches the one that `poutama up` runs.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import msgspec
from rich.console import Console

from poutama.chaos.chaos_rows import find_rows
from poutama.chaos.counters import RunCounters
from poutama.chaos.database_nodes import CommandNodes, Commands, EmbeddedNode, Nodes
from poutama.chaos.display import print_verdict, watch
from poutama.chaos.durability import judge
from poutama.chaos.history import History, HistoryFile, read_history
from poutama.chaos.run import AUDIT_SECONDS, ChaosPlan, MakeExecute, run_chaos
from poutama.db.connection import Database
from poutama.db.embedded import EmbeddedServer
from poutama.db.migrate import migrate
from poutama.settings import Settings


class StoppableRun(Protocol):
    """What the first signal stops gently, and the second at once."""

    should_exit: bool
    force_exit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command line."""

    seconds: float
    writers: int
    readers: int
    every: float
    url: str
    """Empty for an embedded PostgreSQL of the run's own."""
    nodes: tuple[str, ...]
    commands: Commands
    history: Path | None
    """None for a file in the home folder, named after the moment and the run."""
    keep: bool

    def plan(self) -> ChaosPlan:
        """What to do, under a name of its own."""
        return ChaosPlan(
            name=uuid4().hex[:8],
            began=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=self.seconds,
            writers=self.writers,
            readers=self.readers,
            every=self.every,
            # An embedded database is kept, or removed, as a whole.
            keep=self.keep or not self.url,
        )


def run_and_judge(
    options: Options,
    settings: Settings,
    home: Path,
    make_execute: MakeExecute,
    listen: Callable[[StoppableRun], None],
) -> bool:
    """Run, audit and judge; whether every promise was kept.

    Args:
        options: those of the command line.
        settings: how to connect.
        home: where histories are kept that have no place of their own.
        make_execute: puts the API's engine over a database.
        listen: stops its argument when a signal comes.

    Raises:
        ConfigurationError: the options, the file or the database cannot be used.
        UnavailableError, DeadlineExceededError: the database did not answer.
        KeyboardInterrupt: asked twice to stop; there is no verdict.
    """
    console = Console()
    plan = options.plan()
    moment = plan.began.partition("+")[0].replace(":", "")
    path = options.history or home / "chaos" / f"{moment}-{plan.name}.jsonl"
    with HistoryFile(path) as file, _open_nodes(options, console) as (nodes, url):

        async def run() -> None:
            counters, stop = RunCounters(file.write), asyncio.Event()
            listen(_RunStopper(asyncio.get_running_loop(), stop, asyncio.current_task()))
            async with watch(counters, console):
                await run_chaos(plan, nodes, (settings, url), make_execute, counters, stop)

        try:
            asyncio.run(run())
        except asyncio.CancelledError as error:
            raise KeyboardInterrupt from error
    console.print(f"history: {path}", highlight=False, soft_wrap=True)
    return _print_judgement(read_history(path), console)


def verify(path: Path, settings: Settings, url: str) -> bool:
    """Judge a history again; with a URL, by what that database holds now.

    Raises:
        ConfigurationError: the file is not a history.
        UnavailableError, DeadlineExceededError: the database did not answer.
    """
    history = read_history(path)
    if url:
        history = asyncio.run(_read_again(history, settings, url))
    return _print_judgement(history, Console())


async def _read_again(history: History, settings: Settings, url: str) -> History:
    database = Database(replace(settings, request_seconds=AUDIT_SECONDS, pool_size=1), url=url)
    try:
        deadline = time.monotonic() + AUDIT_SECONDS
        found = await find_rows(database, history.run.name, deadline=deadline)
        return msgspec.structs.replace(history, found=found)
    finally:
        await database.close()


def _print_judgement(history: History, console: Console) -> bool:
    verdict = judge(history)
    print_verdict(history, verdict, console)
    return verdict.passed


@contextmanager
def _open_nodes(options: Options, console: Console) -> Iterator[tuple[Nodes, str]]:
    """The nodes to stop, and the URL of the database."""
    if options.url or options.nodes:
        yield CommandNodes(options.nodes, options.commands), options.url
        return
    CommandNodes((), options.commands)  # commands are for nodes that are named
    folder = Path(tempfile.mkdtemp(prefix="poutama-chaos-"))
    server = EmbeddedServer(folder)
    try:
        with console.status("database"):
            server.start()
            migrate(server.url)
        yield EmbeddedNode(server), server.url
    finally:
        if options.keep:
            server.stop()
            console.print(f"database: {folder}", highlight=False, soft_wrap=True)
        else:
            server.discard()


class _RunStopper:
    """Stops a run by signals: the first ends the run and has it judged, the second just ends it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stop: asyncio.Event,
        task: asyncio.Task[None] | None,
    ) -> None:
        self._loop = loop
        self._stop = stop
        self._task = task

    @property
    def should_exit(self) -> bool:
        return self._stop.is_set()

    @should_exit.setter
    def should_exit(self, requested: bool) -> None:
        if requested and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    @property
    def force_exit(self) -> bool:
        return False

    @force_exit.setter
    def force_exit(self, requested: bool) -> None:
        if requested and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)
