"""`poutama chaos`: writers and readers on a database whose servers are killed, then an audit.

The command line calls `run_chaos`. One server is taken away at a time, kills and drains in turn,
and the next only when it is back. Everything that clients were told is recorded; the verdict comes
afterwards, from the record and from what the database then holds (`cluster.durability`). It plays
on people of its own and takes away no server that it was not given.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from poutama.cluster.client import Execute
from poutama.cluster.ground import Ground, find_rows, invent_ground, prepare, remove
from poutama.cluster.history import Fault, Run
from poutama.cluster.nodes import Nodes, Outage
from poutama.cluster.tally import Tally
from poutama.cluster.workload import Reader, Writer
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
    """Longest time that a server stays away, before it is given back, in seconds."""
    keep: bool = False
    """Whether the run's people stay in the database."""


MakeExecute = Callable[[Database, Settings], Execute]
"""Puts the API's engine over a database; this room must not know it."""


async def run_chaos(
    plan: ChaosPlan,
    nodes: Nodes,
    database: tuple[Settings, str],
    make_execute: MakeExecute,
    tally: Tally,
    stop: asyncio.Event,
) -> None:
    """Run the plan and look at what is left; `tally.keep` is given the whole history.

    Args:
        plan: how much and how long.
        nodes: what is taken away and given back.
        database: TLS and the like, and the URL of a migrated database.
        make_execute: makes what runs a GraphQL operation.
        tally: what a view may look at meanwhile.
        stop: set, it ends the run before its time; the audit follows all the same.

    Raises:
        ConfigurationError: a command failed, or the database cannot be used.
        UnavailableError, DeadlineExceededError: the database did not answer before, or after.
    """
    crowd, auditor = _open_databases(plan, *database)
    ground = invent_ground(plan.name, plan.writers)
    try:
        engine = await auditor.dialect()
        tally.keep(Run(plan.name, plan.began, engine, plan.writers, plan.readers))
        await prepare(auditor, ground, deadline=_in(SETTLE_SECONDS))
        tally.began = time.monotonic()
        clients = _gather_clients(plan, ground, crowd, make_execute(crowd, database[0]), tally)
        await _run_clients(plan, nodes, clients, auditor, tally, stop)
        tally.state = "audit"
        tally.keep(await find_rows(auditor, plan.name, deadline=_in(AUDIT_SECONDS)))
        if not plan.keep:
            tally.state = "cleaning up"
            await remove(auditor, ground, deadline=_in(AUDIT_SECONDS))
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
    plan: ChaosPlan, ground: Ground, database: Database, execute: Execute, tally: Tally
) -> list[Writer | Reader]:
    writers = [Writer(number, ground, database, execute, tally) for number in range(plan.writers)]
    readers = [Reader(number, ground, execute, tally) for number in range(plan.readers)]
    return [*writers, *readers]


async def _run_clients(
    plan: ChaosPlan,
    nodes: Nodes,
    clients: list[Writer | Reader],
    auditor: Database,
    tally: Tally,
    stop: asyncio.Event,
) -> None:
    timer = asyncio.get_running_loop().call_later(plan.seconds, stop.set)
    tasks = [asyncio.create_task(client.run(stop)) for client in clients]
    try:
        await _take_turns(plan, nodes, auditor, tally, stop)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        raise
    finally:
        timer.cancel()
        stop.set()
        tally.state = "clients finish"
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
    plan: ChaosPlan, nodes: Nodes, auditor: Database, tally: Tally, stop: asyncio.Event
) -> None:
    """Take one server away after the other until it is time to stop; all are back then."""
    chance = random.Random(f"{plan.name} faults")  # noqa: S311
    for name, action in _turns(nodes):
        tally.state = "peace"
        if await _is_set_within(stop, plan.every * chance.uniform(0.5, 1.5)):
            return
        start = tally.now()
        tally.state = f"{action} {name}"
        await nodes.take_away(name, action)
        await _is_set_within(stop, chance.uniform(0.0, plan.down))
        tally.state = f"{name} comes back"
        await nodes.give_back(name)
        await auditor.read("SELECT 1", deadline=_in(SETTLE_SECONDS), name="back")
        tally.record_fault(Fault(node=name, action=action, start=start, end=tally.now()))
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
