"""SQS batches as a function: each message to the worker, and an answer that says which failed.

`edge.lambda_jobs` opens it. Messages that succeed are gone from the queue even when others of
their batch fail; those that fail come back after the queue's visibility time, and go to its dead
letters after too many times. Never raises for one message's sake.
Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import monotonic
from typing import Protocol, TypedDict

import msgspec

from poutama.edge.gateway import UnknownEventError, describe_event
from poutama.edge.invocation import Context, Environment, find_deadline
from poutama.errors import PoutamaError
from poutama.settings import Settings

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 5.0
"""Kept of an invocation's time: for what a worker still does after its deadline."""
_SOURCE = "aws:sqs"


class BatchItemFailure(TypedDict):
    """A message that is to be handed out again."""

    itemIdentifier: str


class BatchAnswer(TypedDict):
    """What a function returns to SQS."""

    batchItemFailures: list[BatchItemFailure]


class Handling(Protocol):
    """The worker, as far as it matters here."""

    async def handle(self, body: str, *, deadline: float) -> None: ...


class SqsRecord(msgspec.Struct, rename="camel"):
    """A message of a batch, as far as we look at it."""

    message_id: str
    body: str
    event_source: str


class _Batch(msgspec.Struct):
    Records: list[SqsRecord]


class BatchFunction:
    """Handles batches, one at a time."""

    def __init__(self, worker: Handling, settings: Settings, environment: Environment) -> None:
        self._worker = worker
        self._seconds = settings.job_seconds
        # A share of time in which no step could begin is not used.
        self._least = 2 * settings.job_margin_seconds
        self._environment = environment

    def __call__(self, event: object, context: Context) -> BatchAnswer:
        """Handle a batch.

        Raises:
            UnknownEventError: the event is none; all of it comes back.
        """
        records = read_batch(event)
        deadline = min(monotonic() + self._seconds, find_deadline(context, MARGIN_SECONDS))
        failed = self._environment.run(self._handle(records, deadline))
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    async def _handle(self, records: Sequence[SqsRecord], deadline: float) -> list[str]:
        """Handle the messages in turn, each with its share of the time that is left."""
        failed = []
        for place, record in enumerate(records):
            now = monotonic()
            share = max((deadline - now) / (len(records) - place), self._least)
            try:
                await self._worker.handle(record.body, deadline=min(now + share, deadline))
            except PoutamaError as error:
                logger.warning("message %s: %s", record.message_id, error.message)
                failed.append(record.message_id)
            except Exception:
                logger.exception("message %s: unexpected error", record.message_id)
                failed.append(record.message_id)
        return failed


def read_batch(event: object) -> list[SqsRecord]:
    """The messages of an event.

    Raises:
        UnknownEventError: it is not a batch of SQS; also logged, without its contents.
    """
    try:
        records = msgspec.convert(event, _Batch).Records
        if strange := {record.event_source for record in records} - {_SOURCE}:
            raise UnknownEventError(f"Records of {', '.join(sorted(strange))[:100]}, not of SQS.")
    except (msgspec.ValidationError, UnknownEventError) as error:
        message = f"Not a batch of SQS: {error}. Got {describe_event(event)}."
        logger.error(message)
        raise UnknownEventError(message) from error
    return records
