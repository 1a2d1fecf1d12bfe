"""A command that is silent for long says what it waits for, on standard error."""

from __future__ import annotations

from threading import Event

import pytest

from poutama.commands import notice as module
from poutama.commands.notice import notice


class ImmediateTimer:
    """Fires when it is started, and counts how often it was called off."""

    def __init__(self, seconds: float, act: object) -> None:
        self.seconds = seconds
        self.act = act
        self.cancelled = Event()

    daemon = False

    def start(self) -> None:
        assert callable(self.act)
        if self.seconds == 0:
            self.act()

    def cancel(self) -> None:
        self.cancelled.set()


def test_a_silent_block_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "Timer", ImmediateTimer)
    with notice("waiting for it", seconds=0):
        pass
    assert capsys.readouterr() == ("", "poutama: waiting for it\n")


def test_a_quick_block_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with notice("waiting for it", seconds=600):
        pass
    with notice("waiting for it", seconds=600) as call_off:
        call_off()
    assert capsys.readouterr() == ("", "")
