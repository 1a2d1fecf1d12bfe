"""A process that prints one volume, and ends: `... FOLDER`.

`printing` starts it. Its limits are set before the texts are laid out, which can take a thousand
times their memory. It has no credentials in its environment, reads one folder and writes into it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec

from poutama.features.exports.journey import Heading, JourneyGoal, PlainSection
from poutama.features.exports.pdf_document import Volume, print_journey
from poutama.isolated_process import Limits, limit_process

REQUEST, RESULT, PICTURES = "request.json", "volume.pdf", "*.jpg"
"""In the folder: what is printed, the PDF, and the pictures by the ids of their evidence."""
TOO_LONG = 3
"""How the process ends for a volume that takes more memory than there is."""

LIMITS = Limits(memory=1_500_000_000, cpu=120, file=500_000_000)


@dataclass(frozen=True, slots=True)
class PrintRequest:
    """What `print_journey` is called with, besides the pictures."""

    heading: Heading
    goals: Sequence[JourneyGoal]
    volume: Volume
    sections: Sequence[PlainSection]


def run_print_process(arguments: Sequence[str]) -> int:
    """Print the volume in the folder that the arguments name; returns how the process ends."""
    limit_process(LIMITS)
    folder = Path(arguments[0])
    try:
        request = msgspec.json.decode((folder / REQUEST).read_bytes(), type=PrintRequest)
        pictures = {UUID(path.stem): path.read_bytes() for path in folder.glob(PICTURES)}
        content = print_journey(
            request.heading, request.goals, request.volume, pictures, request.sections
        )
    except MemoryError:
        return TOO_LONG
    (folder / RESULT).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(run_print_process(sys.argv[1:]))
