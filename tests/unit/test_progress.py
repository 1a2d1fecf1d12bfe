"""A command that is silent for long says what it waits for, on standard error."""

from __future__ import annotations

from functools import partial
from io import StringIO
from threading import Event

import pytest
from rich.console import Console

from poutama import progress
from poutama.progress import ProgressLines, notice


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
    monkeypatch.setattr(progress, "Timer", ImmediateTimer)
    with notice("waiting for it", seconds=0):
        pass
    assert capsys.readouterr() == ("", "poutama: waiting for it\n")


def test_a_quick_block_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with notice("waiting for it", seconds=600):
        pass
    with notice("waiting for it", seconds=600) as call_off:
        call_off()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("counted", [False, True])
def test_a_long_step_is_reported_in_a_log_file_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], counted: bool
) -> None:
    monkeypatch.setattr(progress, "Timer", ImmediateTimer)
    monkeypatch.setattr(progress, "notice", partial(notice, seconds=0))
    log = StringIO()
    steps = ProgressLines(Console(file=log))
    with steps.count("api-arm64", 2) if counted else steps.step("api-arm64"):
        pass
    assert capsys.readouterr().err == "poutama: api-arm64 ...\n"
    assert log.getvalue() == "ok api-arm64    \n"


def test_a_step_on_a_terminal_has_a_spinner_and_no_notice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "Timer", ImmediateTimer)
    monkeypatch.setattr(progress, "notice", partial(notice, seconds=0))
    with ProgressLines(Console(file=StringIO(), force_terminal=True)).step("api-arm64"):
        pass
    assert capsys.readouterr().err == ""
