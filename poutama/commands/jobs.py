"""`poutama jobs`: lists jobs, and retries or cancels one.

Called by the command line. Reads every person's jobs, as only the operator of the system may.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from asyncpg import Record
from rich.console import Console
from rich.table import Table

from poutama.commands.terminal_text import escape_text
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import DatabaseError, NotFoundError
from poutama.jobs import table
from poutama.jobs.job import JobState
from poutama.settings import Settings

SECONDS = 30.0
ID_WIDTH = 36
PIPE_WIDTH = 240
NO_SUCH_TABLE = "42P01"
COLOURS = {
    JobState.QUEUED: "yellow",
    JobState.RUNNING: "cyan",
    JobState.SUCCEEDED: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "dim",
}

T = TypeVar("T")

SEE_JOBS = "`poutama jobs` lists them"


def open_console() -> Console:
    """Where to print; what is piped elsewhere is not squeezed into a terminal's width."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


def show_jobs(
    settings: Settings, url: str, console: Console, *, state: str | None, limit: int
) -> None:
    """Print the newest jobs as a table.

    Raises:
        PoutamaError: the database cannot be asked, or has no tables yet.
    """

    async def call(database: Database) -> list[Record]:
        return await table.list_jobs(
            database, state=state, limit=limit, deadline=time.monotonic() + SECONDS
        )

    rows = _run(settings, url, call)
    console.print(render_jobs(rows) if rows else "no jobs")


def render_jobs(rows: list[Record]) -> Table:
    """The rows of `list_jobs`, for people."""
    shown = Table(box=None)
    shown.add_column("job", no_wrap=True, min_width=ID_WIDTH)  # whole: it is typed again
    for heading in ("kind", "state", "done", "tries", "age", "person", "why"):
        shown.add_column(heading)
    for row in rows:
        total = "" if row["total"] is None else f" of {row['total']:,}"
        colour = COLOURS[JobState(row["state"])]
        shown.add_row(
            str(row["id"]),
            escape_text(row["kind"]),
            f"[{colour}]{row['state']}[/{colour}]",
            f"{row['done']:,}{total}",
            str(row["attempts"]),
            _age(row["age"]),
            str(row["person_id"]),
            escape_text(row["failure"]),
        )
    return shown


def retry_job(settings: Settings, url: str, job: UUID) -> None:
    """Queue a job again that failed or was stopped; the next sweep wakes a worker for it.

    Raises:
        NotFoundError: there is none, or it neither failed nor was stopped.
        PoutamaError: the database cannot be asked.
    """

    async def call(database: Database) -> bool:
        return await table.retry(database, job, deadline=time.monotonic() + SECONDS)

    if not _run(settings, url, call):
        raise NotFoundError(
            f"job {job}: not found, or neither FAILED nor CANCELLED; `poutama jobs` lists them"
        )


def cancel_job(settings: Settings, url: str, job: UUID) -> None:
    """Stop a job.

    Raises:
        NotFoundError: there is none, or it has ended, or is to stop already.
        PoutamaError: the database cannot be asked.
    """

    async def stop(transaction: Transaction) -> bool:
        return await table.cancel(transaction, job)

    async def call(database: Database) -> bool:
        return await run_transaction(
            database, stop, deadline=time.monotonic() + SECONDS, name="cancel_job"
        )

    if not _run(settings, url, call):
        raise NotFoundError(
            f"job {job}: not found, or neither QUEUED nor RUNNING; `poutama jobs` lists them"
        )


def _run(settings: Settings, url: str, call: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        database = Database(settings, url=url)
        try:
            return await call(database)
        except DatabaseError as error:
            if error.sqlstate != NO_SUCH_TABLE:
                raise
            raise NotFoundError("there are no jobs yet: run `poutama migrate` first") from error
        finally:
            await database.close()

    return asyncio.run(run())


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
