"""How a process that died is replaced: after how long, and in which words that is logged.

Called by the supervisors of `poutama serve`, of the worker and of the laptop's database. Starts
nothing itself.
"""

from __future__ import annotations

import signal

FIRST_SECONDS = 1.0
"""Between a process's death and the next one; doubled while they die young."""
MAX_SECONDS = 60.0
YOUNG_SECONDS = 30.0


class RestartDelay:
    """The pauses between the processes of one supervisor."""

    def __init__(self) -> None:
        self._seconds = FIRST_SECONDS / 2

    def after(self, lifetime: float) -> float:
        """Return the seconds to wait after a process that has lived so long."""
        young = lifetime < YOUNG_SECONDS
        self._seconds = min(2 * self._seconds, MAX_SECONDS) if young else FIRST_SECONDS
        return self._seconds


def describe_exit(code: int) -> str:
    """Return how a process ended, from what `subprocess` calls its return code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
