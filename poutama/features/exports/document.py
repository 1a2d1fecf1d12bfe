"""`journey.json`: the whole journey as one JSON document, written goal by goal.

Pure. The shape is a promise to those who read these files years later: `docs/exports.md` describes
it, `VERSION` grows when something in it is renamed or removed, and additions leave it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json import dumps

from poutama.export_section import JsonObject
from poutama.features.exports.journey import Heading
from poutama.schema.scalars import print_date_time

FORMAT = "poutama.journey"
VERSION = 1


def write_document(
    heading: Heading, goals: Iterable[JsonObject], person: JsonObject
) -> Iterator[str]:
    """The document's text in pieces, one for each goal; joined they are indented JSON.

    `person` has the rows of the sections under the person, by their names.
    """
    opening = dumps({**_opening(heading), **person}, ensure_ascii=False, indent=2)
    yield opening.removesuffix("\n}") + ',\n  "goals": ['
    separator = "\n"
    for goal in goals:
        text = dumps(goal, ensure_ascii=False, indent=2)
        # No string holds a raw line break, so every line is one of the document's own.
        yield separator + "\n".join(f"    {line}" for line in text.split("\n"))
        separator = ",\n"
    yield "]\n}\n" if separator == "\n" else "\n  ]\n}\n"


def _opening(heading: Heading) -> JsonObject:
    return {
        "format": FORMAT,
        "version": VERSION,
        "asOf": print_date_time(heading.as_of),
        "timeZone": heading.time_zone,
        "person": {"id": str(heading.person_id), "name": heading.name},
    }
