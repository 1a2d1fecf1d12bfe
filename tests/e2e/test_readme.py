"""The README's two commands print what it shows, as a person types them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.e2e.up_process import POUTAMA, environment, up, without_notices

README = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
STARTED, QUERIED = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"127\.0\.0\.1:\d+|\d+(?:\.\d+)+")
"""Versions and ports: what differs from one machine and run to the next."""
SECONDS = re.compile(r" \([\d.]+ s\)")
"""How long a step took, which is left out where it took no time."""


def typed(block: str) -> list[str]:
    """The commands of a console session, without what they print."""
    found = re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)
    assert found
    return found


def printed(block: str) -> str:
    return re.sub(r"^\$ (?:.*\\\n)*.*\n", "", block, flags=re.MULTILINE)


def masked(text: str) -> list[str]:
    return [NUMBER.sub("*", SECONDS.sub("", line)).strip() for line in text.splitlines()]


def test_the_two_commands_print_what_is_shown(data_folder: Path) -> None:
    home = data_folder / "home"
    with up(home) as running:
        address = running.wait_until_ready()
        running.wait_for("^  (stop) ")
        commands = "\n".join(typed(QUERIED)).replace("http://127.0.0.1:8000", address)
        done = subprocess.run(
            ["bash", "-c", commands.replace(".venv/bin/poutama", str(POUTAMA))],
            env=environment(home),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    shown = [line.replace(".poutama", str(home)) for line in masked(printed(STARTED))]
    said = masked(without_notices(running.said).replace(str(POUTAMA), ".venv/bin/poutama"))
    # A machine may have GraphiQL installed already, and count migrations and people of its own.
    assert [line.split("  ")[0] for line in said] == [line.split("  ")[0] for line in shown]
    assert said[:4] == shown[:4]
    assert said[5:] == shown[5:]
    assert done.stdout.strip() == printed(QUERIED).strip(), done.stderr


def test_the_commands_are_those_of_the_makefile() -> None:
    [command] = typed(STARTED)
    makefile = (Path(__file__).parents[2] / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)
    assert command.removeprefix("make ") in targets
    assert [each for each in re.findall(r"`make ([a-z-]+)`", README) if each not in targets] == []


def test_it_fits_on_a_screen_and_a_half() -> None:
    assert len(README.splitlines()) <= 75
