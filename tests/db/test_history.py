"""Many readers and writers on few rows: what they saw can be put into an order."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter

import pytest

from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.settings import Settings
from tests.db.history import Recorded, find_anomaly

KEYS = ("a", "b", "c")
CLIENTS = 6
TRANSACTIONS = 40

SERIAL = [
    Recorded({"a": 0}, {"a": 1}),
    Recorded({"a": 1, "b": 0}, {"b": 2}),
    Recorded({"a": 1, "b": 2}),
]
ANOMALIES = {
    "lost update": [Recorded({"a": 0}, {"a": 1}), Recorded({"a": 0}, {"a": 2})],
    "dirty read": [Recorded({"a": 7})],
    "write skew": [
        Recorded({"a": 0, "b": 0}, {"a": 1}),
        Recorded({"a": 0, "b": 0}, {"b": 2}),
    ],
    "long fork": [
        Recorded({"a": 0}, {"a": 1}),
        Recorded({"b": 0}, {"b": 2}),
        Recorded({"a": 1, "b": 0}),
        Recorded({"a": 0, "b": 2}),
    ],
    "read skew": [
        Recorded({"a": 0, "b": 0}, {"a": 1, "b": 2}),
        Recorded({"a": 0, "b": 2}),
    ],
    "a reader between two writers": [  # Fekete's read-only anomaly under snapshot isolation
        Recorded({"a": 0, "b": 0}, {"a": 1}),
        Recorded({"b": 0}, {"b": 2}),
        Recorded({"a": 0, "b": 2}),
    ],
}


@pytest.mark.parametrize("history", [SERIAL, SERIAL[::-1], []], ids=["forth", "back", "none"])
def test_a_history_that_makes_sense_passes(history: list[Recorded]) -> None:
    assert find_anomaly(history) is None


@pytest.mark.parametrize("name", ANOMALIES)
def test_an_anomaly_is_found(name: str) -> None:
    assert find_anomaly(ANOMALIES[name]) is not None


async def test_a_recorded_history_is_serializable(postgres_url: str) -> None:
    database = Database(Settings(database_url=postgres_url, pool_size=CLIENTS))
    deadline = time.monotonic() + 28
    await database.write(
        "CREATE TABLE register (key text PRIMARY KEY, value int NOT NULL)", deadline=deadline
    )
    for key in KEYS:
        await database.write("INSERT INTO register VALUES ($1, 0)", (key,), deadline=deadline)
    history: list[Recorded] = []
    values = itertools.count(1)
    outcomes: Counter[str] = Counter()

    async def client(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(TRANSACTIONS):
            history.append(await _transact(database, chance, values, deadline))

    with database.observe(lambda trace: outcomes.update([trace.outcome])):
        await asyncio.gather(*(client(seed) for seed in range(CLIENTS)))
    await database.close()
    assert len(history) == CLIENTS * TRANSACTIONS
    assert outcomes["RESTART"] > 0, "no transaction got in another's way: this shows nothing"
    assert find_anomaly(history) is None


async def _transact(
    database: Database, chance: random.Random, values: itertools.count[int], deadline: float
) -> Recorded:
    """Read some keys; then leave it at that, or give some of them new values."""
    keys = chance.sample(KEYS, chance.choice((2, 2, 3)))
    changed = chance.sample(keys, chance.choice((0, 1, 1, 1, len(keys))))
    if not changed and chance.random() < 0.5:
        rows = await database.read("SELECT key, value FROM register", deadline=deadline)
        return Recorded({row["key"]: row["value"] for row in rows})

    async def work(transaction: Transaction) -> Recorded:
        seen = Recorded({})
        for key in keys:
            rows = await transaction.fetch("SELECT value FROM register WHERE key = $1", key)
            seen.reads[key] = rows[0]["value"]
        for key in changed:
            seen.writes[key] = next(values)
            await transaction.execute(
                "UPDATE register SET value = $2 WHERE key = $1", key, seen.writes[key]
            )
        return seen

    return await run_transaction(database, work, deadline=deadline)
