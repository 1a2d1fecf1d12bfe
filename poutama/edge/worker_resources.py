"""What workers need beyond the API: jobs are run, and may ask the API's own questions.

`edge.lambda_jobs`, `edge.lambda_schedule` and `server.worker_process` call it. Kept apart from
`edge.application` for the API's sake, which starts without it; and it knows no kinds of jobs
itself, for the sake of the schedule, which runs none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID

from poutama.changes import ChangePlans
from poutama.edge.application import Resources, compute_fields
from poutama.engine import Engine
from poutama.errors import PoutamaError
from poutama.features import load_model
from poutama.jobs.job import AnyJobKind
from poutama.permits import Permits
from poutama.plan.operation import GraphQLRequest
from poutama.scanner.virus_scanner import open_scanner
from poutama.schedule import TaskContext
from poutama.viewer import Viewer
from poutama.worker import Worker


@dataclass(frozen=True, slots=True)
class EngineQuery:
    """See `poutama.jobs.job.Query`: the engine, read-only, as a person, without a budget.

    Trusted documents are about what clients may send; what a job asks is as trusted as its code.
    """

    engine: Engine
    seconds: float

    async def __call__(
        self, document: str, variables: Mapping[str, Any], person: UUID
    ) -> dict[str, Any]:
        answer = await self.engine.execute(
            GraphQLRequest(document, variables=variables),
            Viewer(person),
            deadline=monotonic() + self.seconds,
            read_only=True,
        )
        response = json.loads(answer.body)
        data: dict[str, Any] | None = response.get("data")
        if data is None:
            raise _error_of(response["errors"][0])
        # With data, the errors are of rows that are named and not found: null stands for them.
        return data


def open_query(resources: Resources) -> EngineQuery:
    """What steps ask questions with."""
    settings = resources.settings
    engine = Engine(
        load_model(), resources.database, settings, {}, computed=compute_fields(resources)
    )
    return EngineQuery(engine, settings.request_seconds)


def open_worker(resources: Resources, kinds: Mapping[str, AnyJobKind]) -> Worker:
    """A worker for these kinds of jobs; with none it can still sweep.

    Raises:
        ConfigurationError: the virus scanner of the settings cannot be used.
    """
    model = load_model()
    # Now, and not with the first file: a setting that cannot be used stops the process.
    open_scanner(resources.settings)
    return Worker(
        database=resources.database,
        store=resources.store,
        queue=resources.queue,
        kinds=kinds,
        query=open_query(resources),
        settings=resources.settings,
        permits=Permits(model, resources.database),
        plans=ChangePlans(model, resources.settings),
    )


def open_task_contexts(resources: Resources) -> Callable[[float], TaskContext]:
    """What gives scheduled tasks what they need, until a deadline."""
    worker, plans = open_worker(resources, {}), ChangePlans(load_model(), resources.settings)

    def open_context(deadline: float) -> TaskContext:
        return TaskContext(
            database=resources.database,
            store=resources.store,
            settings=resources.settings,
            sweep=lambda until: worker.sweep(deadline=until),
            deadline=deadline,
            plans=plans,
        )

    return open_context


def _error_of(entry: Mapping[str, Any]) -> PoutamaError:
    """Return the error that the API would have answered with."""
    code = entry.get("extensions", {}).get("code")
    for kind in _kinds_of_errors(PoutamaError):
        if kind.safe and kind.code == code:
            return kind(entry["message"])
    return PoutamaError(entry["message"])


def _kinds_of_errors(kind: type[PoutamaError]) -> Iterator[type[PoutamaError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _kinds_of_errors(child)
