"""Mutations under idempotency keys, the rows they leave, and who waits for whom."""

from __future__ import annotations

import json
import time
from typing import Any

import asyncpg

from poutama.db.connection import Database
from poutama.engine import GraphQLResponse
from poutama.plan.operation import GraphQLRequest
from poutama.viewer import Viewer
from tests.golden.engine_client import EngineClient
from tests.golden.rows import ANA, goal_id, note_id, task_id

TABLES = {
    "goal": "id::text, title, information, complete, version",
    "goal_task": "id::text, goal_id::text, information, complete, position, version",
    "goal_note": "id::text, goal_id::text, information, version",
}
KEYS = "SELECT person_id, key, written FROM idempotency_key ORDER BY person_id, key"

NOTE = """
mutation ($goal: UUID!, $text: String!) {
  createGoalNote(input: {goalId: $goal, information: $text}) { note { id information createdAt } }
}
"""
REORDER = """
mutation ($goal: UUID!, $tasks: [UUID!]!) {
  reorderGoalTasks(input: {goalId: $goal, taskIds: $tasks}) {
    goal { id tasks { id position version } }
  }
}
"""
SEVERAL = """
mutation ($goal: UUID!, $text: String!, $task: UUID!) {
  createGoalNote(input: {goalId: $goal, information: $text}) { note { id } }
  updateGoalTask(input: {taskId: $task, complete: true}) { task { version updatedAt } }
  again: createGoalNote(input: {goalId: $goal, information: $text}) { note { id } }
}
"""
MUTATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "a simple write": (NOTE, {"goal": str(goal_id(1)), "text": "Ā 'quoted' \\ \"text\" 🌱"}),
    "a write with children": (
        """
        mutation ($goal: CreateGoalInput!) {
          made: createGoal(input: $goal) { goal { id tasks { id } notes { id createdAt } } }
        }
        """,
        {
            "goal": {
                "goalType": "SPORTS",
                "title": "Swim",
                "tasks": [{"information": "Find togs"}],
                "notes": [{"information": "Cold"}],
            }
        },
    ),
    "a write whose payload is read afterwards": (
        """
        mutation ($goal: UUID!) {
          createGoalNote(input: {goalId: $goal, information: "x"}) {
            note { goal { notes { id } } }
          }
        }
        """,
        {"goal": str(goal_id(1))},
    ),
    "an update of one version": (
        """
        mutation ($goal: UUID!) {
          updateGoal(input: {goalId: $goal, title: "New", expectedVersion: 3}) {
            goal { version updatedAt }
          }
        }
        """,
        {"goal": str(goal_id(1))},
    ),
    "a deletion": (
        "mutation ($n: UUID!) { deleteGoalNote(input: {noteId: $n}) { deletedNoteId } }",
        {"n": str(note_id(1))},
    ),
    "a deletion that others move up after": (
        "mutation ($t: UUID!) { deleteGoalTask(input: {taskId: $t}) { deletedTaskId } }",
        {"t": str(task_id(1))},
    ),
    "several roots": (
        SEVERAL,
        {"goal": str(goal_id(1)), "text": "twice", "task": str(task_id(2))},
    ),
    "a procedure": (
        REORDER,
        {"goal": str(goal_id(1)), "tasks": [str(task_id(number)) for number in (3, 1, 2)]},
    ),
}


async def send(
    client: EngineClient,
    mutation: tuple[str, dict[str, Any]],
    key: str | None = "k",
    viewer: Viewer | None = ANA,
    seconds: float = 60.0,
) -> GraphQLResponse:
    """Send a mutation, under a key or none."""
    query, variables = mutation
    return await client.engine.execute(
        GraphQLRequest(query, variables=variables),
        viewer,
        deadline=time.monotonic() + seconds,
        idempotency_key=key,
    )


async def all_rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every goal, task and note."""
    deadline = time.monotonic() + 60
    return {
        table: [
            tuple(row)
            for row in await database.read(
                f"SELECT {columns} FROM {table} ORDER BY id", deadline=deadline
            )
        ]
        for table, columns in TABLES.items()
    }


async def kept_keys(database: Database) -> list[tuple[object, ...]]:
    """Of every key: person, key, and what was written under it."""
    return [tuple(row) for row in await database.read(KEYS, deadline=time.monotonic() + 60)]


def is_of(written: object, answer: GraphQLResponse) -> bool:
    """Whether a row that is kept under a key is in the answer."""
    kept = [row for returned in json.loads(str(written)) for row in returned.values()]
    return any(row.encode() in answer.body for row in kept)


async def waiting(looking: asyncpg.Connection, sessions: int) -> bool:
    """Whether so many of our sessions wait for another session's lock."""
    if "crdb_version" in dir(looking.get_settings()):
        statement = "SELECT count(*) FROM [SHOW QUERIES] WHERE application_name = 'poutama'"
    else:
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'poutama'"
            " AND wait_event_type = 'Lock' AND datname = current_database()"
        )
    return bool(await looking.fetchval(statement) >= sessions)
