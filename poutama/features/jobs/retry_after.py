"""When to read a job again: the computed field `retryAfter`.

The API calls it for each job that a response shows. Pure; never reads a clock, so that a response
is the same for the same row.
"""

from __future__ import annotations

from datetime import datetime

_FIRST, _LONGEST = 1, 15
_SHARE = 10
"""Read again after a tenth of the time that the job has taken so far."""

_OPEN = frozenset({"QUEUED", "RUNNING"})


def suggest_pause(state: str, created_at: str, updated_at: str) -> int | None:
    """Return after how many seconds a client reads the job again; None once it has ended.

    Args:
        state: the job's.
        created_at: an ISO 8601 time with its zone.
        updated_at: when its row changed last, the same.
    """
    if state not in _OPEN:
        return None
    taken = datetime.fromisoformat(updated_at) - datetime.fromisoformat(created_at)
    return max(_FIRST, min(_LONGEST, round(taken.total_seconds() / _SHARE)))
