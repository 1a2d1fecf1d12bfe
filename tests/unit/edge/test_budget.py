"""Budgets in one process: what goes on the tab, when the ledger is asked, what a client reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from poutama.db.budget_ledger import Bucket, Charged
from poutama.edge.budget import Account, Budgets
from poutama.edge.http import Api, Request, refuse
from poutama.engine import GraphQLResponse
from poutama.errors import (
    AmbiguousCommit,
    ConfigurationError,
    DeadlineExceededError,
    MethodNotAllowedError,
    RateLimitedError,
    ResponseTooLargeError,
    UnavailableError,
)
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.unit.edge.test_http import FIXED, JSON, OneToken, headers_of, healthy, post

ANA, BEN = UUID(int=1), UUID(int=2)
SETTINGS = Settings(budget_capacity=1_000, budget_refill=10.0, budget_tab=100, max_cost=500)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Memory:
    """A ledger in memory that fills nothing, and gives way to others before it answers."""

    level: float = 1_000
    asked: list[tuple[float, float]] = field(default_factory=list)
    away: bool = False

    async def __call__(
        self, person: UUID, bucket: Bucket, *, owed: float, cost: float, deadline: float
    ) -> Charged:
        self.asked.append((owed, cost))
        await asyncio.sleep(0)
        if self.away:
            raise UnavailableError
        granted = self.level - owed >= cost
        self.level -= owed + (cost if granted else 0)
        return Charged(self.level, granted)


@dataclass
class Process:
    ledger: Memory = field(default_factory=Memory)
    clock: Clock = field(default_factory=Clock)
    settings: Settings = SETTINGS
    budgets: Budgets = field(init=False)

    def __post_init__(self) -> None:
        self.budgets = Budgets(self.ledger, self.settings, self.clock)

    def account(self, person: UUID = ANA) -> Account:
        return self.budgets.open_account(person, 60.0)

    async def spend_all(self, cost: int) -> int:
        """Spend until refused; how much it came to."""
        spent = 0
        while True:
            try:
                await self.account().spend(cost)
            except RateLimitedError:
                return spent
            spent += cost


async def test_small_costs_go_on_the_tab_and_the_ledger_is_not_asked() -> None:
    process = Process()
    for _ in range(10):
        await process.account().spend(10)
    assert process.ledger.asked == []

    await process.account().spend(10)
    assert process.ledger.asked == [(100, 10)]


async def test_what_is_more_than_a_tab_is_asked_for_at_once() -> None:
    process = Process()
    await process.account().spend(30)
    await process.account().spend(101)
    assert process.ledger.asked == [(30, 101)]


async def test_without_a_tab_every_cost_is_asked_for() -> None:
    process = Process(settings=Settings(budget_tab=0, max_cost=500))
    for _ in range(3):
        await process.account().spend(10)
    assert process.ledger.asked == [(0, 10)] * 3


async def test_one_process_never_spends_more_than_there_is() -> None:
    process = Process()
    assert await process.spend_all(30) == 990


@pytest.mark.parametrize("processes", [2, 5, 20])
@pytest.mark.parametrize("cost", [7, 60, 100])
async def test_several_processes_are_at_most_a_tab_each_ahead(processes: int, cost: int) -> None:
    ledger = Memory()
    everyone = [Process(ledger) for _ in range(processes)]

    spent = sum(await asyncio.gather(*(process.spend_all(cost) for process in everyone)))

    assert 1_000 - cost <= spent <= 1_000 + processes * SETTINGS.budget_tab
    assert ledger.level >= -processes * SETTINGS.budget_tab


async def test_a_person_spends_only_their_own_budget() -> None:
    process = Process()
    await process.spend_all(100)
    asked = list(process.ledger.asked)
    await process.account(BEN).spend(100)
    assert process.ledger.asked == asked, "it goes on a tab of his own"


async def test_a_refused_caller_is_refused_without_asking_until_there_is_enough() -> None:
    process = Process(Memory(level=50))
    with pytest.raises(RateLimitedError) as caught:
        await process.account().spend(200)
    assert caught.value.extensions == {
        "limit": "budget",
        "value": 200,
        "allowed": 50,
        "retryAfter": 15,
    }
    asked = len(process.ledger.asked)

    process.clock.now = 14.9
    with pytest.raises(RateLimitedError):
        await process.account().spend(200)
    assert len(process.ledger.asked) == asked

    process.clock.now = 15.0
    process.ledger.level = 200
    await process.account().spend(200)
    assert len(process.ledger.asked) == asked + 1


async def test_a_clock_that_steps_back_gives_nothing_and_takes_nothing() -> None:
    process = Process(clock=Clock(1_000.0))
    await process.account().spend(50)
    process.clock.now = 0.0
    assert process.budgets.left(process.account().tab) == 950


async def test_many_requests_at_once_settle_the_tab_once() -> None:
    process = Process()
    await asyncio.gather(*(process.account().spend(10) for _ in range(20)))

    assert process.ledger.asked == [(100, 10)]
    assert process.ledger.level == 890
    assert process.account().tab.owed == 90


async def test_what_is_spent_while_a_tab_is_settled_is_owed_afterwards() -> None:
    process = Process()
    await process.account().spend(90)
    await asyncio.gather(process.account().spend(20), process.account().spend(5))

    assert process.ledger.asked == [(90, 20)]
    assert process.account().tab.owed == 5


async def test_a_ledger_that_is_away_loses_no_debt() -> None:
    process = Process(Memory(away=True))
    await process.account().spend(90)
    with pytest.raises(UnavailableError):
        await process.account().spend(20)

    process.ledger.away = False
    await process.account().spend(20)
    assert process.ledger.asked[-1] == (90, 20)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(budget_capacity=4_999),
        Settings(budget_refill=0.0),
        Settings(budget_tab=-1),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_BUDGET_"):
        Budgets(Memory(), settings)


async def test_what_is_owed_for_an_answer_is_never_refused_and_waited_for() -> None:
    process = Process(Memory(level=150))
    account = process.account()
    await account.spend(101)  # asks the ledger
    account.owe(400)
    assert dict(account.headers())[b"ratelimit"] == b'"cost";r=0;t=100'

    with pytest.raises(RateLimitedError):
        await process.account().spend(1)


class SpendingEngine:
    """Costs what the query says, and fails where it is made to."""

    def __init__(self, error: Exception | None = None, owed: int = 0) -> None:
        self._error = error
        self._owed = owed

    async def execute(
        self,
        request: GraphQLRequest,
        viewer: Viewer | None,
        *,
        deadline: float,
        read_only: bool = False,
        idempotency_key: str | None = None,
        spend: Callable[[int], Awaitable[None]] | None = None,
    ) -> GraphQLResponse:
        if spend is not None:
            await spend(int(request.query))
        if self._error is not None:
            raise self._error
        return replace(FIXED, owed=self._owed)


def costing(cost: int, **headers: str) -> Request:
    return post({"query": str(cost)}, **headers)


def api(process: Process | None, *, error: Exception | None = None) -> Api:
    budgets = None if process is None else process.budgets
    return Api(SpendingEngine(error), OneToken(), Settings(), healthy, budgets=budgets)


async def test_every_answer_says_what_is_left() -> None:
    response = await api(Process()).handle(costing(105, authorization="Bearer good"))

    sent = headers_of(response)
    assert response.status == 200
    assert sent["ratelimit-policy"] == '"cost";q=1000;w=100'
    assert sent["ratelimit"] == '"cost";r=895;t=11'


async def test_an_answer_says_what_is_left_once_it_is_paid() -> None:
    engine, process = SpendingEngine(owed=40), Process()
    served = Api(engine, OneToken(), Settings(), healthy, budgets=process.budgets)

    response = await served.handle(costing(105))

    assert headers_of(response)["ratelimit"].startswith('"cost";r=855;')


async def test_a_caller_with_nothing_left_receives_when_to_come_again() -> None:
    response = await api(Process(Memory(level=0))).handle(costing(200, authorization="Bearer good"))

    sent: dict[str, Any] = dict(headers_of(response))
    assert (response.status, sent["retry-after"]) == (429, "20")
    assert sent["ratelimit"] == '"cost";r=0;t=100'
    (error,) = json.loads(response.body)["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert error["message"].startswith("This costs 200, and 0 of your budget of 1000 is left")


async def test_without_budgets_and_without_a_person_nothing_is_counted() -> None:
    alone = await api(None).handle(costing(10**9))
    request = costing(10**9)
    anonymous = await api(Process()).handle(
        Request(request.method, request.path, "", {"content-type": JSON}, request.body)
    )

    assert (alone.status, anonymous.status) == (200, 401)
    for response in (alone, anonymous):
        assert not [name for name in headers_of(response) if name.startswith("ratelimit")]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnavailableError(), 503),
        (AmbiguousCommit(), 503),
        (DeadlineExceededError(), 504),
        (ResponseTooLargeError(), 422),
        (RuntimeError("broken"), 500),
        (MethodNotAllowedError(), 405),
    ],
)
async def test_an_answer_that_failed_says_what_is_left_all_the_same(
    error: Exception, status: int
) -> None:
    response = await api(Process(), error=error).handle(costing(105))

    assert response.status == status
    assert headers_of(response)["ratelimit"] == '"cost";r=895;t=11'


@pytest.mark.parametrize("error", [AmbiguousCommit(), RuntimeError("broken")])
async def test_what_an_entry_point_ends_says_what_is_left(error: Exception) -> None:
    request = costing(105)
    begun = asyncio.Event()

    class Endless(SpendingEngine):
        async def execute(self, *words: Any, **input: Any) -> GraphQLResponse:
            await super().execute(*words, **input)
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    served = Api(Endless(), OneToken(), Settings(), healthy, budgets=Process().budgets)
    answering = asyncio.ensure_future(served.handle(request))
    await begun.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering

    assert headers_of(refuse(request, error))["ratelimit"] == '"cost";r=895;t=11'
