"""Queues to hold against the contract: ours in this process, and SQS over moto's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from botocore.session import get_session

from poutama.jobs.local_queue import LocalQueue
from poutama.jobs.queue import Queue
from poutama.jobs.sqs import SqsQueue
from poutama.settings import Settings

REGION = "ap-southeast-2"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
VISIBILITY = 30


class InspectedQueue(Protocol):
    """A queue, and a look at its dead letters."""

    @property
    def queue(self) -> Queue: ...
    async def dead_letters(self) -> list[tuple[str, str]]:
        """Body and reason; the reason is empty where the queue itself gave a message up."""
        ...


OpenQueue = Callable[..., AbstractAsyncContextManager[InspectedQueue]]
"""`open_queue(visibility=..., max_received=...)`"""


@dataclass(frozen=True, slots=True)
class InspectedLocalQueue:
    """A queue in this process."""

    queue: LocalQueue

    async def dead_letters(self) -> list[tuple[str, str]]:
        return [(letter.body, letter.reason) for letter in self.queue.dead_letters]


@asynccontextmanager
async def open_local(
    visibility: int = VISIBILITY, max_received: int = 5
) -> AsyncIterator[InspectedLocalQueue]:
    queue = LocalQueue(visibility=visibility, max_received=max_received)
    yield InspectedLocalQueue(queue)
    await queue.close()


@dataclass(frozen=True, slots=True)
class InspectedSqsQueue:
    """A queue of moto's, with its dead letters."""

    queue: SqsQueue
    client: Any
    dead_url: str

    async def dead_letters(self) -> list[tuple[str, str]]:
        answer = await asyncio.to_thread(
            self.client.receive_message,
            QueueUrl=self.dead_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            MessageAttributeNames=["reason"],
        )
        return [
            (
                found["Body"],
                found.get("MessageAttributes", {}).get("reason", {}).get("StringValue", ""),
            )
            for found in answer.get("Messages", ())
        ]


def open_sqs(endpoint: str) -> OpenQueue:
    @asynccontextmanager
    async def open_queue(
        visibility: int = VISIBILITY, max_received: int = 5
    ) -> AsyncIterator[InspectedSqsQueue]:
        client: Any = get_session().create_client("sqs", region_name=REGION, endpoint_url=endpoint)
        dead_url = client.create_queue(QueueName=f"dead-{uuid4().hex}")["QueueUrl"]
        found = client.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
        target = found["Attributes"]["QueueArn"]
        policy = f'{{"deadLetterTargetArn": "{target}", "maxReceiveCount": "{max_received}"}}'
        attributes = {"VisibilityTimeout": str(visibility), "RedrivePolicy": policy}
        url = client.create_queue(QueueName=f"queue-{uuid4().hex}", Attributes=attributes)
        queue = SqsQueue(
            Settings(
                aws_endpoint=endpoint,
                aws_region=REGION,
                queue_url=url["QueueUrl"],
                dead_letter_url=dead_url,
            )
        )
        yield InspectedSqsQueue(queue, client, dead_url)
        await queue.close()
        client.close()

    return open_queue
