"""`README.txt`: what is in the zip, for a reader years later. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from poutama.export_section import ExportSection
from poutama.features.exports.dates import name_place, print_day
from poutama.features.exports.file_names import name_print
from poutama.features.exports.journey import Heading

_FILES = "    The files themselves, if there are any. The number at the front is the goal's."


_TOO_LONG = "Its goals have more text than can be"
_ALL = "    printed: journey.json and csv/ have all of them."
_FOR_STAFF = (
    "NOTES FOR STAFF MAY BE IN IT. It must not be handed to the student or to caregivers.",
)


def write_readme(
    heading: Heading,
    volumes: int,
    sections: Sequence[ExportSection],
    notes_for_staff: bool = False,
    *,
    unprinted: Sequence[int] = (),
) -> Iterator[str]:
    """The text; line ends are those that every system's editor shows.

    `unprinted`: the numbers of the volumes that were too long to be laid out.
    """
    day = print_day(heading.as_of, heading.time_zone)
    yield "\r\n".join(
        (
            f"Learning journey of {heading.name}, as it was on {day}.",
            "",
            name_print(1, volumes) + (f" to {name_print(volumes, volumes)}" if volumes > 1 else ""),
            "    To read and to print: a timeline, and every goal with its tasks, notes and",
            "    pictures.",
            *_name_unprinted(unprinted, volumes),
            "csv/",
            f"    The same for a spreadsheet: {_name(sections)}. An apostrophe before",
            "    a text that begins like a formula was added here, and can be taken away.",
            "journey.json",
            "    The same for programs: every text exactly as it was written.",
            *(
                line
                for section in sections
                if section.files is not None
                for line in (f"{section.name}/", _FILES)
            ),
            "",
            "Each goal and note says who it is for (audience). Hand nothing on to others.",
            *(_FOR_STAFF if notes_for_staff else ()),
            "Times in csv/ and journey.json are in UTC. In csv/ the column after a time has the",
            f"day that it was in {name_place(heading.time_zone)}.",
            "",
        )
    )


def _name_unprinted(unprinted: Iterable[int], volumes: int) -> Iterator[str]:
    for number in unprinted:
        yield f"    {name_print(number, volumes)} is not here. {_TOO_LONG}"
        yield _ALL


def _name(sections: Iterable[ExportSection]) -> str:
    return ", ".join(section.name for section in sections)
