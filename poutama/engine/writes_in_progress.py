"""Requests that finish though their client has left: those that write.

The engine marks the task of a mutation while it writes; `edge.asgi` asks before it cancels the
request of a client that is gone. A read is cancelled, at the database as well: its answer is for
no one. A write cut off in the middle would leave its caller, who may send it again under its
idempotency key, to find out what became of it. Its deadline ends it all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_writing: set[asyncio.Task[Any]] = set()


@contextmanager
def finish_writing() -> Iterator[None]:
    """Mark the task that runs the block as one that writes."""
    task = asyncio.current_task()
    assert task is not None, "an engine runs in a task"
    _writing.add(task)
    try:
        yield
    finally:
        _writing.discard(task)


def is_writing(task: asyncio.Task[Any] | None) -> bool:
    """Whether the task is in the middle of a mutation."""
    return task in _writing
