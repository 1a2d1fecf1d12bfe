"""Choose the next job: interactive kinds first, then the organisation or person with least running.

Called by `poutama.worker`. A message names a job and wakes a worker; the worker runs the job that
is next, which may be another. The number of bulk jobs that run at once is limited, in all and for
each organisation. A bulk job that a limit keeps waiting has no message: one that leaves its worker
sends it. Reads the table; claims nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from json import dumps
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.statements import load_sql
from poutama.jobs.job import Job
from poutama.settings import Settings

_SQL = load_sql(__package__, "next_job.sql", {})


@dataclass(frozen=True, slots=True)
class Choice:
    """A job that is due, and whether it is of an interactive kind."""

    job: UUID
    interactive: bool


@dataclass(frozen=True, slots=True)
class JobChooser:
    """Chooses jobs for the workers of one process; keeps nothing in memory."""

    database: Database
    settings: Settings
    interactive: Collection[str]

    async def choose(self, preferred: UUID | None, *, deadline: float) -> Choice | None:
        """Return the job that a free worker should claim; None where all that are due must wait.

        Args:
            preferred: wins among equals: the job of the message, so that workers spread.
            deadline: absolute `time.monotonic()`.

        Raises:
            PoutamaError: as `Database.read`.
        """
        return await self._choose(preferred, None, 0.0, deadline)

    async def find_waiting(self, running: Job, *, waited: float, deadline: float) -> Choice | None:
        """Return a job that has waited `waited` seconds and that a running bulk job yields to.

        Raises:
            PoutamaError: as `Database.read`.
        """
        holder = running.organisation_id or running.person_id
        return await self._choose(running.id, holder, waited, deadline)

    async def _choose(
        self, job: UUID | None, holder: UUID | None, waited: float, deadline: float
    ) -> Choice | None:
        values = (
            job,
            dumps(sorted(self.interactive)),
            self.settings.job_bulk_running,
            self.settings.job_bulk_running_each,
            holder,
            float(waited),
        )
        rows = await self.database.read(_SQL["choose"], values, deadline=deadline, name="choose")
        return Choice(rows[0]["id"], rows[0]["interactive"]) if rows else None
