"""The protocol of a queue: messages are handed out until they are deleted.

`jobs.sqs` and `jobs.local_queue` are queues; one contract suite holds both. A message says only
which job to look at: losing one loses nothing, and getting one twice does nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps, loads
from typing import Protocol
from uuid import UUID


def write_body(job: UUID) -> str:
    """Return the body of a message about this job."""
    return dumps({"job": str(job)})


def read_body(body: str) -> UUID:
    """Return the job that a message is about.

    Raises:
        ValueError: it names no job; the message has the expected form.
    """
    try:
        return UUID(loads(body)["job"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError('Expected {"job": "<uuid>"}.') from error


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One message, as it was handed out this time.

    Attributes:
        id: the same each time it is handed out.
        body: as sent.
        receipt: names this handing-out; later ones have others.
        received: how often it was handed out, this time included.
    """

    id: str
    body: str
    receipt: str
    received: int


class Queue(Protocol):
    """Delivers the messages that wake workers."""

    async def send(self, body: str, *, delay: float = 0.0) -> None:
        """Add a message that is handed out after `delay` seconds, 900 at most.

        Raises:
            UnavailableError: the queue cannot be reached; the message may or may not be there.
        """
        ...

    async def receive(self, *, limit: int = 10, wait: float = 0.0) -> list[QueueMessage]:
        """Hand out up to `limit` messages; wait up to `wait` seconds for the first.

        They stay invisible to others for the queue's visibility time; a message not deleted in
        that time is handed out again, and after too many times goes to the dead letters.
        """
        ...

    async def delete(self, message: QueueMessage) -> None:
        """Delete a message that is done; one already deleted is not an error."""
        ...

    async def retry(self, message: QueueMessage, *, delay: float) -> None:
        """Hand a message out again after `delay` seconds, instead of the visibility time."""
        ...

    async def dead_letter(self, body: str, *, reason: str) -> None:
        """Move a message to the dead letters, with the reason."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
