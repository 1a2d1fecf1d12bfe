"""What the clients of a chaos run do: writers that add, append and reorder, readers that look.

`chaos.run` runs one `Writer` or `Reader` for each client until the run stops. Most writes
go through the API's engine, as a person's would, half of them under an idempotency key; appends go
through `run_transaction` themselves, several statements each.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import msgspec

from poutama.chaos.chaos_rows import ChaosRows, OwnedGoal, write_mark
from poutama.chaos.client import Act, Client, Done, Execute, read_response
from poutama.chaos.counters import RunCounters
from poutama.chaos.durability import marks_of
from poutama.chaos.history import OperationKind
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import NotFoundError
from poutama.text import fold

THINK_SECONDS = 0.01
"""Longest pause of a client between two operations."""
LONGEST_LIST = 8

NOTE = "mutation Note($a: CreateGoalNoteInput!) { createGoalNote(input: $a) { note { id } } }"
PAIR = """
mutation Pair($a: CreateGoalNoteInput!, $b: CreateGoalNoteInput!) {
  first: createGoalNote(input: $a) { note { id } }
  second: createGoalNote(input: $b) { note { id } }
}
"""
TASK = "mutation Task($a: CreateGoalTaskInput!) { createGoalTask(input: $a) { task { id } } }"
UNTASK = "mutation Untask($a: DeleteGoalTaskInput!) { deleteGoalTask(input: $a) { deletedTaskId } }"
REORDER = """
mutation Reorder($a: ReorderGoalTasksInput!) {
  reorderGoalTasks(input: $a) { goal { id tasks { id position } } }
}
"""
TASKS = "query Tasks($goal: UUID!) { goals(goalId: $goal) { tasks { id information } } }"
READ = "query Read($goal: UUID!) { goals(goalId: $goal) { version } }"
FIND = """
query Look($goal: UUID!, $text: String!) {
  goals(goalId: $goal) { notes(filter: {information: {eq: $text}}) { id } }
}
"""

_FIND = "SELECT version FROM goal WHERE id = $1"
_INSERT_NOTE = """
INSERT INTO goal_note (id, goal_id, information, information_search)
VALUES (gen_random_uuid(), $1, $2, $3)
"""
_RAISE = "UPDATE goal SET version = $2 WHERE id = $1"


class Writer:
    """One client that writes."""

    def __init__(
        self,
        number: int,
        rows: ChaosRows,
        database: Database,
        execute: Execute,
        counters: RunCounters,
    ) -> None:
        self._chance = random.Random(f"{rows.run} writer {number}")  # noqa: S311
        self._client = Client(f"writer {number}", counters, self._chance)
        self._number = number
        self._rows = rows
        self._database = database
        self._execute = execute
        self._counters = counters

    async def run(self, stop: asyncio.Event) -> None:
        """Write until the run stops; what is under way is finished."""
        kinds = (self._add_note, self._add_pair, self._append, self._change_list)
        while not stop.is_set():
            (write,) = self._chance.choices(kinds, weights=(35, 20, 25, 20))
            await write()
            await asyncio.sleep(self._chance.uniform(0.0, THINK_SECONDS))

    async def _add_note(self) -> None:
        place = self._rows.notes[self._number]
        number = next(self._counters.numbers)
        (text,) = map(write_mark, marks_of(OperationKind.NOTE, number))
        variables = {"a": {"goalId": str(place.goal), "information": text}}
        done = await self._mutate(number, OperationKind.NOTE, NOTE, variables, place)
        if done is not None:
            self._counters.acknowledged.append((str(number), text, place))

    async def _add_pair(self) -> None:
        place = self._rows.notes[self._number]
        number = next(self._counters.numbers)
        marks = marks_of(OperationKind.PAIR, number)
        variables = {
            name: {"goalId": str(place.goal), "information": write_mark(mark)}
            for name, mark in zip("ab", marks, strict=True)
        }
        done = await self._mutate(number, OperationKind.PAIR, PAIR, variables, place)
        if done is not None:
            self._counters.acknowledged += [(mark, write_mark(mark), place) for mark in marks]

    async def _append(self) -> None:
        """Mostly to its own register; else to another's, so that writers meet."""
        own = self._rows.registers[self._number]
        place = own if self._chance.random() < 0.8 else self._chance.choice(self._rows.registers)
        number = next(self._counters.numbers)
        (mark,) = marks_of(OperationKind.APPEND, number)

        async def work(transaction: Transaction) -> int:
            ((found,),) = await transaction.fetch(_FIND, place.goal)
            text = write_mark(mark, found + 1)
            await transaction.execute(_INSERT_NOTE, place.goal, text, fold(text))
            await transaction.execute(_RAISE, place.goal, found + 1)
            return int(found) + 1

        async def act(deadline: float) -> Done:
            version = await run_transaction(
                self._database, work, deadline=deadline, name="chaos-append"
            )
            return Done(version=version)

        done = await self._client.perform(number, OperationKind.APPEND, act, subject=place.name)
        if done is not None:
            self._counters.acknowledged.append((mark, write_mark(mark, done.version), place))

    async def _change_list(self) -> None:
        """Looks at the list first, as a person does; meanwhile others may change it."""
        place = self._rows.tasks
        seen: list[Mapping[str, str]] = []

        async def find(deadline: float) -> Done:
            seen[:] = (await _query(self._execute, TASKS, place, deadline))["tasks"]
            return Done()

        await self._client.perform(next(self._counters.numbers), OperationKind.READ_LIST, find)
        number = next(self._counters.numbers)
        choice = self._chance.random()
        if not seen or (choice < 0.5 and len(seen) < LONGEST_LIST):
            text = write_mark(str(number))
            input: dict[str, object] = {"goalId": str(place.goal), "information": text}
            await self._mutate(number, OperationKind.TASK, TASK, {"a": input}, place)
        elif choice < 0.75:
            task = self._chance.choice(seen)
            subject = task["information"].removeprefix("chaos ")
            input = {"taskId": task["id"]}
            await self._mutate(number, OperationKind.UNTASK, UNTASK, {"a": input}, place, subject)
        else:
            ids = [task["id"] for task in seen]
            self._chance.shuffle(ids)
            input = {"goalId": str(place.goal), "taskIds": ids}
            await self._mutate(number, OperationKind.REORDER, REORDER, {"a": input}, place)

    async def _mutate(
        self,
        number: int,
        kind: OperationKind,
        document: str,
        variables: Mapping[str, object],
        place: OwnedGoal,
        subject: str = "",
    ) -> Done | None:
        key = f"{self._rows.run}-{number}" if self._chance.random() < 0.5 else ""

        async def act(deadline: float) -> Done:
            body = await self._execute(
                document, variables, person=place.person, deadline=deadline, key=key or None
            )
            return Done(data=read_response(body))

        return await self._client.perform(number, kind, act, subject=subject, key=key)


class Reader:
    """One client that reads."""

    def __init__(
        self, number: int, rows: ChaosRows, execute: Execute, counters: RunCounters
    ) -> None:
        self._chance = random.Random(f"{rows.run} reader {number}")  # noqa: S311
        self._client = Client(f"reader {number}", counters, self._chance)
        self._rows = rows
        self._execute = execute
        self._counters = counters

    async def run(self, stop: asyncio.Event) -> None:
        """Read until the run stops."""
        while not stop.is_set():
            kind, act, subject = self._choose()
            await self._client.perform(next(self._counters.numbers), kind, act, subject=subject)
            await asyncio.sleep(self._chance.uniform(0.0, THINK_SECONDS))

    def _choose(self) -> tuple[OperationKind, Act, str]:
        if self._counters.acknowledged and self._chance.random() < 0.5:
            mark, text, place = self._chance.choice(self._counters.acknowledged)

            async def find(deadline: float) -> Done:
                goal = await _query(self._execute, FIND, place, deadline, text=text)
                return Done(present=bool(goal["notes"]))

            return OperationKind.FIND, find, mark
        register = self._chance.choice(self._rows.registers)

        async def read(deadline: float) -> Done:
            goal = await _query(self._execute, READ, register, deadline)
            return Done(version=goal["version"])

        return OperationKind.READ, read, register.name


async def _query(
    execute: Execute, document: str, place: OwnedGoal, deadline: float, **variables: object
) -> dict[str, Any]:
    """The goal of a place, as its owner sees it.

    Raises:
        Told: the response has errors.
        NotFoundError: the goal is gone.
    """
    all_variables = {"goal": str(place.goal), **variables}
    body = await execute(document, all_variables, person=place.person, deadline=deadline)
    goals: list[dict[str, Any]] = msgspec.json.decode(read_response(body))["goals"]
    if not goals:
        raise NotFoundError
    return goals[0]
