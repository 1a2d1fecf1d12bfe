"""The phases of a roster's check and application that are more than statements over staged rows.

`roster.steps` puts them in order; `roster.walk` says what each is given and gives back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from json import dumps
from typing import Any

from poutama.db.transaction import Transaction
from poutama.features.roster.columns import FILES
from poutama.features.roster.fetching import OpenRoster, borrow_roster, forget_rosters
from poutama.features.roster.manifest import Mode
from poutama.features.roster.reading import Batch, Place, Telling, open_manifest
from poutama.features.roster.records import FIND_ADMINISTRATOR, SET_ENDINGS, SET_SOURCE
from poutama.features.roster.staging import (
    COUNT_READ,
    DROP_RANGE,
    TABLES,
    count_staged,
    drop_doubles,
    find_staged,
    stage_rows,
)
from poutama.features.roster.walk import BATCH, Here, Import, Turn, find_top
from poutama.jobs.job import JobFailedError, RowError

MOST_TOLD = 1_000
"""Of each code in each file so many rows are told, and then how many more there are."""

NO_ADMIN = "Whoever asked for this does not administer the organisation any more."

State = Mapping[str, Any]


async def clean(here: Here) -> Turn:
    """Delete what is staged, batch by batch."""
    tops = dict(here.at.get("tops") or {})
    if not tops:
        tops = {table: await find_top(here, table) for table in TABLES}
    table = next((table for table in TABLES if tops[table] > 0), None)
    if table is None:
        return Turn()
    before = tops[table]
    tops[table] = first = max(0, before - BATCH)

    async def effects(transaction: Transaction) -> None:
        await transaction.execute(DROP_RANGE[table], here.import_.id, first, before)

    return Turn({"tops": tops}, effects=effects)


async def open_file(here: Here) -> Turn:
    """Fetch the zip and read what its manifest says."""
    async with borrow_roster(
        here.step.store, here.import_.row["object_key"], here.import_.row["sha256"]
    ) as roster:
        manifest = await asyncio.to_thread(open_manifest, roster.archive)

    async def effects(transaction: Transaction) -> None:
        verified = here.import_.row["verified"]
        await SET_SOURCE.apply(
            transaction, here.import_.actor, here.import_.id, manifest.system, verified
        )

    modes = {file: mode.value for file, mode in manifest.modes.items() if mode is not Mode.ABSENT}
    files = [file for file in FILES if file in modes]
    told = {
        "modes": modes,
        "files": files,
        "rows": dict.fromkeys(TABLES, 0),
        "blind": {},
        "read": 0,
        "refused": 0,
        "told": {},
    }
    return Turn(state=told, effects=effects, errors=manifest.notes)


async def read_rows(here: Here) -> Turn:
    """Stage the next rows of the file that is being read."""
    place = int(here.at.get("file", 0))
    if place == len(here.state["files"]):
        forget_rosters()
        return _conclude_reading(here.import_, here.state)
    file, at = here.state["files"][place], here.at
    begun = Place(at["line"], at["offset"]) if "line" in at else None
    async with borrow_roster(
        here.step.store, here.import_.row["object_key"], here.import_.row["sha256"]
    ) as roster:
        batch, readable = await asyncio.to_thread(_read_batch, roster, file, begun)
    turn = await _stage_batch(here, file, batch, unreadable=not readable)
    following: dict[str, int] = {"file": place + 1}
    if batch.place is not None:
        following = {"file": place, "line": batch.place.line, "offset": batch.place.offset}
    return replace(turn, at=following)


async def _stage_batch(here: Here, file: str, batch: Batch, *, unreadable: bool) -> Turn:
    """Stage the rows of a batch, and tell what is wrong with the others."""
    step, import_, state = here.step, here.import_, here.state
    there = await find_staged(step.database, import_.id, file, batch.rows, deadline=here.deadline)
    kept, doubles = drop_doubles(file, batch.rows, there)
    telling = Telling(state["told"], MOST_TOLD)
    errors = telling.admit([*batch.errors, *doubles])
    managers, rows = import_.row["managers"], state["rows"]
    counts = count_staged(kept, managers=managers)

    async def effects(transaction: Transaction) -> None:
        await stage_rows(
            transaction, import_.id, kept, place=rows, zone=import_.zone, managers=managers
        )

    blind = state["blind"].get(file, 0) + batch.blind + unreadable
    read = len(batch.rows) + batch.blind
    refused = sum(row.refused for row in kept) + batch.blind + len(doubles)
    after = {
        "rows": {table: rows[table] + counts[table] for table in TABLES},
        "blind": {**state["blind"], file: blind},
        "read": state["read"] + read,
        "refused": state["refused"] + refused,
        "told": dict(telling.told),
    }
    return Turn(None, after, effects, errors, rows=read)


def _read_batch(roster: OpenRoster, file: str, begun: Place | None) -> tuple[Batch, bool]:
    """The next rows; and whether the file's header can be read at all."""
    reader = roster.reader(file)
    batch = reader.read_batch(begun, BATCH) if reader.is_readable else Batch()
    if begun is None:
        batch.errors[:0] = reader.errors
    return batch, reader.is_readable


def _conclude_reading(import_: Import, state: State) -> Turn:
    """Decide where what is absent ends: nowhere that rows are that nobody can tell the id of."""
    bulk = [file for file, mode in state["modes"].items() if mode == Mode.BULK]
    ends = {file: not state["blind"].get(file) for file in bulk}
    errors = [
        RowError(
            file=f"{file}.csv",
            line=0,
            field="",
            code="NOT_ENDED",
            message="There are rows whose sourcedId cannot be read: nothing is ended because it is"
            " absent from this file.",
        )
        for file in bulk
        if not ends[file]
    ]

    async def effects(transaction: Transaction) -> None:
        await SET_ENDINGS.apply(transaction, import_.actor, import_.id, dumps(ends), state["read"])

    return Turn(state={"top": dict(state["rows"])}, effects=effects, errors=errors)


async def begin_application(here: Here) -> Turn:
    """Make sure that what was checked is still there, and whoever asked still may.

    Raises:
        JobFailedError: it is not, or they may not.
    """
    if not await here.read(FIND_ADMINISTRATOR, here.import_.id):
        raise JobFailedError(
            "Whoever asked for this does not administer the organisation any more."
        )
    rows = {table: await _count_read(here, table) for table in TABLES}
    checked = here.import_.row["memberships_ended"] or 0
    return Turn(state={"rows": rows, "top": dict(rows), "checked": checked, "told": {}})


async def _count_read(here: Here, table: str) -> int:
    """How many rows were read from files into the table."""
    return int((await here.read(COUNT_READ[table], here.import_.id))[0]["count"])


async def guard(here: Here) -> Turn:
    """Let nothing end that nobody has seen, nor more than is allowed.

    Raises:
        JobFailedError: it would.
    """
    ends, before = (
        here.import_.row["memberships_ended"] or 0,
        here.import_.row["memberships_before"] or 0,
    )
    if ends > here.state["checked"]:
        raise JobFailedError(
            f"{ends:,} memberships would end, and {here.state['checked']:,} when it was checked:"
            " something has changed since. Check it again."
        )
    allowed = here.step.input.allow_ending_percent
    if ends * 100 > allowed * before:
        raise JobFailedError(
            f"{ends:,} of {before:,} memberships by rosters would end, more than the {allowed} %"
            " that are allowed. If that is right, allow more."
        )
    return Turn()
