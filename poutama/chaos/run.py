"""`poutama chaos`: writers and readers on a database whose servers are killed, then an audit.

The command line calls `run_chaos`. One node is stopped at a time, kills and drains in turn,
and the next only when it is back. Every response that clients get is recorded; the verdict comes
afterwards, from the record and from what the database then holds (`chaos.durability`). It writes
rows of its own people only and stops no node that is not named to it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from poutama.chaos.chaos_rows import ChaosRows, find_rows, make_chaos_rows, prepare, remove
from poutama.chaos.client import Execute
from poutama.chaos.counters import RunCounters
from poutama.chaos.database_nodes import Nodes, Outage
from poutama.chaos.history import Fault, Run
from poutama.chaos.workload import Reader, Writer
from poutama.db.connection import Database
from poutama.settings import Settings

SETTLE_SECONDS = 60.0
"""How long clients may take to bring to its end what they had begun."""
AUDIT_SECONDS = 300.0
ATTEMPT_SECONDS = 12.0
"""More than the longest deadline of a client: the session's own limit need not be changed."""


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """What a run is to do."""

    name: str
    began: str
    """Wall clock, RFC 3339."""
    seconds: float = 30.0
    writers: int = 6
    readers: int = 3
    every: float = 3.0
    """Seconds of peace between two faults, on average."""
    down: float = 1.0
    """Longest time that a node stays stopped, in seconds."""
    keep: bool = False
    """Whether the run's people stay in the database."""


MakeExecute = Callable[[Database, Settings], Execute]
"""Puts the API's engine over a database; this package must not import it."""


async def run_chaos(
    plan: ChaosPlan,
    nodes: Nodes,
    database: tuple[Settings, str],
    make_execute: MakeExecute,
    counters: RunCounters,
    stop: asyncio.Event,
) -> None:
    """Run the plan and look at what is left; `counters.keep` is given the whole history.

    Args:
        plan: how much and how long.
        nodes: those to stop and start.
        database: TLS and the like, and the URL of a migrated database.
        make_execute: makes what runs a GraphQL operation.
        counters: what a display may read meanwhile.
        stop: set, it ends the run before its time; the audit follows all the same.

    Raises:
        ConfigurationError: a command failed, or the database cannot be used.
        UnavailableError, DeadlineExceededError: the database did not answer before, or after.
    """
    crowd, auditor = _open_databases(plan, *database)
    rows = make_chaos_rows(plan.name, plan.writers)
    try:
        engine = await auditor.dialect()
        counters.keep(Run(plan.name, plan.began, engine, plan.writers, plan.readers))
        await prepare(auditor, rows, deadline=_in(SETTLE_SECONDS))
        counters.began = time.monotonic()
        clients = _gather_clients(plan, rows, crowd, make_execute(crowd, database[0]), counters)
        await _run_clients(plan, nodes, clients, auditor, counters, stop)
        counters.state = "audit"
        counters.keep(await find_rows(auditor, plan.name, deadline=_in(AUDIT_SECONDS)))
        if not plan.keep:
            counters.state = "cleaning up"
            await remove(auditor, rows, deadline=_in(AUDIT_SECONDS))
    finally:
        await crowd.close()
        await auditor.close()


def _open_databases(plan: ChaosPlan, settings: Settings, url: str) -> tuple[Database, Database]:
    """Connections for the clients, and one for the audit, which has more time."""
    hasty = replace(
        settings,
        pool_size=plan.writers + plan.readers,
        request_seconds=ATTEMPT_SECONDS,
        database_connect_seconds=2.0,
    )
    patient = replace(settings, pool_size=1, request_seconds=AUDIT_SECONDS)
    return Database(hasty, url=url), Database(patient, url=url)


def _gather_clients(
    plan: ChaosPlan, rows: ChaosRows, database: Database, execute: Execute, counters: RunCounters
) -> list[Writer | Reader]:
    writers = [Writer(number, rows, database, execute, counters) for number in range(plan.writers)]
    readers = [Reader(number, rows, execute, counters) for number in range(plan.readers)]
    return [*writers, *readers]


async def _run_clients(
    plan: ChaosPlan,
    nodes: Nodes,
    clients: list[Writer | Reader],
    auditor: Database,
    counters: RunCounters,
    stop: asyncio.Event,
) -> None:
    timer = asyncio.get_running_loop().call_later(plan.seconds, stop.set)
    tasks = [asyncio.create_task(client.run(stop)) for client in clients]
    try:
        await _take_turns(plan, nodes, auditor, counters, stop)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        raise
    finally:
        timer.cancel()
        stop.set()
        counters.state = "clients finish"
        await _settle(tasks)


async def _settle(tasks: list[asyncio.Task[None]]) -> None:
    """Let the clients bring to its end what they have begun; cut off those that cannot."""
    _, late = await asyncio.wait(tasks, timeout=SETTLE_SECONDS)
    for task in late:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


async def _take_turns(
    plan: ChaosPlan, nodes: Nodes, auditor: Database, counters: RunCounters, stop: asyncio.Event
) -> None:
    """Take one server away after the other until it is time to stop; all are back then."""
    chance = random.Random(f"{plan.name} faults")  # noqa: S311
    for name, action in _turns(nodes):
        counters.state = "peace"
        if await _is_set_within(stop, plan.every * chance.uniform(0.5, 1.5)):
            return
        start = counters.now()
        counters.state = f"{action} {name}"
        await nodes.stop_node(name, action)
        await _is_set_within(stop, chance.uniform(0.0, plan.down))
        counters.state = f"{name} comes back"
        await nodes.start_node(name)
        await auditor.read("SELECT 1", deadline=_in(SETTLE_SECONDS), name="back")
        counters.record_fault(Fault(node=name, action=action, start=start, end=counters.now()))
    await stop.wait()


def _turns(nodes: Nodes) -> Iterator[tuple[str, Outage]]:
    """Every node by turns, and every action on each of them by turns."""
    if not nodes.names:
        return
    for turn in itertools.count():
        for number, name in enumerate(nodes.names):
            yield name, nodes.actions[(turn + number) % len(nodes.actions)]


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _in(seconds: float) -> float:
    return time.monotonic() + seconds
