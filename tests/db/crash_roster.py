"""A worker at a roster, killed -9 on cue, by `tests.db.killable_processes` with URL FOLDER JOB N.

It dies within the transaction of its N-th step: the steps before are committed, and that one has
done all that it does outside of it. It exits with 0 when it comes to the job's end first.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from pathlib import Path
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.settings import Settings
from tests.db.roster_importer import Importer


async def run(url: str, folder: Path, job: UUID, number: int) -> None:
    steps = itertools.count(1)

    def watch(trace: StatementTrace) -> None:
        # The first statement of a step's transaction; its effects come after.
        if trace.name == "step/1" and next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    database = Database(Settings(), url=url)
    with database.observe(watch):
        await Importer(database, folder).run(job)
    await database.close()


def main(arguments: list[str]) -> None:
    url, folder, job, number = arguments
    asyncio.run(run(url, Path(folder), UUID(job), int(number)))
