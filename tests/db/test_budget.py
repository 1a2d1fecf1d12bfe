"""The ledger of budgets, in a database: several processes, refilling, clocks that step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import asyncpg
import pytest

from poutama.db.budget_ledger import Bucket, Charged, charge_budget
from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.edge.budget import Budgets, open_budgets
from poutama.engine import Engine
from poutama.engine.execution import Spend
from poutama.errors import RateLimitedError, UnauthenticatedError
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sessions import soon

# So slow that nothing comes back while a test runs.
STILL = Bucket(capacity=1_000, refill=1e-6)
SPEND = Settings(budget_capacity=1_000, budget_refill=1e-6, budget_tab=100, max_cost=500)

Make = Callable[[], Database]


@pytest.fixture
async def open_process(database_url: str) -> AsyncIterator[Make]:
    """As many processes as a test wants: each has its own connections and its own memory."""
    opened: list[Database] = []

    def open_process() -> Database:
        opened.append(Database(Settings(database_url=database_url, pool_size=2)))
        return opened[-1]

    yield open_process
    for database in opened:
        await database.close()


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def ana(sql: asyncpg.Connection) -> UUID:
    person = uuid4()
    await sql.execute(
        "insert into person (id, email, name) values ($1, $2, 'Ana')",
        person,
        f"{person}@demo.example",
    )
    return person


async def charge(
    database: Database, person: UUID, cost: float, *, owed: float = 0, bucket: Bucket = STILL
) -> Charged:
    return await charge_budget(database, person, bucket, owed=owed, cost=cost, deadline=soon())


async def test_a_new_person_has_the_whole_capacity(open_process: Make, ana: UUID) -> None:
    assert await charge(open_process(), ana, 1_000) == Charged(0, granted=True)


async def test_more_than_there_is_is_refused_and_nothing_is_taken(
    open_process: Make, ana: UUID
) -> None:
    process = open_process()
    assert await charge(process, ana, 1_001) == Charged(1_000, granted=False)
    assert (await charge(process, ana, 600)).granted
    again = await charge(process, ana, 600)
    assert (round(again.level), again.granted) == (400, False)


async def test_what_is_owed_is_taken_even_below_zero(open_process: Make, ana: UUID) -> None:
    process = open_process()
    assert await charge(process, ana, 10, owed=1_100) == Charged(-100, granted=False)
    assert not (await charge(process, ana, 1)).granted


async def test_a_bucket_fills_by_the_second_and_never_over(
    open_process: Make, sql: asyncpg.Connection, ana: UUID
) -> None:
    process = open_process()
    # A hundredth a second: what passes while the test runs makes less than one.
    slow = Bucket(capacity=1_000, refill=0.01)
    assert (await charge(process, ana, 1_000, bucket=slow)).granted

    await let_pass(sql, ana, seconds=20_000)
    filled = await charge(process, ana, 500, bucket=slow)
    assert (filled.granted, int(filled.level)) == (False, 200)

    await let_pass(sql, ana, seconds=10_000_000)
    assert await charge(process, ana, 0, bucket=slow) == Charged(1_000, granted=True)


async def test_a_clock_that_stepped_back_fills_nothing_until_it_has_caught_up(
    open_process: Make, sql: asyncpg.Connection, ana: UUID
) -> None:
    process = open_process()
    fast = Bucket(capacity=1_000, refill=1_000)
    await charge(process, ana, 0, owed=1_000)
    await let_pass(sql, ana, seconds=-3_600)

    ahead = await sql.fetchval("select settled_at from person_budget where person_id = $1", ana)
    assert await charge(process, ana, 1, bucket=fast) == Charged(0, granted=False)
    kept = await sql.fetchval("select settled_at from person_budget where person_id = $1", ana)
    assert kept == ahead


async def let_pass(sql: asyncpg.Connection, person: UUID, *, seconds: float) -> None:
    await sql.execute(
        "update person_budget set settled_at = settled_at - $2 * interval '1 second'"
        " where person_id = $1",
        person,
        seconds,
    )


async def test_it_is_one_statement(open_process: Make, ana: UUID) -> None:
    process = open_process()
    traces: list[StatementTrace] = []
    with process.observe(traces.append):
        await charge(process, ana, 1)
        await charge(process, ana, 1)
    assert [trace.name for trace in traces] == ["budget", "budget"]


async def test_a_person_who_is_gone_has_no_budget(open_process: Make) -> None:
    with pytest.raises(UnauthenticatedError):
        await charge(open_process(), uuid4(), 1)


async def test_deleting_a_person_deletes_the_row(
    open_process: Make, sql: asyncpg.Connection, ana: UUID
) -> None:
    await charge(open_process(), ana, 1)
    await sql.execute("delete from person where id = $1", ana)
    assert await sql.fetchval("select count(*) from person_budget where person_id = $1", ana) == 0


async def test_processes_that_charge_at_once_take_no_more_than_there_is(
    open_process: Make, ana: UUID
) -> None:
    processes = [open_process() for _ in range(6)]

    charged = await asyncio.gather(
        *(charge(process, ana, 30) for process in processes for _ in range(10))
    )

    assert sum(one.granted for one in charged) == 33
    assert round((await charge(processes[0], ana, 0)).level) == 10


async def spend_all(budgets: Budgets, person: UUID, cost: int) -> int:
    spent = 0
    while True:
        try:
            await budgets.open_account(person, soon()).spend(cost)
        except RateLimitedError:
            return spent
        spent += cost


@pytest.mark.parametrize("cost", [9, 60, 150])
async def test_processes_with_tabs_are_at_most_a_tab_each_ahead(
    open_process: Make, ana: UUID, cost: int
) -> None:
    processes = [budgets_of(open_process()) for _ in range(5)]

    spent = sum(await asyncio.gather(*(spend_all(one, ana, cost) for one in processes)))

    assert 1_000 - cost <= spent <= 1_000 + 5 * SPEND.budget_tab


async def test_what_they_were_ahead_is_waited_for(open_process: Make, ana: UUID) -> None:
    processes = [budgets_of(open_process()) for _ in range(5)]
    spent = sum(await asyncio.gather(*(spend_all(one, ana, 60) for one in processes)))
    owed = sum(one.open_account(ana, soon()).tab.owed for one in processes)

    left = await charge(open_process(), ana, 0)

    assert round(left.level) == 1_000 - (spent - owed)


async def test_a_process_that_has_just_begun_knows_what_others_spent(
    open_process: Make, ana: UUID
) -> None:
    await spend_all(budgets_of(open_process()), ana, 100)

    assert await spend_all(budgets_of(open_process()), ana, 100) <= SPEND.budget_tab


async def test_most_reads_are_one_statement_still(open_process: Make, ana: UUID) -> None:
    database = open_process()
    settings = Settings(budget_capacity=1_000, budget_tab=20, max_cost=500)
    engine = Engine(load_model(), database, settings, load_features().procedures)
    budgets = open_budgets(settings, database)
    assert budgets is not None
    traces: list[StatementTrace] = []

    async def ask(spend: Spend | None) -> None:
        request = GraphQLRequest("{ me { name } }")
        await engine.execute(request, Viewer(ana), deadline=time.monotonic() + 60, spend=spend)

    await ask(None)  # parsed and planned once, which costs, too
    with database.observe(traces.append):
        for _ in range(11):  # of cost 4 each: five fit on a tab, the sixth settles it
            await ask(budgets.open_account(ana, soon()).spend)

    names = [trace.name for trace in traces]
    assert names == ["read"] * 5 + ["budget"] + ["read"] * 5 + ["read"]


def budgets_of(database: Database) -> Budgets:
    budgets = open_budgets(SPEND, database)
    assert budgets is not None
    return budgets


def test_a_capacity_of_nothing_means_that_no_budget_is_counted(database_url: str) -> None:
    settings = Settings(database_url=database_url, budget_capacity=0)
    assert open_budgets(settings, Database(settings)) is None
