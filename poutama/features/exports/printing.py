"""Prints volumes of a journey in `print_process`, and bounds what is in one.

`steps` calls it, in threads. A volume that takes too much memory or time costs the export its PDF,
and nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from poutama.errors import PoutamaError
from poutama.export_section import JsonObject
from poutama.features.exports.print_process import REQUEST, RESULT, TOO_LONG, PrintRequest
from poutama.isolated_process import run_isolated

VOLUME_WEIGHT = 400_000
"""What the goals of one volume weigh at most, unless one alone weighs more: half a gigabyte of
memory and some ten seconds at worst (`tests/unit/features/exports/test_printing.py`)."""
SECONDS = 240.0
"""Longest that a volume may take on a busy machine; its processor time has a limit of its own."""
_LINE, _ROW = 10, 50


class PrintProcessError(PoutamaError):
    """The process that prints ended without an outcome."""


def weigh(goals: Iterable[JsonObject]) -> int:
    """How much there is to lay out, in characters: a line takes as much as ten, a row as fifty."""

    def weigh_value(value: Any) -> int:
        match value:
            case str():
                return len(value) + _LINE * len(value.splitlines())
            case list():
                return sum(map(weigh_value, value))
            case dict():
                return _ROW + sum(map(weigh_value, value.values()))
            case _:
                return 0

    return sum(map(weigh_value, goals))


def print_apart(request: PrintRequest, pictures: Mapping[UUID, bytes]) -> bytes | None:
    """Print a volume in a process of its own, as `print_journey`; None if it takes too much.

    Raises:
        PrintProcessError: the process failed.
    """
    with tempfile.TemporaryDirectory(prefix="poutama-print-") as name:
        folder = Path(name)
        (folder / REQUEST).write_bytes(msgspec.json.encode(request))
        for key, picture in pictures.items():
            (folder / f"{key}.jpg").write_bytes(picture)
        outcome = run_isolated("poutama.features.exports.print_process", name, seconds=SECONDS)
        if outcome.code in (None, TOO_LONG) or outcome.exceeded_limits:
            return None
        if outcome.code != 0:
            raise PrintProcessError(f"print_process ended with {outcome.code}: {outcome.error}")
        return (folder / RESULT).read_bytes()
