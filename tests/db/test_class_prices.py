"""What a unit of cost buys of the goals of a class, as `test_prices` counts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from poutama.viewer import Viewer
from tests.db.sessions import soon
from tests.db.test_prices import BYTES, GOAL, ROWS, SETTINGS, RecordingDatabase, ask, find_largest

MENTOR, CLASS, SCHOOL = (UUID(int=number) for number in (5, 6, 7))
STUDENTS, GOALS, STRANGERS = 30, 20, 500
"""Of a class; and students of another, with as many goals, of which the mentor sees nothing."""

FILL = (
    "INSERT INTO organisation (id, name, name_search, time_zone, region, retention_days) VALUES"
    f" ('{SCHOOL}', 'School', 'school', 'UTC', 'NZ', 30)",
    "INSERT INTO learning_group (id, organisation_id, name, name_search) VALUES"
    f" ('{CLASS}', '{SCHOOL}', 'Class', 'class'), ('{SCHOOL}', '{SCHOOL}', 'Other', 'other')",
    f"INSERT INTO person (id, name, email) VALUES ('{MENTOR}', 'Mentor', 'mentor@a.example')",
    "INSERT INTO person (id, name, email) SELECT md5('person' || n)::uuid, CASE WHEN"
    f" n <= {STUDENTS} THEN 'Student' ELSE 'Stranger' END, n || '@a.example'"
    f" FROM generate_series(1, {STUDENTS + STRANGERS}) n",
    "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source, accepted_at)"
    f" SELECT gen_random_uuid(), '{SCHOOL}', CASE name WHEN 'Stranger' THEN '{SCHOOL}'::uuid"
    f" ELSE '{CLASS}'::uuid END, id, CASE name WHEN 'Mentor' THEN 'MENTOR' ELSE 'STUDENT' END,"
    " 'ROSTER', now() FROM person",
    "INSERT INTO goal (id, person_id, goal_type, title, title_search, information,"
    " information_search, due_at) SELECT gen_random_uuid(), person.id, 'SPORTS', 'Goal', 'goal',"
    " 'a', 'a', now() + n * interval '1 day' FROM person,"
    f" generate_series(1, {GOALS}) n WHERE name <> 'Mentor'",
    "ANALYZE",
)
OVERDUE = 'filter: {complete: {eq: false}, dueAt: {lt: "2026-01-01T00:00:00Z"}}'
QUERIES = (
    "{ groups { goals { id } } }",
    "{ groups { goals(first: 1) { id } } }",
    "{ groups { goals(first: 1, orderBy: [DUE_AT_ASC]) { id } } }",
    f"{{ groups {{ goals(first: 1, {OVERDUE}, orderBy: [DUE_AT_ASC]) {{ id }} }} }}",
    "query($n: Int) { groups { goalsConnection(first: $n, orderBy: [DUE_AT_ASC]) { totalCount"
    f" nodes {{ {GOAL} owner {{ name }} }} }} }} }}",
    "{ groups { goalsConnection(first: 0) { totalCount } } }",
    '{ groups { goalsConnection(first: 0, filter: {search: "zz"}) { totalCount } } }',
    "{ groups { people { name } } }",
    "{ organisations { goals(first: 1) { id } } }",
    f"{{ organisations {{ goalsConnection(first: 1, {OVERDUE}) {{ nodes {{ id }} }} }} }}",
)


@pytest_asyncio.fixture(scope="module")
async def school(database_url: str) -> AsyncIterator[RecordingDatabase]:
    database = RecordingDatabase(SETTINGS, url=database_url)
    for statement in FILL:
        await database.write(statement, deadline=soon())
    yield database
    await database.close()


@pytest.mark.parametrize("query", QUERIES)
async def test_a_unit_buys_so_many_rows_of_a_class(school: RecordingDatabase, query: str) -> None:
    """As much however many students there are in other classes."""
    bill = await ask(school, Viewer(MENTOR), query, find_largest(query))

    assert bill.bytes or bill.refused
    assert bill.rows <= ROWS * bill.units, bill
    assert bill.bytes <= BYTES * bill.units, bill
