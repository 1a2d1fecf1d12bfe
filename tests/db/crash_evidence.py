"""A worker at evidence, killed -9 on cue, by `tests.db.killable_processes` with URL FOLDER JOB N.

It dies before, or right after, whatever it does to the database or to the store: N counts both.
It exits with 0 when it comes to the job's end first.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.settings import Settings
from poutama.store.objects import ObjectStore
from tests.db.evidence_harness import EvidenceHarness

TOUCHING = ("describe", "download", "put", "delete")


class CrashCountdown:
    """Burns down by one whenever something was done."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._burnt = itertools.count(1)

    def burn(self, _: StatementTrace | None = None) -> None:
        if next(self._burnt) == self._length:
            os.kill(os.getpid(), signal.SIGKILL)


class CrashingStore:
    """A store at which one may die before and after each touch."""

    def __init__(self, store: ObjectStore, fuse: CrashCountdown) -> None:
        self._store = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in TOUCHING:
            return method

        async def touch(*args: Any, **more: Any) -> Any:
            self._fuse.burn()
            result = await method(*args, **more)
            self._fuse.burn()
            return result

        return touch


async def run(url: str, folder: Path, job: UUID, number: int) -> None:
    fuse = CrashCountdown(number)
    database = Database(Settings(), url=url)
    harness = EvidenceHarness(database, folder)
    store: Any = CrashingStore(harness.store, fuse)
    with database.observe(fuse.burn):
        await harness.run(job, store)
    await database.close()


def main(arguments: list[str]) -> None:
    url, folder, job, number = arguments
    asyncio.run(run(url, Path(folder), UUID(job), int(number)))
