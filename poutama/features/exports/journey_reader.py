"""Reading a journey, page by page, by the API's own compiler: what the person who asked may see.

`steps` calls it with the step's `query`, so that rules and audit are those of any other read. Only
where a file lies is read from its table, and only of rows that the API has answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any
from uuid import UUID

from asyncpg import Record

from poutama.db.connection import Database
from poutama.export_section import ExportSection, JsonObject
from poutama.features.exports.file_names import name_file
from poutama.features.exports.job import TIME_ZONE
from poutama.features.exports.journey import JourneyPart, StoredFile
from poutama.features.exports.sections import Sections, select_page, select_whole
from poutama.jobs.job import Query

ROWS = 200
"""Rows of a list that are read at once, where lists are read by themselves."""


@dataclass(frozen=True, slots=True)
class GoalPage:
    """Some goals of a journey, in the order in which they were set.

    Attributes:
        part: the goals, and where their files are.
        person: section -> rows, of the sections under the person; on the first page alone.
        total: how many goals there are in all.
        after: where the next page begins; None after the last.
    """

    name: str
    time_zone: str
    part: JourneyPart
    person: JsonObject
    total: int
    after: str | None


async def read_page(
    query: Query,
    database: Database,
    sections: Sections,
    *,
    person: UUID,
    viewer: UUID,
    first: int,
    after: str | None,
    number: int,
    notes_for_staff: bool,
    deadline: float,
    by_lists: bool = False,
) -> GoalPage | None:
    """Read the next goals of `person` as `viewer` sees them; None if they do not see the person.

    `number` is that of the page's first goal within the journey, from 1. What is for staff alone is
    left out without `notes_for_staff`. With `by_lists` every list is read by itself, page by page,
    however long it is.

    Raises:
        PoutamaError: as the API would answer, or the database cannot be reached.
    """
    variables = {"person": str(person), "first": first, "after": after}
    read = _read_by_lists if by_lists else _read_at_once
    found = await read(query, sections, variables, viewer)
    if found is None:
        return None
    connection = found["goalsConnection"]
    info = connection["pageInfo"]
    if not notes_for_staff:
        _withhold(sections, connection["nodes"])
    return GoalPage(
        name=found["name"],
        time_zone=_find_time_zone(found["zones"]),
        part=await _read_part(database, sections, connection["nodes"], number, deadline),
        person=_read_person(sections, found) if after is None else {},
        total=connection["totalCount"],
        after=info["endCursor"] if info["hasNextPage"] else None,
    )


async def _read_at_once(
    query: Query, sections: Sections, variables: Mapping[str, Any], viewer: UUID
) -> JsonObject | None:
    document = sections.first_page if variables["after"] is None else sections.next_page
    found: JsonObject | None = (await query(document, variables, viewer))["person"]
    return found


async def _read_by_lists(
    query: Query, sections: Sections, variables: Mapping[str, Any], viewer: UUID
) -> JsonObject | None:
    found: JsonObject | None = (await query(sections.without_lists, variables, viewer))["person"]
    if found is None:
        return None
    for goal in found["goalsConnection"]["nodes"]:
        goal |= await _read_lists(query, sections.lists, goal["id"], viewer)
    of_person = sections.of_person if variables["after"] is None else ()
    return found | await _read_lists(query, of_person, variables["person"], viewer)


async def _read_lists(
    query: Query, sections: Sequence[ExportSection], owner: str, viewer: UUID
) -> JsonObject:
    """The rows of these sections of a goal or person; none where it is gone meanwhile."""
    lists: JsonObject = {}
    for section in sections:
        if section.name.endswith("Connection"):
            found = await query(select_whole(section), {"owner": owner}, viewer)
            lists |= found["owner"] or {}
        else:
            lists[section.name] = await _read_list(query, section, owner, viewer)
    return lists


async def _read_list(
    query: Query, section: ExportSection, owner: str, viewer: UUID
) -> list[JsonObject]:
    document, after = select_page(section), None
    rows: list[JsonObject] = []
    while True:
        variables = {"owner": owner, "first": ROWS, "after": after}
        found = (await query(document, variables, viewer))["owner"]
        # `goals` is a list, also of one.
        owners = found if isinstance(found, list) else [found]
        if not any(owners):
            return rows
        page = owners[0]["rows"]
        rows += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return rows
        after = page["pageInfo"]["endCursor"]


def _withhold(sections: Sections, goals: Sequence[JsonObject]) -> None:
    """Leave out what is for staff, before files are numbered: no gap tells that it was there."""
    for section in sections.of_goals:
        for goal in goals:
            section.withhold(goal)


def _read_person(sections: Sections, found: JsonObject) -> JsonObject:
    for section in sections.of_person:
        if section.arrange is not None:
            section.arrange(found)
    return {section.name: found[section.name] for section in sections.of_person}


async def _read_part(
    database: Database,
    sections: Sections,
    goals: list[JsonObject],
    number: int,
    deadline: float,
) -> JourneyPart:
    """The goals as they are exported, the first of which has that number."""
    files: dict[str, StoredFile] = {}
    for section in sections.of_goals:
        if section.files is not None:
            rows = await _find_keys(database, section, goals, deadline)
            files |= _name_files(section, goals, number, rows)
    for section in sections.of_goals:
        for goal in goals:
            if section.arrange is not None:
                section.arrange(goal)
    ordered = [
        files[row.node["id"]]
        for goal in goals
        for section in sections.of_goals
        if section.files is not None
        for row in section.find_rows(goal)
        if row.node["id"] in files
    ]
    return JourneyPart(goals, ordered, form=2)


async def _find_keys(
    database: Database, section: ExportSection, goals: Sequence[JsonObject], deadline: float
) -> dict[str, Record]:
    assert section.files is not None
    ids = [row["id"] for goal in goals for row in goal[section.name]]
    if not ids:
        return {}
    rows = await database.read(
        section.files.keys, [dumps(ids)], deadline=deadline, name="export/keys"
    )
    return {str(row["id"]): row for row in rows}


def _name_files(
    section: ExportSection, goals: Sequence[JsonObject], number: int, keys: Mapping[str, Record]
) -> dict[str, StoredFile]:
    """Give every row its `file`; returns where those are that have one, by the row's id."""
    assert section.files is not None
    files: dict[str, StoredFile] = {}
    for goal_number, goal in enumerate(goals, number):
        for place, row in enumerate(goal[section.name], 1):
            found, row["file"] = keys.get(row["id"]), None
            if found is None or not found["object_key"]:
                continue
            row["file"] = name_file(
                section.name,
                goal_number,
                place,
                row[section.files.title],
                row[section.files.media_type],
            )
            files[row["id"]] = StoredFile(
                id=row["id"],
                key=found["object_key"],
                thumbnail=found["thumbnail_key"] or "",
                path=row["file"],
            )
    return files


def _find_time_zone(memberships: Sequence[Mapping[str, Any]]) -> str:
    zones = [each["organisation"]["timeZone"] for each in memberships if each["organisation"]]
    return zones[0] if zones else TIME_ZONE
