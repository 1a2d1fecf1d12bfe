"""A worker in a process of its own that runs one export, and kills itself where the test says.

    python -m tests.db.export_worker URL FOLDER JOB EVENT

Events are numbered from 1 in the order in which they happen: a step is called, something is about
to be put into the store or deleted from it, that was done, a step returns. Prints how many there
were, and the process's largest memory in kilobytes, if it comes to the end.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from poutama.db.connection import Database
from poutama.features.exports.steps import (
    ExportProgress,
    ExportStep,
    export_step,
)
from poutama.jobs.job import Finished
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore
from tests.db.journey_exporter import SECRET, build_worker


@dataclass(slots=True)
class EventCounter:
    """Counts events; tolls for the process at the one that it waits for."""

    last: int
    rung: int = 0

    def ring(self) -> None:
        self.rung += 1
        if self.rung == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class CountingStore(DirectoryStore):
    """A store that rings before and after every change."""

    def __init__(self, folder: Path, bell: EventCounter) -> None:
        super().__init__(folder, SECRET)
        self._bell = bell

    async def put(self, key: str, content: bytes | Path, *, media_type: str) -> None:
        self._bell.ring()
        await super().put(key, content, media_type=media_type)
        self._bell.ring()

    async def delete(self, keys: Iterable[str]) -> None:
        self._bell.ring()
        await super().delete(keys)
        self._bell.ring()


async def run(url: str, folder: str, job: str, event: str) -> None:
    bell = EventCounter(int(event))

    async def step(step: ExportStep) -> ExportProgress | Finished:
        bell.ring()
        returned = await export_step(step)
        bell.ring()
        return returned

    database = Database(Settings(), url=url)
    try:
        worker = build_worker(database, CountingStore(Path(folder), bell), step)
        state = await worker.run(UUID(job), deadline=time.monotonic() + 600)
        assert state == "SUCCEEDED", state
    finally:
        await database.close()
    print(bell.rung, largest_memory())


def largest_memory() -> int:
    """In kilobytes; what `getrusage` tells on Linux may be that of the process that started us."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])


def main(arguments: list[str]) -> None:
    asyncio.run(run(*arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
