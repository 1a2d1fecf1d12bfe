"""Every point of the message exchange, with every fault: what was reported must be what is true."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest

from poutama.db import pooled_connection
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import (
    AmbiguousCommit,
    DatabaseError,
    DeadlineExceededError,
    PoutamaError,
    UnavailableError,
)
from poutama.settings import Settings
from tests.db.proxy import Action, Fault, FaultProxy, Message, Sender

INSERT = "INSERT INTO mark (key, part) VALUES ($1, $2) RETURNING part"
COUNT = "SELECT part, count(*) FROM mark WHERE key = $1 GROUP BY part"
PATIENT = 28.0
HURRIED = 0.15

Act = Callable[[Database, UUID, float], Awaitable[object]]


def now_and(seconds: float) -> float:
    return time.monotonic() + seconds


async def act_write(database: Database, key: UUID, seconds: float) -> object:
    return await database.write(INSERT, (key, 1), deadline=now_and(seconds))


async def act_transaction(database: Database, key: UUID, seconds: float) -> object:
    async def work(transaction: Transaction) -> str:
        await transaction.fetch(INSERT, key, 1)
        return await transaction.execute(INSERT, key, 2)

    return await run_transaction(database, work, deadline=now_and(seconds))


async def act_read(database: Database, key: UUID, seconds: float) -> object:
    return await database.read(COUNT, (key,), deadline=now_and(seconds))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something done to the database, and the rows it leaves when it happened."""

    act: Act
    parts: tuple[int, ...]
    warm: bool
    """Whether its statements were prepared by an earlier run."""


SCENARIOS = {
    f"{name}-{'warm' if warm else 'cold'}": Scenario(act, parts, warm)
    for name, act, parts in (
        ("write", act_write, (1,)),
        ("transaction", act_transaction, (1, 2)),
        ("read", act_read, ()),
    )
    for warm in (False, True)
}

FROM_CLIENT = [
    Fault(Action.DROP_BEFORE),
    Fault(Action.DROP_AFTER),
    Fault(Action.HALF),
    Fault(Action.DELAY),
    Fault(Action.HOLD),
    *(Fault(Action.ANSWER, code) for code in ("40001", "40003", "57P01", "53300", "0A000")),
]
# What a server can say although it did what it was asked to.
FROM_SERVER = [
    Fault(Action.DROP_BEFORE),
    Fault(Action.DROP_AFTER),
    Fault(Action.HALF),
    Fault(Action.DELAY),
    Fault(Action.HOLD),
    *(Fault(Action.ANSWER, code) for code in ("40003", "57P01")),
]


@pytest.fixture
async def auditor(fresh_mark: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_mark)
    yield connection
    await connection.close()


@pytest.fixture
async def fresh_mark(postgres_url: str) -> str:
    """A database whose one table would show a row that was written twice."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("CREATE TABLE mark (key uuid NOT NULL, part int NOT NULL)")
    await connection.close()
    return postgres_url


@pytest.fixture(autouse=True)
def hasty_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that no longer answers is not waited for."""
    monkeypatch.setattr(pooled_connection, "CLOSE_SECONDS", 0.02)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
@pytest.mark.parametrize("side", list(Sender), ids=lambda side: side.name.lower())
async def test_what_is_told_is_what_is_true(
    scenario: Scenario, side: Sender, fresh_mark: str, auditor: asyncpg.Connection
) -> None:
    exchange = await _record(scenario, fresh_mark)
    faults = FROM_CLIENT if side is Sender.CLIENT else FROM_SERVER
    cases = 0
    for number, message in enumerate(exchange):
        for fault in faults if message.side is side else ():
            await _check(scenario, fresh_mark, auditor, exchange, number, fault)
            cases += 1
    assert cases >= 20


@pytest.mark.parametrize(
    "fault",
    [*FROM_CLIENT[:3], Fault(Action.DELAY)]
    + [Fault(Action.ANSWER, code) for code in ("53300", "57P01", "57P03")],
    ids=str,
)
async def test_a_fault_while_connecting_is_survived(
    fault: Fault, fresh_mark: str, auditor: asyncpg.Connection
) -> None:
    async with FaultProxy(fresh_mark, counting_startup=True) as proxy:
        proxy.record()
        database = Database(Settings(pool_size=2), url=proxy.proxied_url)
        await act_read(database, uuid4(), PATIENT)
        await database.close()
        exchange = next(n for n, message in enumerate(proxy.messages) if message.kind == "Z") + 1
    assert exchange >= 5
    for number in range(exchange):
        key = uuid4()
        async with FaultProxy(fresh_mark, counting_startup=True) as proxy:
            proxy.arm(number, fault)
            database = Database(Settings(pool_size=2), url=proxy.proxied_url)
            await act_write(database, key, PATIENT)
            assert proxy.fired
            await database.close()
            assert database.pool.open_connections == 0
        assert [row["count"] for row in await auditor.fetch(COUNT, key)] == [1]


async def test_a_server_that_never_greets_is_unavailable_by_the_deadline(fresh_mark: str) -> None:
    async with FaultProxy(fresh_mark, counting_startup=True) as proxy:
        proxy.arm(1, Fault(Action.HOLD))
        database = Database(Settings(pool_size=2), url=proxy.proxied_url)
        with pytest.raises(UnavailableError):
            await act_write(database, uuid4(), HURRIED)
        await database.close()
        assert database.pool.open_connections == 0


async def _record(scenario: Scenario, url: str) -> list[Message]:
    async with FaultProxy(url) as proxy:
        database = await _open(proxy, scenario)
        proxy.record()
        await scenario.act(database, uuid4(), PATIENT)
        proxy.rest()
        await database.close()
    return proxy.messages


async def _open(proxy: FaultProxy, scenario: Scenario) -> Database:
    """A connection is open; the scenario's statements are known to it or not."""
    database = Database(Settings(pool_size=2), url=proxy.proxied_url)
    await database.read("SELECT 1", deadline=now_and(PATIENT))
    if scenario.warm:
        await scenario.act(database, uuid4(), PATIENT)
    return database


async def _check(
    scenario: Scenario,
    url: str,
    auditor: asyncpg.Connection,
    exchange: list[Message],
    number: int,
    fault: Fault,
) -> None:
    case = f"{fault} at {number}: {exchange[number]}"
    key, reported = await _tell(scenario, url, number, fault)
    await _end_sessions(auditor)
    counted = {row["part"]: row["count"] for row in await auditor.fetch(COUNT, key)}
    happened = dict.fromkeys(scenario.parts, 1)
    match reported:
        case None:
            assert counted == happened, case
        case AmbiguousCommit():
            assert counted in ({}, happened), case
            assert number >= _decisive(exchange, fault), f"needlessly in doubt: {case}"
        case _:
            assert counted == {}, case
            allowed = _may_be_told(fault, scenario, exchange[number])
            assert isinstance(reported, allowed), f"{reported!r}: {case}"


async def _tell(
    scenario: Scenario, url: str, number: int, fault: Fault
) -> tuple[UUID, PoutamaError | None]:
    """The scenario into the fault; a machine too slow to get there in time is given more."""
    seconds = HURRIED if fault.action is Action.HOLD else PATIENT
    while True:
        key = uuid4()
        reported: PoutamaError | None = None
        async with FaultProxy(url) as proxy:
            database = await _open(proxy, scenario)
            proxy.arm(number, fault)
            try:
                await scenario.act(database, key, seconds)
            except PoutamaError as error:
                reported = error
            proxy.rest()
            assert await database.read("SELECT 1 AS one", deadline=now_and(PATIENT))
            await database.close()
            assert database.pool.open_connections == 0
        if proxy.fired:
            return key, reported
        assert seconds < PATIENT, f"{fault} never came to {number}"
        seconds *= 2


def _decisive(exchange: list[Message], fault: Fault) -> int:
    """The first number at which a fault can leave open whether the server has committed."""
    commits = max(number for number, message in enumerate(exchange) if message.kind in "BQ")
    # What comes after an answer meets the client as it asks for the commit.
    return commits - 1 if fault.action is Action.DROP_AFTER else commits


def _may_be_told(
    fault: Fault, scenario: Scenario, message: Message
) -> tuple[type[PoutamaError], ...]:
    """One fault is survived, unless nothing can be done about it."""
    match fault:
        case Fault(Action.HOLD):
            return (DeadlineExceededError, UnavailableError)
        case Fault(Action.ANSWER, "0A000") if not scenario.warm or message.kind == "Q":
            return (DatabaseError,)  # no earlier schema explains it
        case _:
            return ()


async def _end_sessions(auditor: asyncpg.Connection) -> None:
    """Wait until no session of ours is left that might still commit something."""
    if "crdb_version" in dir(auditor.get_settings()):
        await auditor.execute(
            "CANCEL SESSIONS IF EXISTS (SELECT session_id FROM [SHOW CLUSTER SESSIONS]"
            " WHERE application_name = 'poutama')"
        )
        return
    await auditor.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'poutama' AND datname = current_database()"
    )
