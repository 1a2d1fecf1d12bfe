"""Cost budgets: how much one person may ask for in a while, whatever address they come from.

`edge.http` opens an account for each request; the engine spends from it before it runs anything. A
process lets a person run up a tab, `budget_tab` at most, and asks the ledger (`db.budget_ledger`)
only when that is full: most requests cost no statement. What an answer costs by its bytes is known
afterwards, and owed. So n processes together can be `n x budget_tab` and an answer each ahead of
the ledger, once; what they were ahead is entered later and waited for. `docs/limits.md` has the
arithmetic. Never reads what is asked for, never says who else is busy.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Protocol
from uuid import UUID

import msgspec

from poutama.db.budget_ledger import NEW_SIGN_INS, Bucket, Charged, charge_budget
from poutama.db.connection import Database
from poutama.edge.content_negotiation import HeaderPairs
from poutama.errors import ConfigurationError, RateLimitedError
from poutama.lru import Lru
from poutama.settings import Settings

ATTEMPTS_AN_HOUR = 10
"""Requests of an account that is not a person yet."""
PEOPLE = 10_000
"""Tabs kept by one process; the person who was here longest ago starts anew."""


class Ledger(Protocol):
    """Where all processes agree on what a person has left."""

    async def __call__(
        self, person: UUID, bucket: Bucket, *, owed: float, cost: float, deadline: float
    ) -> Charged: ...


@dataclass(slots=True)
class Tab:
    """What this process knows of one person's budget."""

    level: float
    """What the ledger last said was left."""
    at: float
    """When it did, by this process's clock."""
    owed: float = 0.0
    """What was spent here since, and is not in the ledger yet."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Budgets:
    """The budgets of all people, as one process keeps them."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        clock: Callable[[], float] = monotonic,
        price: float | None = None,
    ) -> None:
        """Keep what is needed to charge.

        Args:
            ledger: what is left is kept there.
            settings: how much a budget has.
            clock: in seconds.
            price: of each request, whatever it costs; None: what it costs.

        Raises:
            ConfigurationError: no budget of the settings ever allows what `max_cost` allows.
        """
        if settings.budget_capacity < settings.max_cost:
            raise ConfigurationError(
                "POUTAMA_BUDGET_CAPACITY: expected at least POUTAMA_MAX_COST"
                f" ({settings.max_cost:g}), or 0 for no budgets, got {settings.budget_capacity:g}"
            )
        if settings.budget_refill <= 0 or settings.budget_tab < 0:
            raise ConfigurationError(
                "POUTAMA_BUDGET_REFILL, POUTAMA_BUDGET_TAB: expected more than 0, and 0 or more,"
                f" got {settings.budget_refill:g} and {settings.budget_tab:g}"
            )
        self._price = price
        self._ledger = ledger
        self._bucket = Bucket(settings.budget_capacity, settings.budget_refill)
        self._max_owed = settings.budget_tab
        capacity, refill = self._bucket.capacity, self._bucket.refill
        policy = f'"cost";q={capacity:.0f};w={math.ceil(capacity / refill)}'
        self._policy = (b"ratelimit-policy", policy.encode())
        self._clock = clock
        self._tabs: Lru[UUID, Tab] = Lru(PEOPLE)

    def open_account(self, person: UUID, deadline: float) -> Account:
        """The person's budget, for one request that ends by the deadline."""
        tab = self._tabs.get(person)
        if tab is None:
            # Full, until the ledger is read: a new caller does not wait.
            tab = Tab(self._bucket.capacity, self._clock())
            self._tabs.put(person, tab)
        return Account(self, person, tab, deadline, self._price)

    def left(self, tab: Tab) -> float:
        """At most this is left, by what this process knows."""
        waited = max(0.0, self._clock() - tab.at)
        filled = min(self._bucket.capacity, tab.level + self._bucket.refill * waited)
        return filled - tab.owed

    def put_on_tab(self, tab: Tab, cost: float) -> bool:
        """Spend without asking the database, if the tab is not full.

        Raises:
            RateLimitedError: this process knows that there is not enough left.
        """
        left = self.left(tab)
        if left < cost:
            raise self._refuse(cost, left)
        if tab.owed + cost > self._max_owed:
            return False
        tab.owed += cost
        return True

    async def spend(self, person: UUID, tab: Tab, cost: float, deadline: float) -> None:
        """Take the cost from the budget; what follows the tab's being full is one statement.

        Raises:
            RateLimitedError: there is not enough left; says after how many seconds there is.
            UnauthenticatedError, UnavailableError, DeadlineExceededError: as `charge_budget`.
        """
        if self.put_on_tab(tab, cost):
            return
        async with tab.lock:
            if self.put_on_tab(tab, cost):
                return
            owed = tab.owed
            charged = await self._ledger(
                person, self._bucket, owed=owed, cost=cost, deadline=deadline
            )
            tab.owed -= owed
            tab.level, tab.at = charged.level, self._clock()
            if not charged.granted:
                raise self._refuse(cost, charged.level)

    def describe(self, tab: Tab) -> HeaderPairs:
        """The headers that say what is left.

        https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
        """
        capacity, refill = self._bucket.capacity, self._bucket.refill
        left = max(0.0, self.left(tab))
        state = f'"cost";r={math.floor(left)};t={math.ceil((capacity - left) / refill)}'
        return (self._policy, (b"ratelimit", state.encode()))

    def _refuse(self, cost: float, left: float) -> RateLimitedError:
        wait = max(1, math.ceil((cost - left) / self._bucket.refill))
        available = max(0, math.floor(left))
        return RateLimitedError(
            f"This costs {cost:.0f}, and {available} of your budget of"
            f" {self._bucket.capacity:.0f} is left; try again in {wait} s.",
            limit="budget",
            value=math.ceil(cost),
            allowed=available,
            retryAfter=wait,
        )


class Account(msgspec.Struct):
    """One person's budget during one request."""

    budgets: Budgets
    person: UUID
    tab: Tab
    deadline: float
    price: float | None = None
    """Of the request, whatever it costs; None: what it costs."""
    paid: bool = False

    async def spend(self, cost: int) -> None:
        """Take the cost; errors as `Budgets.spend`."""
        if self.price is None:
            await self.budgets.spend(self.person, self.tab, cost, self.deadline)
        elif not self.paid:
            await self.budgets.spend(self.person, self.tab, self.price, self.deadline)
            self.paid = True

    def owe(self, cost: int) -> None:
        """Note what was not known before: never refused, and paid with what comes next."""
        if self.price is None:
            self.tab.owed += cost

    def headers(self) -> HeaderPairs:
        """What is left, for the response."""
        return self.budgets.describe(self.tab)


def open_budgets(settings: Settings, database: Database) -> Budgets | None:
    """The budgets that the settings ask for, kept in the database; None if they are off.

    Raises:
        ConfigurationError: as `Budgets`.
    """
    if settings.budget_capacity == 0:
        return None

    return Budgets(partial(charge_budget, database), settings)


def open_new_budgets(
    settings: Settings, database: Database, attempts: int = ATTEMPTS_AN_HOUR
) -> Budgets | None:
    """The budgets of accounts that are not people yet: so many attempts an hour, whatever is asked.

    Kept in the database alone, so that all processes together allow no more.
    """
    if settings.budget_capacity == 0:
        return None
    counted = replace(
        settings,
        budget_capacity=attempts,
        budget_refill=attempts / 3_600,
        budget_tab=0,
        max_cost=1,
    )
    charge = partial(charge_budget, database, ledger=NEW_SIGN_INS)
    return Budgets(charge, counted, price=1)
