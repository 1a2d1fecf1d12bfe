"""The demo school in a real database, loaded both ways."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from poutama.db.bulk_load import TableRows, open_loader, split_inserts
from poutama.demo.demo_memberships import (
    group_id,
    write_group,
    write_leaders,
    write_learning,
    write_mentoring,
    write_organisations,
)
from poutama.demo.group_assignment import DAY, EVENING, SUMMER, Group
from poutama.demo.loader import make_demo
from poutama.demo.school import (
    ADMIN_EMAILS,
    COLUMNS,
    MANAGER_EMAILS,
    SchoolRows,
    person_id,
    write_adult,
    write_student,
)
from poutama.errors import (
    BadUserInputError,
    ConfigurationError,
    ConflictError,
    DatabaseError,
    UnavailableError,
)
from poutama.settings import Settings

# CockroachDB's way of loading is INSERT, which PostgreSQL understands as well.
INSERT = Settings(database_dialect="cockroachdb")
EITHER_WAY = pytest.mark.parametrize("settings", [Settings(), INSERT], ids=["engine's", "insert"])


async def execute(url: str, statement: str, *args: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *args)
    finally:
        await connection.close()


async def read(url: str, table: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        columns = ", ".join(COLUMNS.get(table, ("*",)))
        rows = await connection.fetch(f"select {columns} from {table} order by id")
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


def school(students: int, mentors: int) -> SchoolRows:
    rows = SchoolRows()
    write_organisations(rows)
    write_leaders(rows)
    write_group(rows, Group(EVENING, 1))
    write_group(rows, SUMMER)
    for email in (*ADMIN_EMAILS, *MANAGER_EMAILS):
        write_adult(rows, email)
    for number in range(1, mentors + 1):
        write_adult(rows, f"mentor-{number:02}@demo.example")
        write_group(rows, Group(DAY, number))
        write_mentoring(rows, number)
    for number in range(1, students + 1):
        write_student(rows, number)
        write_learning(rows, number)
        if number % 5 == 1:
            write_adult(rows, f"caregiver-{number:04}@demo.example")
    return rows


async def forget_belonging(url: str) -> None:
    """Leave what an earlier demo school had: no organisations, people: mentors and an admin."""
    await execute(url, "delete from organisation")
    await execute(
        url,
        "delete from person where email like 'caregiver-%' or email like 'manager-%'"
        " or email = 'admin-02@demo.example'",
    )


async def assert_holds(url: str, expected: SchoolRows) -> None:
    for table, values in expected.tables():
        found = await read(url, table)
        assert found == sorted(values, key=lambda row: str(row[0])), table


@EITHER_WAY
async def test_every_row_arrives_as_it_was_made(
    fresh_database_url: str, settings: Settings
) -> None:
    summary = await make_demo(fresh_database_url, students=51, settings=settings)
    expected = school(51, mentors=3)
    await assert_holds(fresh_database_url, expected)
    assert (
        *(summary.people, summary.organisations, summary.groups, summary.memberships),
        *(summary.goals, summary.tasks, summary.notes),
    ) == tuple(len(values) for _, values in expected.tables())
    assert summary.rows == sum(len(values) for _, values in expected.tables())


@EITHER_WAY
async def test_a_larger_school_adds_only_what_is_missing(
    fresh_database_url: str, settings: Settings
) -> None:
    await make_demo(fresh_database_url, students=10, settings=settings)
    summary = await make_demo(fresh_database_url, students=30, settings=settings)
    assert summary.people == 20 + 1 + 4
    await assert_holds(fresh_database_url, school(30, mentors=2))


async def test_a_second_run_adds_nothing(fresh_database_url: str) -> None:
    await make_demo(fresh_database_url, students=30)
    assert (await make_demo(fresh_database_url, students=30)).rows == 0


async def test_what_people_changed_since_is_left_alone(fresh_database_url: str) -> None:
    await make_demo(fresh_database_url, students=2)
    await execute(fresh_database_url, "delete from goal where information <> ''")
    await execute(
        fresh_database_url,
        "update person set email = 'me@here.example' where email = 'student-0002@demo.example'",
    )
    people, goals = [await read(fresh_database_url, table) for table in ("person", "goal")]
    assert (await make_demo(fresh_database_url, students=2)).rows == 0
    assert await read(fresh_database_url, "person") == people
    assert await read(fresh_database_url, "goal") == goals


@EITHER_WAY
async def test_a_database_made_before_there_were_organisations_gets_them(
    fresh_database_url: str, settings: Settings
) -> None:
    await make_demo(fresh_database_url, students=60)
    await forget_belonging(fresh_database_url)
    await execute(fresh_database_url, "update goal set title = 'Mine'")
    goals = await read(fresh_database_url, "goal")
    # First a part of it, which leaves the others as they were.
    for students in (13, 60):
        await make_demo(fresh_database_url, students=students, settings=settings)
    expected = school(60, mentors=3)
    assert await read(fresh_database_url, "goal") == goals
    expected.goal = goals
    await assert_holds(fresh_database_url, expected)


async def test_memberships_that_changed_are_left_alone(fresh_database_url: str) -> None:
    await make_demo(fresh_database_url, students=30)
    await execute(fresh_database_url, "update membership set ends_at = now(), accepted_at = null")
    await execute(fresh_database_url, "update learning_group set name = 'Ours', join_code = null")
    await execute(fresh_database_url, "update organisation set name = 'Ours'")
    tables = ("organisation", "learning_group", "membership")
    before = [await read(fresh_database_url, table) for table in tables]
    assert (await make_demo(fresh_database_url, students=30)).rows == 0
    assert [await read(fresh_database_url, table) for table in tables] == before


async def test_a_deleted_group_stays_deleted_and_gets_no_members(
    fresh_database_url: str,
) -> None:
    await make_demo(fresh_database_url, students=30)
    for statement in (
        "delete from membership where group_id = $1",
        "delete from learning_group where id = $1",
    ):
        await execute(fresh_database_url, statement, group_id(Group(DAY, 2)))
    assert (await make_demo(fresh_database_url, students=30)).rows == 0
    summary = await make_demo(fresh_database_url, students=60)
    assert (summary.groups, summary.people) == (1, 30 + 1 + 6)
    found = await read(fresh_database_url, "learning_group")
    assert {row[3] for row in found} == {"class 01", "class 03", "evening 01", "summer school"}


async def test_another_persons_rows_are_left_alone(fresh_database_url: str) -> None:
    other = person_id("other@else.example")
    await execute(
        fresh_database_url,
        "insert into person (id, email, name) values ($1, 's@e.example', 'S')",
        other,
    )
    before = await read(fresh_database_url, "person")
    await make_demo(fresh_database_url, students=1)
    assert before[0] in await read(fresh_database_url, "person")


async def test_another_person_with_a_demo_email_is_named(fresh_database_url: str) -> None:
    await execute(
        fresh_database_url,
        "insert into person (id, email, name) values"
        " (gen_random_uuid(), 'student-0003@demo.example', 'S')",
    )
    with pytest.raises(
        ConflictError, match=r"student-0003@demo\.example belongs to a person who is not"
    ):
        await make_demo(fresh_database_url, students=5)
    assert len(await read(fresh_database_url, "person")) == 1


@EITHER_WAY
async def test_two_runs_at_once_make_one_school(
    fresh_database_url: str, settings: Settings
) -> None:
    summaries = await asyncio.gather(
        *(make_demo(fresh_database_url, students=40, settings=settings) for _ in range(2))
    )
    await assert_holds(fresh_database_url, school(40, mentors=2))
    assert sum(summary.people for summary in summaries) == 40 + 2 + 4 + 8


async def test_an_interrupted_run_is_taken_up_again(fresh_database_url: str) -> None:
    def give_up(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await make_demo(fresh_database_url, students=60, progress=give_up, settings=INSERT)
    assert len(await read(fresh_database_url, "person")) == 25 + 1 + 4 + 5
    await make_demo(fresh_database_url, students=60)
    await assert_holds(fresh_database_url, school(60, mentors=3))


async def test_progress_is_told_from_nothing_to_all(fresh_database_url: str) -> None:
    reports: list[tuple[int, int]] = []
    await make_demo(
        fresh_database_url,
        students=60,
        progress=lambda done, total: reports.append((done, total)),
        settings=INSERT,
    )
    assert reports == [(0, 60), (25, 60), (50, 60), (60, 60)]


@pytest.mark.parametrize("students", [0, -1, 1_000_001])
async def test_a_school_of_an_impossible_size_is_refused(students: int) -> None:
    with pytest.raises(BadUserInputError, match="expected 1 to 1,000,000"):
        await make_demo("postgresql://127.0.0.1:1/none", students=students)


async def test_a_database_without_tables_is_said_plainly(postgres_url: str) -> None:
    with pytest.raises(ConfigurationError, match="run `poutama migrate` first"):
        await make_demo(postgres_url, students=1)


@EITHER_WAY
async def test_a_load_is_all_or_nothing(fresh_database_url: str, settings: Settings) -> None:
    people = school(1, mentors=1).person
    columns = ("id", "email", "name", "name_search", "version", "created_at", "updated_at")
    good, bad = TableRows("person", columns, people), TableRows("person", columns, people[:1])
    async with open_loader(settings, fresh_database_url) as loader:
        with pytest.raises(DatabaseError) as caught:
            await loader.load([good, bad])
        assert caught.value.sqlstate == "23505"
        assert await read(fresh_database_url, "person") == []
        await loader.load([good])
    assert len(await read(fresh_database_url, "person")) == len(people)


async def test_a_connection_lost_while_loading_is_said_plainly(
    fresh_database_url: str, database_engine: str
) -> None:
    if database_engine != "postgresql":
        pytest.skip("only PostgreSQL ends a session by its name")
    async with open_loader(Settings(), fresh_database_url) as loader:
        await execute(
            fresh_database_url,
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = current_database() and application_name = 'poutama-load'",
        )
        with pytest.raises(UnavailableError):
            await loader.load([TableRows("person", ("id",), [(person_id("x"),)])])


def test_inserts_stay_below_the_limit_of_parameters() -> None:
    table = TableRows("goal_task", ("id", "position"), [(row, row) for row in range(4_000)])
    statements = list(split_inserts(table))
    assert sum(len(values) for _, values in statements) == 8_000
    assert max(len(values) for _, values in statements) <= 3_000
    assert statements[0][0].startswith(
        "insert into goal_task (id, position) values ($1, $2), ($3, $4), "
    )
    assert statements[0][1][:4] == [0, 0, 1, 1]
    assert statements[-1][1][-1] == 3_999
