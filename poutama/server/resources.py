"""The resources of a long-running process: a database, files in a folder, a queue in memory.

`make up`, `poutama serve`, `poutama worker` and their processes open them. Where the settings name
a bucket or a queue of AWS's, or of something that speaks the same, those are used instead.
"""

from __future__ import annotations

import os
from pathlib import Path

from poutama.db.connection import Database
from poutama.edge.application import Resources
from poutama.jobs.local_queue import LocalQueue
from poutama.jobs.sqs import SqsQueue
from poutama.settings import Settings
from poutama.store.choose import open_store
from poutama.store.objects import ObjectStore

_MARGIN_SECONDS = 60.0


def open_server_resources(
    settings: Settings, url: str, home: Path, store: ObjectStore | None = None
) -> Resources:
    """Open them; nothing is connected yet.

    Args:
        settings: all of them.
        url: of the database.
        home: the data folder.
        store: the one to use, where it is open already.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    # What is not done when a worker's time is up has been sent again by the worker itself.
    visibility = settings.job_seconds + _MARGIN_SECONDS
    return Resources(
        settings=settings,
        database=Database(settings, url=url),
        store=store or open_store(settings, os.environ, home),
        queue=SqsQueue(settings) if settings.queue_url else LocalQueue(visibility=visibility),
    )
