"""What a job of the kind EXPORT holds: its input, its checkpoint, and the keys of its files.

Light: the API imports it to enqueue a job; what a worker does with it is in `steps`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from poutama.features.exports.journey import Heading, Totals

EXPORT = "EXPORT"
"""The kind's name."""
PAGE = 20
"""Goals that are read at once, and lie in one part."""
VOLUME = 5
"""As many times these goals are printed into one PDF at most."""
TIME_ZONE = "Pacific/Auckland"
"""Of a person without an organisation that the viewer may see."""


class ExportInput(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"
):
    """What was requested.

    Attributes:
        person_id: whose journey.
        as_of: when it was requested.
        folder: where the job's files lie; the folder is the person's, so that erasing a person
            finds what was exported of them.
        notes_for_staff: whether what is for staff alone is in it.
        access: whether it answers the person's request for access: then it has more than a journey.
    """

    person_id: UUID
    as_of: datetime
    folder: str
    notes_for_staff: bool = False
    access: bool = False

    def part(self, number: int) -> str:
        """The key of the part of that number, from 1."""
        return f"{self.folder}/parts/{number:06}.json"

    def volume(self, number: int) -> str:
        """The key of the printed volume of that number, from 1."""
        return f"{self.folder}/parts/{number:06}.pdf"

    @property
    def person(self) -> str:
        """The key of what is under the person."""
        return f"{self.folder}/parts/person.json"

    @property
    def result(self) -> str:
        """The key of the finished zip."""
        return f"{self.folder}/journey.zip"


class ExportPhase(StrEnum):
    """What the next step does."""

    BEGIN = "begin"
    READ = "read"
    PRINT = "print"
    PACK = "pack"
    TIDY = "tidy"


class ExportCheckpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done so far.

    Attributes:
        phase: what the next step does.
        goals: how many were read.
        page: how many are read at once, where `PAGE` of them are too much; 0: they are not.
        parts: how many parts they are in.
        starts: the numbers of the first part and the first goal of each volume.
        weight: of the last volume, as `printing` weighs.
        volumes: how many were printed, or found too long to be.
        unprinted: the numbers of those that were too long.
        totals: how much there is in them.
        after: where the next page begins.
        name: the person's.
        time_zone: IANA name of the zone that dates are printed in.
    """

    phase: ExportPhase = ExportPhase.BEGIN
    goals: int = 0
    page: int = 0
    parts: int = 0
    starts: tuple[tuple[int, int], ...] = ((1, 1),)
    weight: int = 0
    volumes: int = 0
    unprinted: tuple[int, ...] = ()
    totals: Totals = Totals()
    after: str | None = None
    name: str = ""
    time_zone: str = TIME_ZONE

    @property
    def all_volumes(self) -> int:
        """How many there are so far; an empty journey has one as well."""
        return len(self.starts)

    def find_last(self, volume: int) -> tuple[int, int]:
        """The numbers of the last part and the last goal of a volume."""
        if volume == len(self.starts):
            return self.parts, self.goals
        part, goal = self.starts[volume]
        return part - 1, goal - 1

    def heading(self, input_: ExportInput) -> Heading:
        """Whose journey it is, and when it was so."""
        return Heading(
            person_id=input_.person_id,
            name=self.name,
            as_of=input_.as_of,
            time_zone=self.time_zone,
        )
