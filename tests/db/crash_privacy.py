"""A worker that erases, killed -9 on cue, by `tests.db.killable_processes` with URL FOLDER JOB N.

It dies before, or right after, each use of the database or the store: N counts both. It exits with
0 when it comes to the job's end first.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from poutama.db.connection import Database
from poutama.features.privacy.inputs import ERASURE
from poutama.features.privacy.job import ERASURE_JOB
from poutama.settings import Settings
from tests.db.crash_evidence import CrashCountdown, CrashingStore
from tests.db.evidence_harness import EvidenceHarness


async def run(url: str, folder: Path, job: UUID, number: int) -> None:
    fuse = CrashCountdown(number)
    database = Database(Settings(), url=url)
    harness = EvidenceHarness(database, folder, kinds={ERASURE: ERASURE_JOB})
    store: Any = CrashingStore(harness.store, fuse)
    with database.observe(fuse.burn):
        await harness.run(job, store)
    await database.close()


def main(arguments: list[str]) -> None:
    url, folder, job, number = arguments
    asyncio.run(run(url, Path(folder), UUID(job), int(number)))
