"""`Changes`: what belongs to a change of a row happens, for each caller and each column."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from json import dumps
from typing import Any, TypeAlias, TypeVar
from uuid import UUID, uuid4

import pytest
from asyncpg import Record

from poutama import changes
from poutama.changes import NOW, ChangePlans, Changes, ColumnValue
from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import BadUserInputError, ConflictError, DatabaseError, NotFoundError
from poutama.features import load_model
from tests.db.sessions import soon
from tests.golden.rows import ANA, BEN, NOWHERE, fill, goal_id, moment, person_id, task_id

T = TypeVar("T")
Values: TypeAlias = dict[str, ColumnValue]
PLANS = ChangePlans(load_model())
ENTRIES = """
SELECT action, kind, row_id, subject_id, actor_id, actor_name FROM audit_entry ORDER BY at, row_id
"""


@pytest.fixture(autouse=True)
async def _rows(engine_database: Database) -> None:
    await fill(engine_database)


async def change(database: Database, work: Callable[[Changes], Awaitable[T]]) -> T:
    async def closure(transaction: Transaction) -> T:
        return await work(Changes(PLANS, transaction, ANA))

    return await run_transaction(database, closure, deadline=soon())


async def read(database: Database, statement: str, *values: object) -> list[Record]:
    return await database.read(statement, list(values), deadline=soon())


async def row_of(database: Database, table: str, row: UUID) -> Record:
    (found,) = await read(database, f"SELECT * FROM {table} WHERE id = $1::uuid", row)
    return found


async def test_an_inserted_row_has_its_copy_its_version_and_its_entry(
    engine_database: Database,
) -> None:
    values: Values = {
        "owner": BEN.person_id,
        "goalType": "SPORTS",
        "title": "Māori",
        "information": "",
    }
    goal = await change(
        engine_database, lambda changes: changes.insert("Goal", {**values, "complete": False})
    )
    row = await row_of(engine_database, "goal", goal)
    assert (row["title"], row["title_search"], row["version"]) == ("Māori", "maori", 1)
    assert row["person_id"] == BEN.person_id, "the owner that is named, not the caller"
    entries = [tuple(entry) for entry in await read(engine_database, ENTRIES)]
    assert entries == [("INSERT", "Goal", goal, BEN.person_id, ANA.person_id, "Ana")]


async def test_a_row_gets_the_caller_as_its_owner_where_none_is_named(
    engine_database: Database,
) -> None:
    values: Values = {"goalType": "SPORTS", "title": "Run", "information": "", "complete": False}
    goal = await change(engine_database, lambda changes: changes.insert("Goal", values))
    assert (await row_of(engine_database, "goal", goal))["person_id"] == ANA.person_id


async def test_a_numbered_row_comes_last(engine_database: Database) -> None:
    values: Values = {"goal": goal_id(1), "information": "Last", "complete": False}
    task = await change(engine_database, lambda changes: changes.insert("GoalTask", values))
    rows = await read(
        engine_database, "SELECT id FROM goal_task WHERE goal_id = $1::uuid ORDER BY position",
        goal_id(1),
    )  # fmt: skip
    assert rows[-1]["id"] == task
    (entry,) = await read(engine_database, ENTRIES)
    assert entry["subject_id"] == person_id(1), "the person at the end of the type's rule"


async def test_what_a_new_row_belongs_to_must_be_there(engine_database: Database) -> None:
    values: Values = {"goal": NOWHERE, "information": "Last", "complete": False}
    with pytest.raises(NotFoundError, match="row that the new GoalTask belongs to"):
        await change(engine_database, lambda changes: changes.insert("GoalTask", values))


async def test_an_update_sets_what_is_named_and_counts(engine_database: Database) -> None:
    before = await row_of(engine_database, "goal", goal_id(1))

    async def work(changes: Changes) -> None:
        await changes.update("Goal", goal_id(1), {"title": "KŌRERO", "dueAt": None})
        await changes.update("Goal", goal_id(1), {}, columns={"color": "#000000"})

    await change(engine_database, work)
    row = await row_of(engine_database, "goal", goal_id(1))
    assert (row["title"], row["title_search"]) == ("KŌRERO", "korero")
    assert (row["due_at"], row["color"]) == (None, "#000000")
    assert row["information"] == before["information"]
    assert row["version"] == before["version"] + 2
    assert row["updated_at"] > before["updated_at"]
    assert [entry["action"] for entry in await read(engine_database, ENTRIES)] == ["UPDATE"] * 2


async def test_since_when_a_column_is_true_follows_every_change(engine_database: Database) -> None:
    """Whether it is set, cleared, kept, or was true before the moment was recorded."""
    since, unknown = goal_id(3), goal_id(4)
    before = await row_of(engine_database, "goal", since)
    await engine_database.write(
        "UPDATE goal SET complete = true, completed_at = NULL WHERE id = $1::uuid",
        (unknown,),
        deadline=soon(),
    )
    new: Values = {"goalType": "SPORTS", "title": "a", "information": "", "complete": True}
    made: list[UUID] = []

    async def work(changes: Changes) -> None:
        made.append(await changes.insert("Goal", new))
        made.append(await changes.insert("Goal", {**new, "complete": False}))
        for row in (since, unknown):
            await changes.update("Goal", row, {"complete": True})
        await changes.update("Goal", goal_id(1), {"complete": True})
        await changes.update("Goal", goal_id(2), {"title": "b"})
        tasks = {task_id(1): {"complete": False}, task_id(2): {"complete": True}}
        await changes.update_many("GoalTask", {**tasks, task_id(4): {"complete": True}})

    await change(engine_database, work)
    looked = {
        "new": ("goal", made[0]), "new, not complete": ("goal", made[1]),
        "was complete": ("goal", since), "was, of old": ("goal", unknown),
        "completed": ("goal", goal_id(1)), "not complete": ("goal", goal_id(2)),
        "taken back": ("goal_task", task_id(1)), "done": ("goal_task", task_id(2)),
        "was done": ("goal_task", task_id(4)),
    }  # fmt: skip
    rows = {name: await row_of(engine_database, *at) for name, at in looked.items()}
    now = rows["completed"]["updated_at"]
    assert {name: row["completed_at"] for name, row in rows.items()} == {
        "new": now, "new, not complete": None, "was complete": before["completed_at"],
        "was, of old": None, "completed": now, "not complete": None, "taken back": None,
        "done": now, "was done": moment(4),
    }  # fmt: skip


async def test_what_follows_another_column_is_not_set_by_itself(engine_database: Database) -> None:
    with pytest.raises(KeyError, match=r"Goal\.completedAt"):
        await change(
            engine_database,
            lambda changes: changes.update("Goal", goal_id(3), {"completedAt": NOW}),
        )


async def test_now_is_the_moment_of_the_transaction(engine_database: Database) -> None:
    async def work(changes: Changes) -> None:
        for number in (1, 2):
            await changes.update("Goal", goal_id(number), {"dueAt": NOW})

    await change(engine_database, work)
    one, two = [await row_of(engine_database, "goal", goal_id(number)) for number in (1, 2)]
    assert one["due_at"] == two["due_at"] == one["updated_at"]


async def test_another_version_is_a_conflict_and_undoes_the_rest(engine_database: Database) -> None:
    async def work(changes: Changes) -> None:
        await changes.update("Goal", goal_id(2), {"title": "Other"})
        await changes.update("Goal", goal_id(1), {"title": "Stale"}, expected_version=2)

    with pytest.raises(ConflictError, match="expected version 2, but the current version is 3"):
        await change(engine_database, work)
    assert (await row_of(engine_database, "goal", goal_id(2)))["title"] == "Run 5 km"
    assert await read(engine_database, ENTRIES) == []


async def test_a_deleted_row_leaves_its_entry(engine_database: Database) -> None:
    await change(
        engine_database, lambda changes: changes.delete("Goal", goal_id(1), expected_version=3)
    )
    assert await read(engine_database, "SELECT 1 FROM goal WHERE id = $1::uuid", goal_id(1)) == []
    (entry,) = await read(engine_database, ENTRIES)
    assert (entry["action"], entry["row_id"]) == ("DELETE", goal_id(1))
    with pytest.raises(NotFoundError, match="Goal not found"):
        await change(engine_database, lambda changes: changes.delete("Goal", goal_id(1)))


async def test_many_rows_are_one_statement_and_an_entry_each(engine_database: Database) -> None:
    rows: dict[UUID, Values] = {
        task_id(1): {"information": "ÄRGER", "complete": True, "position": 7},
        task_id(2): {"information": "b", "complete": False, "position": 8},
        uuid4(): {"information": "c", "complete": False, "position": 9},
    }
    traces: list[StatementTrace] = []
    with engine_database.observe(traces.append):
        done = await change(engine_database, lambda changes: changes.update_many("GoalTask", rows))
    assert done == 2
    assert len([trace for trace in traces if "goal_task" in trace.statement]) == 1
    row = await row_of(engine_database, "goal_task", task_id(1))
    assert (row["information"], row["information_search"]) == ("ÄRGER", "arger")
    assert (row["complete"], row["position"], row["version"]) == (True, 7, 3)
    entries = [(each["kind"], each["row_id"]) for each in await read(engine_database, ENTRIES)]
    assert entries == [("GoalTask", task_id(1)), ("GoalTask", task_id(2))]


async def test_many_rows_take_the_same_fields(engine_database: Database) -> None:
    rows: dict[UUID, Any] = {task_id(1): {"position": 1}, task_id(2): {"complete": True}}
    with pytest.raises(ValueError, match="every row takes the same fields"):
        await change(engine_database, lambda changes: changes.update_many("GoalTask", rows))
    assert await change(engine_database, lambda changes: changes.update_many("GoalTask", {})) == 0


async def test_a_change_made_by_other_means_gets_its_entry_and_nothing_else(
    engine_database: Database,
) -> None:
    before = await row_of(engine_database, "goal", goal_id(1))
    await change(engine_database, lambda changes: changes.record_update("Goal", goal_id(1)))
    await change(engine_database, lambda changes: changes.record_read("Journey", BEN.person_id))
    assert await row_of(engine_database, "goal", goal_id(1)) == before
    update, reading = await read(engine_database, ENTRIES)
    assert tuple(update)[:4] == ("UPDATE", "Goal", goal_id(1), person_id(1))
    assert tuple(reading)[:4] == ("READ", "Journey", None, BEN.person_id)


async def test_a_statement_is_rendered_once_for_each_set_of_columns(
    engine_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans, rendered = ChangePlans(load_model()), 0
    original = plans.find

    def work_of(values: dict[str, Any]) -> Callable[[Transaction], Awaitable[None]]:
        async def closure(transaction: Transaction) -> None:
            await Changes(plans, transaction, ANA).update("Goal", goal_id(1), values)

        return closure

    def count(shape: Any) -> Any:
        nonlocal rendered
        rendered += plans._statements.get(shape) is None
        return original(shape)

    monkeypatch.setattr(plans, "find", count)
    for values in ({"title": "a"}, {"title": "b"}, {"dueAt": None}, {"dueAt": NOW}, {"title": "c"}):
        await run_transaction(engine_database, work_of(values), deadline=soon())
    assert rendered == 3


async def test_statements_are_bounded_whatever_clients_leave_out(
    engine_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_STATEMENTS", 2)
    plans = ChangePlans(load_model())

    async def closure(transaction: Transaction) -> None:
        for name in ("title", "information", "color", "title"):
            await Changes(plans, transaction, ANA).update("Goal", goal_id(1), {name: "#123456"})

    await run_transaction(engine_database, closure, deadline=soon())
    assert len(plans._statements) == 2


async def test_what_no_column_can_hold_is_a_mistake_in_code(engine_database: Database) -> None:
    rows: dict[UUID, Values] = {task_id(1): {"information": NOW}}
    hidden: Any = {"title": 1.5}
    with pytest.raises(ValueError, match=r"update_many: information: expected a value"):
        await change(engine_database, lambda changes: changes.update_many("GoalTask", rows))
    with pytest.raises(TypeError, match="cannot be set to a float"):
        await change(
            engine_database, lambda changes: changes.update("Goal", goal_id(1), {}, columns=hidden)
        )


NUL = "a\0b"


async def test_the_character_nul_is_a_mistake_in_the_input_on_each_way_to_the_database(
    engine_database: Database,
) -> None:
    async def write(transaction: Transaction) -> None:
        await transaction.execute("UPDATE goal SET color = $1::text", NUL)

    async def write_json(transaction: Transaction) -> None:
        json = dumps([NUL])
        await transaction.fetch("SELECT jsonb_array_elements_text($1::jsonb)", json)

    for work in (write, write_json):
        with pytest.raises(BadUserInputError, match="NUL"):
            await run_transaction(engine_database, work, deadline=soon())
    with pytest.raises(BadUserInputError, match="NUL"):
        await read(engine_database, "SELECT 1 FROM goal WHERE title = $1::text", NUL)
    values: Values = {"title": NUL}
    for named in (
        lambda made: made.update("Goal", goal_id(1), values),
        lambda made: made.update_many("Goal", {goal_id(1): values}),
        lambda made: made.update("Goal", goal_id(1), {}, columns=values),
    ):
        with pytest.raises(BadUserInputError, match=r"title contains the character NUL"):
            await change(engine_database, named)


async def test_a_row_keeps_its_id_and_is_the_one_that_changes(engine_database: Database) -> None:
    other: dict[UUID, Values] = {task_id(1): {"id": task_id(2), "information": "stolen"}}
    with pytest.raises(KeyError, match=r"GoalTask\.id"):
        await change(engine_database, lambda changes: changes.update_many("GoalTask", other))
    with pytest.raises(KeyError, match=r"Goal\.id"):
        await change(
            engine_database, lambda changes: changes.update("Goal", goal_id(1), {"id": NOWHERE})
        )


async def test_what_the_database_refuses_is_an_error(engine_database: Database) -> None:
    with pytest.raises(DatabaseError, match=r"23514|23502"):
        await change(
            engine_database, lambda changes: changes.update("Goal", goal_id(1), {"title": None})
        )


@pytest.mark.parametrize(("type_", "field"), [("Gaol", "title"), ("Goal", "tittle")])
async def test_a_name_that_is_not_there_is_a_mistake_in_code(
    engine_database: Database, type_: str, field: str
) -> None:
    with pytest.raises(KeyError):
        await change(
            engine_database, lambda changes: changes.update(type_, goal_id(1), {field: "x"})
        )
