"""A school made small: what is left out of a world that a test fails in."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from tests.reference.policy import Row, World

LINKS = (
    "personId", "organisationId", "groupId", "childId", "goalId", "authorId", "subjectId", "jobId",
    "noteId", "uploaderId", "importId", "openerId", "membershipId",
    "proposedById", "decidedById",
    "grantedById", "givenById", "withdrawnById", "confirmedById", "endedById", "enrolledById",
    "proposedById",
)  # fmt: skip


def reduce_school(world: World, fails: Callable[[World], bool]) -> World:
    """The world with every row left out that it fails without."""
    for rows in world.values():
        for row in rows:
            less = without(world, row["id"])
            if fails(less):
                world = less
    return world


def without(world: World, gone: UUID) -> World:
    """The world without a row, and without what belongs to it."""
    found: dict[str, list[Row]] = {}
    ids = {gone}
    for name in world:
        kept = []
        for row in world[name]:
            if row["id"] in ids or ids & {row.get(key) for key in LINKS}:
                ids.add(row["id"])
            else:
                kept.append(row)
        found[name] = kept
    return found
