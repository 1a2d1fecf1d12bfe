"""SQS as the queue that wakes workers.

The only module that knows SQS's API. `edge.application` makes it where `queue_url` is set;
functions get their messages from AWS itself and only send, the tests also receive. Visibility time
and how often a message is handed out are the queue's own (`infra/`), not set here. The client is
made when first needed and shared: each call blocks a thread of the loop's pool, never the loop.
"""

from __future__ import annotations

import asyncio
import math
from threading import Lock
from typing import Any

from poutama.errors import ConfigurationError, UnavailableError
from poutama.jobs.queue import QueueMessage
from poutama.settings import Settings

CONNECT_SECONDS = 3
READ_SECONDS = 25
"""More than the longest wait for a message."""
LONGEST_WAIT = 20
LONGEST_DELAY = 900
MAX_MESSAGES = 10
LONGEST_REASON = 1_000

# The error codes of SQS for a message that is gone, or that another worker has.
_NOT_HELD = frozenset({"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"})


class SqsQueue:
    """See `poutama.jobs.queue.Queue`. May be used from any event loop."""

    def __init__(self, settings: Settings) -> None:
        """Sends nothing; credentials are AWS's own affair (environment, role).

        Raises:
            ConfigurationError: there is no `queue_url`.
        """
        if not settings.queue_url:
            raise ConfigurationError(
                "POUTAMA_QUEUE_URL: expected the URL of an SQS queue, got nothing"
            )
        self._settings = settings
        self._url = settings.queue_url
        self._client: Any = None
        self._making = Lock()

    async def send(self, body: str, *, delay: float = 0.0) -> None:
        seconds = min(LONGEST_DELAY, math.ceil(delay))
        await self._call("send_message", MessageBody=body, DelaySeconds=seconds)

    async def receive(self, *, limit: int = 10, wait: float = 0.0) -> list[QueueMessage]:
        answer = await self._call(
            "receive_message",
            MaxNumberOfMessages=min(MAX_MESSAGES, limit),
            WaitTimeSeconds=min(LONGEST_WAIT, math.ceil(wait)),
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            QueueMessage(
                id=found["MessageId"],
                body=found["Body"],
                receipt=found["ReceiptHandle"],
                received=int(found["Attributes"]["ApproximateReceiveCount"]),
            )
            for found in answer.get("Messages", ())
        ]

    async def delete(self, message: QueueMessage) -> None:
        await self._call("delete_message", ReceiptHandle=message.receipt)

    async def retry(self, message: QueueMessage, *, delay: float) -> None:
        await self._call(
            "change_message_visibility",
            ReceiptHandle=message.receipt,
            VisibilityTimeout=math.ceil(delay),
        )

    async def dead_letter(self, body: str, *, reason: str) -> None:
        if not self._settings.dead_letter_url:
            raise ConfigurationError(
                "POUTAMA_DEAD_LETTER_URL: expected the URL of an SQS queue, got nothing"
            )
        attribute = {"DataType": "String", "StringValue": reason[:LONGEST_REASON] or "unknown"}
        await self._call(
            "send_message",
            QueueUrl=self._settings.dead_letter_url,
            MessageBody=body,
            MessageAttributes={"reason": attribute},
        )

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _call(self, name: str, **arguments: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self._call_and_wait, name, arguments)

    def _call_and_wait(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call SQS from a thread.

        Raises:
            UnavailableError: it could not be reached, or refused.
            ConfigurationError: there are no credentials, or no region is set.
        """
        # heavy: a third of a second, and only here
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            NoRegionError,
        )

        try:
            call = getattr(self._open_client(), name)
            answer: dict[str, Any] = call(**{"QueueUrl": self._url, **arguments})
            return answer
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown").rpartition(".")[2]
            if "ReceiptHandle" in arguments and code in _NOT_HELD:
                return {}
            raise UnavailableError(f"The queue refused a call just now ({code}).") from error
        except (NoCredentialsError, NoRegionError) as error:
            raise ConfigurationError(f"SQS: {error}") from error
        except BotoCoreError as error:
            raise UnavailableError("The queue cannot be reached just now; try again.") from error

    def _open_client(self) -> Any:
        # heavy: a third of a second, and only here
        from botocore.config import Config
        from botocore.session import get_session

        with self._making:
            if self._client is None:
                self._client = get_session().create_client(
                    "sqs",
                    region_name=self._settings.aws_region or None,
                    endpoint_url=self._settings.aws_endpoint or None,
                    config=Config(
                        connect_timeout=CONNECT_SECONDS,
                        read_timeout=READ_SECONDS,
                        retries={"mode": "standard", "total_max_attempts": 3},
                    ),
                )
            return self._client
