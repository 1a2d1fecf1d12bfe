"""A signal that comes at a bad moment."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.selector_events import BaseSelectorEventLoop

import pytest

from poutama.server.stop import Stopped, StopRequest


def run_and_wait(seconds: float) -> None:
    asyncio.run(asyncio.sleep(seconds))
    signal.pause()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["_make_self_pipe", "_close_self_pipe"])
def test_an_event_loop_is_made_or_closed_as_a_whole_before_a_signal_stops_anything(
    monkeypatch: pytest.MonkeyPatch, moment: str, number: signal.Signals
) -> None:
    """What is half made would complain when it is collected: warnings are errors here."""
    whole = getattr(BaseSelectorEventLoop, moment)
    finished = []

    def interrupted(loop: BaseSelectorEventLoop) -> None:
        os.kill(os.getpid(), number)
        whole(loop)
        finished.append(loop)

    monkeypatch.setattr(BaseSelectorEventLoop, moment, interrupted)
    with StopRequest(), pytest.raises(Stopped):
        run_and_wait(0 if moment == "_close_self_pipe" else 60)
    assert finished
