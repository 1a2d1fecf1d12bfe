"""How long a supervisor waits before it replaces a process, and what it calls the end of one."""

from __future__ import annotations

import signal

import pytest

from poutama.server.restarts import MAX_SECONDS, YOUNG_SECONDS, RestartDelay, describe_exit


def test_processes_that_die_young_are_replaced_ever_more_slowly() -> None:
    delay = RestartDelay()
    assert [delay.after(1.0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, MAX_SECONDS, MAX_SECONDS]
    # AND one that has lived is replaced as if it were the first
    assert [delay.after(YOUNG_SECONDS), delay.after(1.0)] == [1, 2]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (1, "exit code 1"),
        (-signal.SIGKILL, "killed by SIGKILL"),
        (-63, "killed by signal 63"),
    ],
)
def test_an_end_is_described(code: int, words: str) -> None:
    assert describe_exit(code) == words
