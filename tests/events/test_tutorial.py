"""docs/tutorial.md, followed literally: its files are written, its commands typed, in order."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.up_process import UpProcess, environment, up
from tests.events.test_extend import UNINSTALL, Checkout, check_out

PAGE = Path(__file__).parents[2].joinpath("docs", "tutorial.md").read_text("utf-8")
PART = re.compile(
    r"^`(?P<file>[^`\n]+)`(?P<add> \(add\))?:\n```\w+\n(?P<text>.*?)^```$"
    r"|^```console\n(?P<console>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SHOWN_ADDRESS = "http://127.0.0.1:8000"


@dataclass(slots=True)
class Reader:
    """A reader with two terminals and an editor."""

    checkout: Checkout
    stack: ExitStack
    running: UpProcess | None = None
    address: str = ""
    functions: str = ""
    answers: list[tuple[str, str]] = field(default_factory=list)

    def write(self, file: str, text: str, *, add: bool) -> None:
        path = self.checkout.folder.parent / "cheers" / file
        before = path.read_text("utf-8") + "\n" if add else ""
        path.write_text(before + text, encoding="utf-8")

    def type(self, command: str) -> str:
        """What the command prints, with the address that the page shows."""
        if command == "make up":
            return f"ready: {self.restart()}\n"
        if re.match(r"\w+\(\) \{", command):
            self.functions += command.replace(SHOWN_ADDRESS, self.address) + "\n"
            return ""
        done = subprocess.run(
            ["bash", "-c", self.functions + command],
            cwd=self.checkout.folder,
            env=environment(self.checkout.folder / "home"),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def restart(self) -> str:
        """Stop it, if it runs, and start it again at another port; returns the page's address."""
        if self.running is not None:
            assert self.running.end(signal.SIGINT) == 0
        home, program = self.checkout.folder / "home", self.checkout.program
        self.running = self.stack.enter_context(up(home, program=program))
        before, self.address = self.address, self.running.wait_until_ready()
        self.functions = self.functions.replace(before or SHOWN_ADDRESS, self.address)
        return SHOWN_ADDRESS


@pytest.fixture
def reader() -> Iterator[Reader]:
    work = Path(tempfile.mkdtemp(prefix="poutama-"))
    try:
        with ExitStack() as stack:
            checkout = check_out(work / "poutama")
            checkout.run(UNINSTALL)
            yield Reader(checkout, stack)
    finally:
        shutil.rmtree(work)


def test_a_reader_who_follows_it_sees_what_it_shows(reader: Reader) -> None:
    parts = list(PART.finditer(PAGE))
    assert len(parts) == PAGE.count("\n```\n")
    seen = []
    for part in parts:
        if part["file"] is not None:
            reader.write(part["file"], part["text"], add=part["add"] is not None)
            continue
        for session in re.split(r"^\$ ", part["console"], flags=re.MULTILINE)[1:]:
            command, _, shown = session.partition("\n")
            seen.append((command, reader.type(command), shown))
    assert [(command, printed) for command, printed, _ in seen] == [
        (command, shown) for command, _, shown in seen
    ]
    assert len(seen) > 15
