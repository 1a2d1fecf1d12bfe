"""What a unit of cost buys, over a school that has too much of everything: rows, and bytes.

Each kind of operation is made as large as `MAX_COST` allows, and asked. Counted are the rows that
PostgreSQL reads for it by its own count, those that do not fit included, and the bytes of the
answer; never time. Where an answer is refused for its rows, what it read is counted all the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.db.pooled_connection import Records
from poutama.engine import Engine
from poutama.errors import LimitExceededError
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.schema.model import Relation
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sessions import soon
from tests.unit.plan.costs import cost_of

SETTINGS = Settings(rendering="json")
STUDENT, ADMIN, ORGANISATION, GROUP = (UUID(int=number) for number in (1, 2, 3, 4))
PUPIL, STAFF, ONE_OF_MANY = (
    UUID(hashlib.md5(name.encode()).hexdigest()) for name in ("pupil1", "staff1", "person1")
)
"""The pupil of a small group of another organisation, its mentor, and a pupil of the school."""
GOALS, TASKS, MEMBERS = 1_000, 22, 1_100
"""More tasks than there may be at one place, and more members than in one list."""
OTHERS = 500
"""Other organisations, with ten groups of a pupil and a member of staff each."""
ROWS, BYTES = 50, 1_100
"""Most rows read, and most bytes answered, for one unit."""

FILL = (
    f"INSERT INTO person (id, name, email) VALUES ('{STUDENT}', 'Student', 'student@a.example'),"
    f" ('{ADMIN}', 'Admin', 'admin@a.example')",
    "INSERT INTO person (id, name, email) SELECT md5('person' || n)::uuid, 'Person ' || n,"
    f" n || '@a.example' FROM generate_series(1, {MEMBERS}) n",
    "INSERT INTO organisation (id, name, name_search, time_zone, region, retention_days) VALUES"
    f" ('{ORGANISATION}', 'School', 'school', 'UTC', 'NZ', 30)",
    "INSERT INTO learning_group (id, organisation_id, name, name_search) VALUES"
    f" ('{GROUP}', '{ORGANISATION}', 'Class', 'class')",
    "INSERT INTO membership (id, organisation_id, person_id, role, source, accepted_at) VALUES"
    f" (gen_random_uuid(), '{ORGANISATION}', '{ADMIN}', 'ADMIN', 'FOUNDED', now())",
    "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source, accepted_at)"
    f" SELECT gen_random_uuid(), '{ORGANISATION}', '{GROUP}', id, 'STUDENT', 'ROSTER', now()"
    " FROM person WHERE name LIKE 'Person %'",
    "INSERT INTO goal (id, person_id, goal_type, title, title_search, information,"
    " information_search) SELECT md5('goal' || n)::uuid,"
    f" '{STUDENT}', 'SPORTS', 'Goal', 'goal', 'a', 'a' FROM generate_series(1, {GOALS}) n",
    "INSERT INTO goal_task (id, goal_id, information, information_search, position)"
    " SELECT gen_random_uuid(), goal.id, 'a', 'a', n FROM goal,"
    f" generate_series(1, {TASKS}) n",
    # Other organisations, of which the viewers see nothing.
    "INSERT INTO organisation (id, name, name_search, time_zone, region, retention_days) SELECT"
    " md5('other' || n)::uuid, 'Other', 'other', 'UTC', 'NZ', 30"
    f" FROM generate_series(1, {OTHERS}) n",
    "INSERT INTO learning_group (id, organisation_id, name, name_search) SELECT"
    " md5('group' || n)::uuid,"
    f" md5('other' || (1 + n % {OTHERS}))::uuid, 'A', 'a'"
    f" FROM generate_series(1, 10 * {OTHERS}) n",
    "INSERT INTO person (id, name, email) SELECT md5(who || n)::uuid, who, who || n || '@b.example'"
    f" FROM generate_series(1, 10 * {OTHERS}) n, (VALUES ('pupil'), ('staff')) AS of(who)",
    "INSERT INTO membership (id, organisation_id, group_id, person_id, child_id, role, source,"
    " accepted_at) SELECT gen_random_uuid(), o.id, CASE WHEN role IN ('STUDENT', 'MENTOR') THEN"
    f" md5('group' || n)::uuid END, md5(who || n)::uuid, CASE role WHEN 'CAREGIVER' THEN"
    " md5('pupil' || n)::uuid END, role, 'INVITED', accepted_at"
    f" FROM generate_series(1, 10 * {OTHERS}) n, LATERAL (SELECT"
    f" md5('other' || (1 + n % {OTHERS}))::uuid) AS o(id),"
    " (VALUES ('pupil', 'STUDENT', now()),"
    " ('staff', 'MENTOR', now()), ('staff', 'ADMIN', now()), ('staff', 'CAREGIVER', now()),"
    " ('staff', 'MENTOR_MANAGER', NULL)) AS of(who, role, accepted_at)",
    "INSERT INTO opened_record (id, person_id, opener_id, opener_name, organisation_id, reason,"
    " other_administrators, expires_at) SELECT gen_random_uuid(), md5('pupil' || n)::uuid,"
    f" md5('staff' || n)::uuid, 'Staff', md5('other' || (1 + n % {OTHERS}))::uuid, 'a', 0,"
    f" now() + interval '1 hour' FROM generate_series(1, 10 * {OTHERS}) n",
    "INSERT INTO goal (id, person_id, goal_type, title, title_search, information,"
    " information_search, due_at) SELECT md5('due' || n)::uuid, md5('pupil' || n)::uuid, 'SPORTS',"
    f" 'Goal', 'goal', 'a', 'a', '2026-01-01' FROM generate_series(1, 10 * {OTHERS}) n",
    "INSERT INTO reminder (id, person_id, goal_id, kind, due_at) SELECT gen_random_uuid(),"
    " md5('pupil' || n)::uuid, md5('due' || n)::uuid, 'OVERDUE', '2026-01-01'"
    f" FROM generate_series(1, 10 * {OTHERS}) n",
    "INSERT INTO address_conflict (id, organisation_id, person_id, email, kind, source, claimant)"
    f" SELECT gen_random_uuid(), md5('other' || (1 + n % {OTHERS}))::uuid,"
    " md5('pupil' || n)::uuid, 'a@b.example', 'SIGN_IN', 'a', 'b'"
    f" FROM generate_series(1, 10 * {OTHERS}) n",
    "ANALYZE",
)
GOAL = "id goalType title information complete dueAt color updatedAt createdAt"
STUDENTS = (
    "{ goals { id } }",
    f"{{ goals {{ {GOAL} }} }}",
    "{ goals { id tasks { id } } }",
    "{ goals { tasks { complete } } }",
    "query($n: Int) { goals(first: $n) { tasks { complete } } }",
    "query($n: Int) { goals(first: $n) { tasks(first: $n) { complete } } }",
    f"query($n: Int) {{ goalsConnection(first: $n) {{ nodes {{ {GOAL} }} }} }}",
    "{ goals { owner { goals { id } } } }",
    "query($n: Int) { goals(first: $n) { owner { goals(first: $n) { id } } } }",
    "{ goals(first: 1, orderBy: [TITLE_ASC]) { id } }",
    "{ me { goals(first: 1) { id } } }",
    "{ me { goalsConnection(first: 1) { nodes { id } } } }",
    "{ goals { tasks(first: 1) { id } } }",
    "{ groups(first: 1) { id } }",
    "{ organisations { id } }",
    "{ a: goals { id tasks { id } } b: goals { tasks { complete } } c: goals { tasks { id } } }",
)
FILTERED_GOALS = (
    'tasks: {some: {information: {contains: "z"}}}',
    'tasks: {none: {information: {eq: "a"}}}',
    'or: [{tasks: {every: {complete: {eq: true}}}}, {notes: {some: {information: {eq: "z"}}}}]',
    "tasks: {some: {goal: {complete: {eq: true}}}}",
    # All tasks again for each task.
    "tasks: {some: {goal: {tasks: {some: {complete: {eq: true}}}}}}",
    "owner: {goals: {every: {complete: {eq: true}}}}",
)
COUNTS = (
    "{ goalsConnection(first: 0) { totalCount } }",
    "{ goals { tasksConnection(first: 0) { totalCount } } }",
    "{ goals { notesConnection(first: 0) { totalCount } tasksConnection(first: 1) { totalCount"
    " nodes { id } } } }",
    "query($n: Int) { goals(first: $n) { tasksConnection(first: $n) { totalCount } } }",
    "{ goals { owner { goalsConnection(first: 0) { totalCount } } } }",
    "{ goals { tasksConnection(first: 0, filter: {complete: {eq: true}}) { totalCount } } }",
    *(f"{{ goals(filter: {{{filter_}}}) {{ id }} }}" for filter_ in FILTERED_GOALS),
    *(f"{{ goals(first: 1, filter: {{{filter_}}}) {{ id }} }}" for filter_ in FILTERED_GOALS),
    *(
        f"{{ goalsConnection(first: 0, filter: {{{filter_}}}) {{ totalCount }} }}"
        for filter_ in FILTERED_GOALS
    ),
)
"""Of a student: what is read to count, and to decide what is in a list."""
ADMINS = (
    "{ organisations { memberships { id } } }",
    "{ organisations { groups { members { id } } } }",
    "{ groups { members { person { name } } } }",
    "{ groups { members(first: 1) { id } } }",
    "{ groupsConnection(first: 1) { nodes { id } } }",
    "{ organisations { memberships(first: 1) { id } } }",
    "{ organisations { membershipsConnection(first: 1) { nodes { id } } } }",
    "query($n: Int) { organisations { membershipsConnection(first: $n) { nodes { id } } } }",
    "query($n: Int) { organisations { memberships(first: $n) { person { name memberships { id } } }"
    " } }",
    "query($n: Int) { groups { members(first: $n) { organisation { memberships(first: $n) { id } }"
    " } } }",
    "{ organisations { membershipsConnection(first: 0) { totalCount } } }",
    "{ groups { people { name } } }",
    "{ organisations { peopleConnection(first: 1) { totalCount nodes { id } } } }",
    "{ groups { goals(first: 1) { id } goalsConnection(first: 0) { totalCount } } }",
    "{ organisations { goals(filter: {complete: {eq: false}}) { id } } }",
    "{ organisations { memberships(first: 1, filter: {role: {eq: CAREGIVER}}) { id } } }",
    '{ organisations { memberships(filter: {person: {name: {eq: "zz"}}}) { id } } }',
    '{ groups(filter: {members: {none: {person: {name: {eq: "Person 1"}}}}}) { id } }',
    # All members again for each.
    "{ groups { membersConnection(first: 0, filter: {group: {members: {some: {role: {eq: ADMIN}"
    "}}}}) { totalCount } } }",
    "{ groups { members(first: 1, filter: {person: {goals: {some: {complete: {eq: true}}}}})"
    " { id } } }",
)
WAYS = {
    "Group": "{ groups { %s } }",
    "Membership": "{ me { memberships { %s } } }",
    "Organisation": "{ organisations { %s } }",
    "Person": "{ me { %s } }",
    "RosterChange": "{ rosterImports { changes { %s } } }",
}
"""How rows of a type are reached from which a view (`@table(over:)`) is read."""


def list_views() -> list[str]:
    """Reads of every view that is computed of tables (`@table(over:)`), wherever it is related."""
    entities = load_model().entities
    queries = [
        "{ addressConflicts { id } }",
        "{ invitations { id } }",
        "{ rosterImports { id } }",
        "{ me { memberships { person { access { id holder { id } membership { id } } } } } }",
        "{ me { memberships(filter: {person: {access: {some: {reason: {eq: ADMIN}}}}}) { id } } }",
        "{ me { access(filter: {reason: {eq: MENTOR}}) { id } } }",
        "{ me { accessConnection(first: 0) { totalCount } } }",
    ]
    for entity in entities.values():
        for name, relation in entity.fields.items():
            if isinstance(relation, Relation) and entities[relation.target].over:
                is_page = name.endswith("Connection")
                field = f"{name}(first: 1) {{ nodes {{ id }} }}" if is_page else f"{name} {{ id }}"
                queries.append(WAYS[entity.name] % field)
    return queries


class RecordingDatabase(Database):
    """Notes the statements of reads, with their values."""

    def __init__(self, settings: Settings, *, url: str) -> None:
        super().__init__(settings, url=url)
        self.sent: list[tuple[str, Sequence[object]]] = []

    async def read(
        self, statement: str, args: Sequence[object] = (), *, deadline: float, name: str = "read"
    ) -> Records:
        self.sent.append((statement, args))
        return await super().read(statement, args, deadline=deadline, name=name)


@dataclass
class Bill:
    """What an operation cost, and what was had for it."""

    spent: list[int] = field(default_factory=list)
    rows: float = 0
    bytes: int = 0
    refused: bool = False

    async def spend(self, cost: int) -> None:
        self.spent.append(cost)

    @property
    def units(self) -> int:
        # The last is the operation's own; those before were for what is new to the process.
        return sum(self.spent[-1:])


@pytest_asyncio.fixture(scope="module")
async def school(database_url: str) -> AsyncIterator[RecordingDatabase]:
    database = RecordingDatabase(SETTINGS, url=database_url)
    for statement in FILL:
        await database.write(statement, deadline=soon())
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("viewer", "query"),
    [
        *((STUDENT, query) for query in (*STUDENTS, *COUNTS)),
        *((ADMIN, query) for query in ADMINS),
        *((viewer, query) for query in list_views() for viewer in (PUPIL, STAFF, ONE_OF_MANY)),
    ],
)
async def test_a_unit_buys_so_many_rows_and_bytes_at_most(
    school: RecordingDatabase, viewer: UUID, query: str
) -> None:
    bill = await ask(school, Viewer(viewer), query, find_largest(query))

    assert bill.bytes or bill.refused
    assert bill.rows <= ROWS * bill.units, bill
    assert bill.bytes <= BYTES * bill.units, bill


@pytest.mark.parametrize("rendering", ["json", "rows"])
async def test_a_search_costs_what_it_goes_through_for_each_of_its_words(
    school: RecordingDatabase, rendering: str
) -> None:
    """Whether the words are in the document or in a variable, in one filter or in several."""
    settings = replace(SETTINGS, rendering=rendering)
    engine = Engine(load_model(), school, settings, load_features().procedures)

    async def owed(filter_: str, words: str = "") -> int:
        query = f"query ($w: String!) {{ goals(first: 1, filter: {filter_}) {{ id }} }}"
        request = GraphQLRequest(query, variables={"w": words})
        answer = await engine.execute(request, Viewer(STUDENT), deadline=soon())
        assert b"errors" not in answer.body, answer.body
        return answer.owed

    words = [f"word{number}" for number in range(20)]
    once = GOALS // SETTINGS.cost_scan
    assert await owed("{ search: $w }", "word") == once
    assert await owed("{ search: $w }", " ".join(words)) == 20 * once
    assert await owed("{ not: { search: $w } }", "one two") == 2 * once
    assert await owed('{ or: [{ search: $w }, { search: "two three" }] }', "one") == 3 * once
    tasks = await owed("{ tasks: { some: { information: { eq: $w } } } }", "one")
    assert await owed("{ tasks: { some: { search: $w } } }", "one two") == 2 * tasks


async def test_what_is_over_a_bound_has_read_little_more_than_it(
    school: RecordingDatabase,
) -> None:
    bill = await ask(school, Viewer(STUDENT), "{ goals { owner { goals { id } } } }", {})

    assert bill.refused
    assert bill.rows <= SETTINGS.max_rows + 4 * GOALS


def find_largest(query: str) -> dict[str, int]:
    """The largest `$n` with which the operation costs no more than one may."""
    if "$n" not in query:
        return {}
    allowed = 0
    for step in (512, 256, 128, 64, 32, 16, 8, 4, 2, 1):
        try:
            cost_of(query, SETTINGS, n=allowed + step)
        except LimitExceededError:
            continue
        allowed += step
    return {"n": min(allowed, SETTINGS.max_page_size)}


async def ask(
    school: RecordingDatabase, viewer: Viewer, query: str, variables: dict[str, int]
) -> Bill:
    bill = Bill()
    engine = Engine(load_model(), school, SETTINGS, load_features().procedures)
    school.sent.clear()
    answer = await engine.execute(
        GraphQLRequest(query, variables=variables), viewer, deadline=soon(), spend=bill.spend
    )
    bill.spent[-1] += answer.owed
    bill.bytes = len(answer.body)
    bill.refused = b"LIMIT_EXCEEDED" in answer.body
    assert bill.refused or answer.body.startswith(b'{"data"'), answer.body[:500]
    ((statement, values),) = school.sent
    ((plan,),) = await Database.read(
        school, f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", values, deadline=soon()
    )
    bill.rows = count_rows(json.loads(plan)[0]["Plan"])
    return bill


def count_rows(plan: dict[str, Any]) -> float:
    """How many rows were read from tables, by PostgreSQL's own count: misfits too."""
    own = 0.0
    if "Relation Name" in plan:
        removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        each = plan["Actual Rows"] + sum(plan.get(name, 0) for name in removed)
        own = each * plan["Actual Loops"]
    return float(own) + sum(count_rows(each) for each in plan.get("Plans", ()))
