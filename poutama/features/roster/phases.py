"""The phases of a roster's check and application that are more than statements over staged rows.

`roster.steps` puts them in order; `roster.runner` defines what each receives and returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set
from json import dumps

from msgspec.structs import replace

from poutama.db.transaction import Transaction
from poutama.errors import QuotaExceededError
from poutama.features.roster.archive import Archive
from poutama.features.roster.checkpoint import (
    FileCursor,
    FileState,
    RepeatCursor,
    State,
    TableCounts,
)
from poutama.features.roster.columns import FILES
from poutama.features.roster.csv_reader import (
    FilePosition,
    RowBatch,
    find_unreadable,
    open_manifest,
)
from poutama.features.roster.error_report import ErrorReport
from poutama.features.roster.fetching import OpenRoster, borrow_roster, close_cached_rosters
from poutama.features.roster.inputs import ApplyInput
from poutama.features.roster.manifest import Manifest, Mode
from poutama.features.roster.records import SET_ENDINGS, SET_SOURCE
from poutama.features.roster.roster_rows import ClassRow
from poutama.features.roster.runner import BATCH, Import, PhaseContext, PhaseResult
from poutama.features.roster.staged_tables import COUNT_READ, DROP_RANGE, StagedTable
from poutama.features.roster.staging import count_staged, drop_doubles, find_staged, stage_rows
from poutama.jobs.job import JobFailedError, RowError
from poutama.quotas import Quotas

_ADDED = "SELECT groups_added, memberships_added FROM roster_import WHERE id = $1::uuid"


async def clean(context: PhaseContext) -> PhaseResult:
    """Delete what is staged, batch by batch from the end."""
    for table in StagedTable:
        top = await context.find_top(table)
        if top == 0:
            continue

        async def effects(
            transaction: Transaction, table: StagedTable = table, top: int = top
        ) -> None:
            await transaction.execute(DROP_RANGE[table], context.import_.id, top - BATCH, top)

        return PhaseResult(cursor=RepeatCursor(), effects=effects)
    return PhaseResult()


async def open_file(context: PhaseContext) -> PhaseResult:
    """Fetch the zip and read what its manifest says.

    Raises:
        JobFailedError: it was not uploaded, or cannot be read as a roster: a file without its
            columns would pass for one without rows.
    """
    import_ = context.import_
    async with borrow_roster(context.step.store, import_.object_key, import_.sha256) as roster:
        manifest, unreadable = await asyncio.to_thread(_read_headers, roster.archive)
        references = await asyncio.to_thread(lambda: roster.references)
    references.require(import_.schools)
    report = ErrorReport()
    choice = references.describe_choice(import_.schools)
    errors = [*manifest.notes, *choice, *report.admit(references.errors)]
    if unreadable:
        raise JobFailedError(" ".join(unreadable))

    async def effects(transaction: Transaction) -> None:
        values = (import_.id, manifest.system, import_.verified)
        await SET_SOURCE.apply(
            transaction, import_.actor, *values, organisation=import_.organisation
        )

    files = [
        FileState(file, manifest.modes[file])
        for file in FILES
        if manifest.modes[file] is not Mode.ABSENT
    ]
    state = State(files=tuple(files), errors=report.counts)
    return PhaseResult(state=state, effects=effects, errors=errors)


def _read_headers(archive: Archive) -> tuple[Manifest, list[str]]:
    """The manifest, and why files that it announces cannot be read."""
    manifest = open_manifest(archive)
    there = [file for file in FILES if manifest.modes[file] is not Mode.ABSENT]
    return manifest, find_unreadable(archive, there)


async def read_rows(context: PhaseContext) -> PhaseResult:
    """Stage the next rows of the file that is being read.

    Raises:
        JobFailedError: the zip is damaged.
    """
    import_, state = context.import_, context.state
    cursor = context.cursor(FileCursor) or FileCursor(0)
    if cursor.index == len(state.files):
        close_cached_rosters()
        return _conclude_reading(import_, state)
    begun = FilePosition(cursor.line, cursor.offset) if cursor.line else None
    async with borrow_roster(context.step.store, import_.object_key, import_.sha256) as roster:
        name = state.files[cursor.index].name
        batch = await asyncio.to_thread(_read_batch, roster, name, begun, import_.schools)
    following = FileCursor(cursor.index + 1)
    if batch.place is not None:
        following = FileCursor(cursor.index, batch.place.line, batch.place.offset)
    return await _stage_batch(context, cursor.index, batch, following)


async def _stage_batch(
    context: PhaseContext, index: int, batch: RowBatch, following: FileCursor
) -> PhaseResult:
    """Stage the rows of a batch, and report what is wrong with the others."""
    step, import_, state = context.step, context.import_, context.state
    file, managers = state.files[index], import_.managers
    there = await find_staged(
        step.database, import_.id, file.name, batch.rows, deadline=context.deadline
    )
    kept, doubles = drop_doubles(file.name, batch.rows, there)
    report = ErrorReport(state.errors)
    errors = report.admit([*batch.errors, *doubles])

    async def effects(transaction: Transaction) -> None:
        await stage_rows(
            transaction,
            import_.id,
            kept,
            place=state.staged,
            zone=import_.zone,
            managers=managers,
            chosen=bool(import_.schools),
        )

    read = len(batch.rows) + batch.blind
    refused = sum(row.refused for row in kept) + batch.blind + len(doubles)
    file = replace(file, blind=file.blind + batch.blind)
    after = replace(
        state,
        files=(*state.files[:index], file, *state.files[index + 1 :]),
        staged=state.staged + count_staged(kept, managers=managers),
        rows_read=state.rows_read + read,
        rows_refused=state.rows_refused + refused,
        errors=report.counts,
    )
    return PhaseResult(cursor=following, state=after, effects=effects, errors=errors, rows=read)


def _read_batch(
    roster: OpenRoster, file: str, begun: FilePosition | None, schools: Set[str]
) -> RowBatch:
    """The next rows; with the first ones, what is odd about the header."""
    reader = roster.reader(file)
    batch = reader.read_batch(begun, BATCH, schools)
    if begun is None:
        batch.errors[:0] = reader.errors
    for index, row in enumerate(batch.rows):
        if isinstance(row, ClassRow):
            labelled = roster.references.label(row, schools)
            batch.rows[index], errors = roster.references.bound(labelled)
            batch.errors.extend(errors)
    return batch


def _conclude_reading(import_: Import, state: State) -> PhaseResult:
    """Decide where what is absent ends: not in files with rows whose id cannot be read."""
    ends = {file.name: not file.blind for file in state.files if file.mode is Mode.BULK}
    errors = [
        RowError(
            file=f"{name}.csv",
            line=0,
            field="",
            code="NOT_ENDED",
            message="There are rows whose sourcedId cannot be read: nothing is ended because it is"
            " absent from this file.",
        )
        for name, can_end in ends.items()
        if not can_end
    ]

    async def effects(transaction: Transaction) -> None:
        values = (import_.id, dumps(ends), state.rows_read)
        await SET_ENDINGS.apply(
            transaction, import_.actor, *values, organisation=import_.organisation
        )

    return PhaseResult(state=replace(state, tops=state.staged), effects=effects, errors=errors)


async def begin_application(context: PhaseContext) -> PhaseResult:
    """Count what was checked."""
    staged = TableCounts.of({table: await _count_read(context, table) for table in StagedTable})
    ended = context.import_.memberships_ended
    return PhaseResult(state=State(staged=staged, tops=staged, endings_checked=ended))


async def _count_read(context: PhaseContext, table: StagedTable) -> int:
    """How many rows were read from files into the table."""
    return int((await context.read(COUNT_READ[table], context.import_.id))[0]["count"])


async def guard(context: PhaseContext) -> PhaseResult:
    """Let nothing end that the check has not shown, nor more than is allowed.

    Raises:
        JobFailedError: it would, or more would be added than a quota allows.
    """
    request = context.step.input
    assert isinstance(request, ApplyInput), "only an application has this phase"
    ends, before = context.import_.memberships_ended, context.import_.memberships_before
    checked = context.state.endings_checked
    if ends > checked:
        raise JobFailedError(
            f"{ends:,} memberships would end, and {checked:,} when it was checked:"
            " something has changed since. Check it again."
        )
    allowed = request.allow_ending_percent
    if ends * 100 > allowed * before:
        raise JobFailedError(
            f"{ends:,} of {before:,} memberships by rosters would end, more than the {allowed} %"
            " that are allowed. If that is right, allow more."
        )
    await _require_places(context)
    return PhaseResult()


async def _require_places(context: PhaseContext) -> None:
    """Hold what will be added to the quotas of its types, once for all batches: no other import of
    the organisation is applied at the same time.
    """
    import_, step = context.import_, context.step
    quotas = Quotas(step.plans.model, step.settings)
    (added,) = await context.read(_ADDED, import_.id)
    for table, count in (("learning_group", added[0]), ("membership", added[1])):
        row = {"organisation_id": import_.organisation, "source": "ROSTER"}
        try:
            await quotas.require(table, row, context.read, adding=count or 0)
        except QuotaExceededError as error:
            raise JobFailedError(error.message) from error
