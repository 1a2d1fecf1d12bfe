"""A queue in this process: what `make up` and the tests run on in place of SQS.

It behaves like SQS: messages are invisible while a worker has them, come back when they are not
deleted, and go to the dead letters after too many times. What it holds is gone with
the process; the job table is not, and the sweep sends again. It belongs to one event loop, polls
nothing, and touches neither database nor network.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from uuid import uuid4

from poutama.jobs.queue import QueueMessage

MAX_DEAD_LETTERS = 1_000
TOO_OFTEN = "The message was handed out {times} times and never deleted."


@dataclass(slots=True)
class _Held:
    """A message in the queue."""

    body: str
    visible_at: float
    id: str = field(default_factory=lambda: str(uuid4()))
    receipt: str = ""
    received: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that no worker could handle, and why."""

    body: str
    reason: str


class LocalQueue:
    """See `poutama.jobs.queue.Queue`."""

    def __init__(self, *, visibility: float = 900.0, max_received: int = 5) -> None:
        """Make it empty.

        Args:
            visibility: seconds for which a message that was handed out is invisible.
            max_received: how often it is handed out before it goes to the dead letters.
        """
        self._visibility = visibility
        self._max_received = max_received
        self._held: dict[str, _Held] = {}
        self._changed = asyncio.Event()
        self.dead_letters: deque[DeadLetter] = deque(maxlen=MAX_DEAD_LETTERS)

    def __len__(self) -> int:
        """How many messages it holds, those handed out included."""
        return len(self._held)

    async def send(self, body: str, *, delay: float = 0.0) -> None:
        held = _Held(body, time.monotonic() + delay)
        self._held[held.id] = held
        self._changed.set()

    async def receive(self, *, limit: int = 10, wait: float = 0.0) -> list[QueueMessage]:
        until = time.monotonic() + wait
        while True:
            # Cleared before looking: what changes from now on is seen the next time round.
            self._changed.clear()
            if found := self._hand_out(limit):
                return found
            now = time.monotonic()
            if now >= until:
                return []
            due = min((held.visible_at for held in self._held.values()), default=until)
            try:
                async with asyncio.timeout(max(0.0, min(due, until) - now)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def delete(self, message: QueueMessage) -> None:
        if self._is_current(message):
            del self._held[message.id]

    async def retry(self, message: QueueMessage, *, delay: float) -> None:
        if self._is_current(message):
            self._held[message.id].visible_at = time.monotonic() + delay
            self._changed.set()

    async def dead_letter(self, body: str, *, reason: str) -> None:
        self.dead_letters.append(DeadLetter(body, reason))

    async def close(self) -> None:
        self._held.clear()

    def _is_current(self, message: QueueMessage) -> bool:
        held = self._held.get(message.id)
        return held is not None and held.receipt == message.receipt

    def _hand_out(self, limit: int) -> list[QueueMessage]:
        now = time.monotonic()
        found: list[QueueMessage] = []
        for held in sorted(self._held.values(), key=lambda held: held.visible_at):
            if held.visible_at > now or len(found) == limit:
                break
            if held.received == self._max_received:
                del self._held[held.id]
                reason = TOO_OFTEN.format(times=held.received)
                self.dead_letters.append(DeadLetter(held.body, reason))
                continue
            held.received += 1
            held.receipt = str(uuid4())
            held.visible_at = now + self._visibility
            found.append(QueueMessage(held.id, held.body, held.receipt, held.received))
        return found
