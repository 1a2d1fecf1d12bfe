"""Reading a journey, page by page, by the API's own compiler: what the person who asked may see.

`steps` calls it with the step's `query`, so that rules and audit are those of any other read. Only
where a file lies is asked of the table itself, and only of evidence that the API has answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from json import dumps
from typing import Any
from uuid import UUID

from poutama.db.connection import Database
from poutama.features.exports.job import TIME_ZONE
from poutama.features.exports.journey import Evidence, Goal, Note, Task
from poutama.features.exports.names import name_evidence
from poutama.jobs.job import Query

JOURNEY = """
query ($person: UUID!, $first: Int!, $after: String) {
  person(personId: $person) {
    name
    memberships(first: 5) { organisation { timeZone } }
    goalsConnection(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        id goalType title information complete dueAt color createdAt updatedAt
        tasks { id information complete createdAt updatedAt }
        notes { id information author { name } createdAt updatedAt }
        evidence(filter: { state: { eq: READY } }) {
          id title altText mediaType bytes sha256 createdAt note { id }
        }
      }
    }
  }
}
"""
_KEYS = """
SELECT id, object_key, thumbnail_key FROM evidence
WHERE id IN (SELECT e.v::uuid FROM jsonb_array_elements_text($1::jsonb) AS e (v))
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some goals of a journey, in the order in which they were set.

    Attributes:
        total: how many goals there are in all.
        after: where the next page begins; None after the last.
    """

    name: str
    time_zone: str
    goals: list[Goal]
    total: int
    after: str | None


async def read_page(
    query: Query,
    database: Database,
    *,
    person: UUID,
    viewer: UUID,
    first: int,
    after: str | None,
    number: int,
    deadline: float,
) -> Page | None:
    """Read the next goals of `person` as `viewer` sees them; None if they do not see the person.

    `number` is that of the page's first goal within the journey, from 1.

    Raises:
        PoutamaError: as the API would say, or the database cannot be reached.
    """
    variables = {"person": str(person), "first": first, "after": after}
    found = (await query(JOURNEY, variables, viewer))["person"]
    if found is None:
        return None
    connection = found["goalsConnection"]
    keys = await _find_keys(database, connection["nodes"], deadline)
    info = connection["pageInfo"]
    return Page(
        name=found["name"],
        time_zone=_time_zone(found["memberships"]),
        goals=[_goal(node, number + place, keys) for place, node in enumerate(connection["nodes"])],
        total=connection["totalCount"],
        after=info["endCursor"] if info["hasNextPage"] else None,
    )


async def _find_keys(
    database: Database, goals: Sequence[Mapping[str, Any]], deadline: float
) -> dict[UUID, tuple[str, str]]:
    ids = [each["id"] for goal in goals for each in goal["evidence"]]
    if not ids:
        return {}
    rows = await database.read(_KEYS, [dumps(ids)], deadline=deadline, name="export/keys")
    return {row["id"]: (row["object_key"] or "", row["thumbnail_key"] or "") for row in rows}


def _time_zone(memberships: Sequence[Mapping[str, Any]]) -> str:
    zones = [each["organisation"]["timeZone"] for each in memberships if each["organisation"]]
    return zones[0] if zones else TIME_ZONE


def _goal(node: Mapping[str, Any], number: int, keys: Mapping[UUID, tuple[str, str]]) -> Goal:
    evidence = [
        (each["note"], _evidence(each, number, place, keys))
        for place, each in enumerate(node["evidence"], 1)
    ]
    notes = [_note(note) for note in node["notes"]]
    there = {str(note.id) for note in notes}
    # That of a note which has gone since is the goal's.
    of_notes = [(note["id"], each) for note, each in evidence if note and note["id"] in there]
    taken = {each.id for _, each in of_notes}
    return Goal(
        id=UUID(node["id"]),
        goal_type=node["goalType"],
        title=node["title"],
        information=node["information"],
        complete=node["complete"],
        due_at=None if node["dueAt"] is None else _moment(node["dueAt"]),
        color=node["color"],
        created_at=_moment(node["createdAt"]),
        updated_at=_moment(node["updatedAt"]),
        tasks=tuple(_task(task) for task in node["tasks"]),
        notes=tuple(
            replace(note, evidence=tuple(each for of, each in of_notes if of == str(note.id)))
            for note in notes
        ),
        evidence=tuple(each for _, each in evidence if each.id not in taken),
    )


def _task(node: Mapping[str, Any]) -> Task:
    return Task(
        id=UUID(node["id"]),
        information=node["information"],
        complete=node["complete"],
        created_at=_moment(node["createdAt"]),
        updated_at=_moment(node["updatedAt"]),
    )


def _note(node: Mapping[str, Any]) -> Note:
    return Note(
        id=UUID(node["id"]),
        information=node["information"],
        author=node["author"]["name"] if node["author"] else "",
        created_at=_moment(node["createdAt"]),
        updated_at=_moment(node["updatedAt"]),
    )


def _evidence(
    node: Mapping[str, Any], goal: int, place: int, keys: Mapping[UUID, tuple[str, str]]
) -> Evidence:
    identity = UUID(node["id"])
    key, thumbnail = keys.get(identity, ("", ""))
    return Evidence(
        id=identity,
        title=node["title"],
        alt_text=node["altText"],
        media_type=node["mediaType"],
        size=node["bytes"],
        sha256=node["sha256"],
        created_at=_moment(node["createdAt"]),
        key=key,
        thumbnail=thumbnail,
        file=name_evidence(goal, place, node["title"], node["mediaType"]) if key else "",
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
