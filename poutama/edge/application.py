"""The composition root: what an entry point opens, from the settings it has read.

The functions' handlers and the local mode call it, so that both run the same. Nothing here reads
the environment, and nothing is connected before it is needed: a function's environment may be
made ready, or kept as a snapshot, long before the first request. `edge.worker_resources` adds what
only workers need, which would be dead weight for the API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.revisions import check_revisions
from poutama.edge.budget import open_budgets, open_new_budgets
from poutama.edge.http import Api, Route, Verifier
from poutama.edge.oidc import open_verifier
from poutama.edge.public_pages import open_pages
from poutama.edge.tokens import Authenticator
from poutama.engine import Engine
from poutama.engine.execution import Wake
from poutama.engine.trusted_documents import read_trusted_documents
from poutama.errors import ConfigurationError, UnavailableError
from poutama.features import load_features, load_model, needed_revisions
from poutama.jobs.queue import Queue, write_body
from poutama.jobs.sqs import SqsQueue
from poutama.schema.scalars import print_date_time
from poutama.settings import Settings
from poutama.sql.computed import Compute, ComputeFor
from poutama.store.aws import read_region
from poutama.store.objects import ObjectStore, UploadForm
from poutama.store.s3 import S3Store

MAX_DOWNLOAD_SECONDS, MAX_UPLOAD_SECONDS = 900, 3_600
"""How long an address or a form works at most, whatever the settings allow."""

HEALTH_SECONDS = 5.0
"""The longest that /healthz waits for the database."""

WAKE_SECONDS = 5.0
"""What a mutation that is done waits for the queue, at most: the sweep finds what was not sent. A
small function takes most of it to load the library, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one process has open: database, store and queue."""

    settings: Settings
    database: Database
    store: ObjectStore
    queue: Queue

    async def close(self) -> None:
        """Close every connection, even if closing one fails."""
        async with AsyncExitStack() as stack:
            for resource in (self.database, self.store, self.queue):
                stack.push_async_callback(resource.close)


def open_resources(settings: Settings, environment: Mapping[str, str]) -> Resources:
    """The resources of a function; nothing is connected yet.

    Args:
        settings: all of them.
        environment: where the runtime puts credentials and region.

    Raises:
        ConfigurationError: a setting is missing or cannot be used.
    """
    if not settings.store_bucket:
        raise ConfigurationError(
            "POUTAMA_STORE_BUCKET: expected the name of an S3 bucket, got nothing"
        )
    settings = replace(settings, aws_region=read_region(settings, environment))
    return Resources(
        settings=settings,
        database=Database(settings),
        store=S3Store(settings, environment),
        queue=SqsQueue(settings),
    )


def open_api(
    resources: Resources,
    *,
    verifier: Verifier | None = None,
    routes: Mapping[str, Route] | None = None,
    wake: Wake | None = None,
) -> Api:
    """Everything that is served under one address.

    Args:
        resources: of this process.
        verifier: of tokens; None: those of the issuers in the settings.
        routes: further pages by exact path.
        wake: has a worker look at a job; None: by the queue.

    Raises:
        ConfigurationError: a setting is missing or cannot be used.
    """
    settings, database = resources.settings, resources.database
    engine = Engine(
        load_model(),
        database,
        settings,
        load_features().procedures,
        read_trusted_documents(settings.trusted_documents, days=settings.trusted_document_days),
        compute_fields(resources),
        wake or wake_by(resources.queue),
    )
    return Api(
        engine,
        verifier or Authenticator(open_verifier(settings, database)),
        settings,
        health=lambda: ping_database(database),
        routes={**open_pages(load_features().pages, database), **(routes or {})},
        budgets=open_budgets(settings, database),
        new_budgets=open_new_budgets(settings, database),
    )


def compute_fields(resources: Resources) -> ComputeFor:
    """What the schema's `@computed` fields call: the store's signatures, and the features' own.

    An address is signed for the person who reads it.
    """
    store, settings = resources.store, resources.settings

    def sign(person: UUID, key: str, name: str, media_type: str, *, inline: bool = False) -> str:
        return store.sign_download(
            key,
            person=person,
            name=name,
            media_type=media_type,
            seconds=min(settings.download_seconds, MAX_DOWNLOAD_SECONDS),
            inline=inline,
        )

    def upload_form(key: str, media_type: str, size: int, sha256: str) -> dict[str, object]:
        seconds = min(settings.upload_seconds, MAX_UPLOAD_SECONDS)
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        form = store.sign_upload(
            key, media_type=media_type, size=size, sha256=sha256, seconds=seconds
        )
        return describe_form(form, expires, size)

    own = load_features().computed

    def compute_for(person: UUID) -> Mapping[str, Compute]:
        return {
            "download_url": partial(sign, person),
            "inline_url": partial(sign, person, inline=True),
            "upload_form": upload_form,
            **own,
        }

    return compute_for


def describe_form(form: UploadForm, expires: datetime, size: int) -> dict[str, object]:
    """An `UploadForm` of the schema; `expires`: a moment that is not after its end."""
    return {
        "url": form.url,
        "method": "POST",
        "fields": [{"name": name, "value": value} for name, value in form.fields.items()],
        "expiresAt": print_date_time(expires.replace(microsecond=0)),
        "maxBytes": size,
    }


def wake_by(queue: Queue, seconds: float = WAKE_SECONDS) -> Wake:
    """Return a function that wakes workers by a message, within `seconds`."""

    async def wake(job: UUID) -> None:
        try:
            async with asyncio.timeout(seconds):
                await queue.send(write_body(job))
        except TimeoutError as error:
            raise UnavailableError(f"The queue did not answer within {seconds:g} s.") from error

    return wake


async def ping_database(database: Database) -> None:
    """See whether the database answers, and has the migrations that the features need.

    Raises:
        ConfigurationError: a migration is missing; names it.
        UnavailableError, DeadlineExceededError, DatabaseError: the database does not answer.
    """
    await check_revisions(database, needed_revisions(), deadline=monotonic() + HEALTH_SECONDS)
