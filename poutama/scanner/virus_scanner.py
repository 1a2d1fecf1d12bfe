"""What a virus scanner is to those who have files: a name for what it finds, or nothing.

Jobs that read people's files ask it before they open one. Which scanner there is, the settings say;
where there is one, a file that it has not scanned is served to no reader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from poutama.scanner.clamd import ClamdScanner
from poutama.settings import Settings


class VirusScanner(Protocol):
    """A scanner, wherever it runs."""

    async def scan(self, path: Path, *, deadline: float) -> str | None:
        """The scanner's name for what is in the file; None where it finds nothing.

        Args:
            path: the file, on this machine.
            deadline: absolute `time.monotonic()` by which it must have answered.

        Raises:
            UnavailableError: it cannot be reached, does not answer in time, or could not scan the
                file. That is never taken for nothing.
        """
        ...


def open_scanner(settings: Settings) -> VirusScanner | None:
    """The scanner of the settings; None where they name none. Nothing is connected yet.

    Raises:
        ConfigurationError: `scanner` is not an address, or `scanner_seconds` not a time.
    """
    if not settings.scanner:
        return None
    return ClamdScanner(settings.scanner, settings.scanner_seconds)
