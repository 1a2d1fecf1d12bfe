"""Procedures about goals. Each runs in the mutation's transaction, perhaps several times over."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import Any
from uuid import UUID

from poutama.audit import record_change
from poutama.db.transaction import Transaction
from poutama.errors import BadUserInputError, NotFoundError
from poutama.viewer import Viewer

FIND_GOAL = "SELECT id FROM goal WHERE id = $1::uuid AND person_id = $2::uuid"
FIND_TASKS = "SELECT id FROM goal_task WHERE goal_id = $1::uuid"
PLACE_TASKS = """
UPDATE goal_task AS t
SET position = o.place - 1, version = t.version + 1, updated_at = now()
FROM jsonb_array_elements_text($2::jsonb) WITH ORDINALITY AS o(id, place)
WHERE t.id = o.id::uuid AND t.goal_id = $1::uuid AND t.position <> o.place - 1
"""


async def reorder_goal_tasks(
    transaction: Transaction, viewer: Viewer, given: Mapping[str, Any]
) -> Mapping[str, UUID]:
    """Number all of a goal's tasks from 0, in the order given.

    Raises:
        NotFoundError: the viewer has no such goal.
        BadUserInputError: the ids are not exactly those of the goal's tasks, each once.
    """
    goal: UUID = given["goalId"]
    order: list[UUID] = given["taskIds"]
    if not await transaction.fetch(FIND_GOAL, goal, viewer.person_id):
        raise NotFoundError(
            "reorderGoalTasks: there is no such goal, or it is not yours to change."
        )
    there = {row["id"] for row in await transaction.fetch(FIND_TASKS, goal)}
    if len(order) != len(set(order)) or set(order) != there:
        raise BadUserInputError(
            f"input.taskIds: expected each of the goal's {len(there)} tasks exactly once.",
            field="input.taskIds",
        )
    await transaction.execute(PLACE_TASKS, goal, dumps([str(task) for task in order]))
    await record_change(transaction, viewer, "UPDATE", "Goal", goal, viewer.person_id)
    return {"goal": goal}
