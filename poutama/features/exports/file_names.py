"""Names of files: safe on every system, unique in their folder, and still saying what they are.

Pure. Lower-case ASCII letters, digits and hyphens only, so no name is a path, a device or too long,
and none differs between systems that fold case or accents and those that do not.
"""

from __future__ import annotations

import re
from datetime import datetime

from poutama.features.exports.dates import in_zone
from poutama.media_types import extension_of
from poutama.text import fold, trim_marks

LONGEST = 48
_OTHER = re.compile(r"[^a-z0-9]+")


def shorten_name(text: str, otherwise: str) -> str:
    """A text as part of a file name; `otherwise` where no letter or digit of it is ASCII."""
    plain = _OTHER.sub("-", fold(trim_marks(text))).strip("-")[:LONGEST].rstrip("-")
    return plain or otherwise


def name_zip(person: str, as_of: datetime, time_zone: str) -> str:
    """What the finished export is offered as, such as `journey-mereana-2026-03-12.zip`."""
    return f"journey-{shorten_name(person, 'student')}-{in_zone(as_of, time_zone):%Y-%m-%d}.zip"


def name_file(section: str, goal: int, place: int, title: str, media_type: str) -> str:
    """Where a file lies in the zip: unique by the goal's number and the file's place in it."""
    name = f"{goal:04}-{place:02}-{shorten_name(title, 'file')}"
    return f"{section}/{name}.{extension_of(media_type)}"


def name_print(volume: int, volumes: int) -> str:
    """What the printable part of that number, from 1, is called."""
    if volumes == 1:
        return "journey.pdf"
    return f"journey-{volume:0{len(str(volumes))}}-of-{volumes}.pdf"
