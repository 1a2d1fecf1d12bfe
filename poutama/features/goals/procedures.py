"""Procedures about goals."""

from __future__ import annotations

from uuid import UUID

import msgspec

from poutama.errors import BadUserInputError
from poutama.procedure import ProcedureContext

_FIND_TASKS = "SELECT id, position FROM goal_task WHERE goal_id = $1::uuid"


class ReorderGoalTasksInput(msgspec.Struct, frozen=True, rename="camel"):
    """All of the goal's tasks, each once, in their new order."""

    goal_id: UUID
    task_ids: list[UUID]


class ReorderGoalTasksPayload(msgspec.Struct, frozen=True):
    """The goal whose tasks they are."""

    goal: UUID


async def reorder_goal_tasks(
    context: ProcedureContext, input: ReorderGoalTasksInput
) -> ReorderGoalTasksPayload:
    """Number all of a goal's tasks from 0, in the order given.

    Raises:
        BadUserInputError: the ids are not exactly those of the goal's tasks, each once.
    """
    found = await context.transaction.fetch(_FIND_TASKS, input.goal_id)
    positions: dict[UUID, int] = {row["id"]: row["position"] for row in found}
    if len(input.task_ids) != len(positions) or set(input.task_ids) != set(positions):
        expected = f"each of the goal's {len(positions)} tasks exactly once"
        raise BadUserInputError.at("input.taskIds", expected)
    moved = {
        task: {"position": place}
        for place, task in enumerate(input.task_ids)
        if positions[task] != place
    }
    await context.changes.update_many("GoalTask", moved)
    return ReorderGoalTasksPayload(input.goal_id)
