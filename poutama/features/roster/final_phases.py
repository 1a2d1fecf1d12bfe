"""The phases that find what an import would end, report what it changes, and finish its jobs.

`roster.steps` puts them in order; `roster.runner` defines what each receives and returns.
"""

from __future__ import annotations

import secrets
import tempfile
from json import dumps
from pathlib import Path
from uuid import uuid4

from asyncpg import Record
from msgspec.structs import replace

from poutama.db.statements import load_sql
from poutama.db.transaction import Transaction
from poutama.features.roster import matching, membership_changes
from poutama.features.roster.checkpoint import (
    IdCursor,
    MeasureCursor,
    RepeatCursor,
    StagedRowCursor,
    TableCounts,
)
from poutama.features.roster.difference import (
    ACTIONS,
    COUNT,
    USED,
    action_of,
    describe_change,
    read_changes,
    read_faults,
    write_changes,
    write_header,
)
from poutama.features.roster.error_report import ErrorReport
from poutama.features.roster.records import (
    COUNTS,
    FINISH_APPLICATION,
    FINISH_CHECK,
    SET_COUNTS,
    SET_REPORT,
)
from poutama.features.roster.runner import (
    BATCH,
    PhaseContext,
    PhaseFunction,
    PhaseResult,
    Result,
)
from poutama.features.roster.staged_tables import DROP_ENDINGS, FIND_LAST_ENDING, StagedTable
from poutama.jobs.job import Effects
from poutama.store.deletion import schedule_deletion

SHOWN = 50
"""Changes of each kind and action that the API shows as rows; the report has all of them."""

_SQL = load_sql(__package__, "final_phases.sql")
_PAGE_END = {
    StagedTable.GROUP: _SQL["find_end_of_page_of_groups"],
    StagedTable.PERSON: _SQL["find_end_of_page_of_people"],
    StagedTable.MEMBERSHIP: _SQL["find_end_of_page_of_memberships"],
}


def end_absent(table: StagedTable, statement: str, kind: str = "") -> PhaseFunction:
    """Make a phase that stages what is linked, absent from the file, and to be ended for it."""

    async def run(context: PhaseContext) -> PhaseResult:
        cursor = context.step.checkpoint.cursor
        if isinstance(cursor, MeasureCursor):
            tops = TableCounts.of(context.tops)
            top = await context.find_top(table)
            return PhaseResult(state=replace(context.state, tops=tops.replace(table, top)))
        cursor = context.cursor(IdCursor)
        if cursor is None and not await context.read(_SQL["find_any_ending"], context.import_.id):
            return PhaseResult()
        after = cursor.after if cursor else ""
        more = [kind] if kind else []
        found = await context.read(
            _PAGE_END[table], context.import_.organisation, after, BATCH - 1, *more
        )
        until = found[0]["sourced_id"] if found else None

        async def effects(transaction: Transaction) -> None:
            await transaction.execute(statement, context.import_.id, *more, after, until)

        following = MeasureCursor() if until is None else IdCursor(until)
        return PhaseResult(cursor=following, effects=effects)

    return run


end_groups = end_absent(StagedTable.GROUP, matching.END_GROUPS)
end_people = end_absent(StagedTable.PERSON, matching.END_PEOPLE)
end_enrolments = end_absent(StagedTable.MEMBERSHIP, membership_changes.END_MEMBERSHIPS, "ENROLMENT")
end_roles = end_absent(StagedTable.MEMBERSHIP, membership_changes.END_MEMBERSHIPS, "ROLE")
end_users = end_absent(StagedTable.MEMBERSHIP, membership_changes.END_MEMBERSHIPS, "USER")


async def drop_endings(context: PhaseContext) -> PhaseResult:
    """Delete the endings that an earlier matching has staged."""
    for table in StagedTable:
        last = (await context.read(FIND_LAST_ENDING[table], context.import_.id))[0]["place"]
        if last is None:
            continue

        async def effects(
            transaction: Transaction, table: StagedTable = table, last: int = last
        ) -> None:
            values = (context.import_.id, last - BATCH, last + 1)
            await transaction.execute(DROP_ENDINGS[table], *values)

        return PhaseResult(cursor=RepeatCursor(), effects=effects)
    return PhaseResult()


def report_faults(table: StagedTable) -> PhaseFunction:
    """Make a phase that reports what matching or writing has found wrong with rows."""

    async def run(context: PhaseContext) -> PhaseResult:
        cursor, top = context.cursor(StagedRowCursor), context.tops[table]
        first = cursor.place if cursor else 0
        before = first + BATCH
        found = await read_faults(
            context.step.database,
            table,
            context.import_.id,
            first,
            before,
            deadline=context.deadline,
        )
        report = ErrorReport(context.state.errors)
        errors = report.admit(found)
        refused = context.state.rows_refused + sum(error.code not in USED for error in found)
        return PhaseResult(
            cursor=StagedRowCursor(before) if before < top else None,
            state=replace(context.state, errors=report.counts, rows_refused=refused),
            errors=errors,
        )

    return run


async def count(context: PhaseContext) -> PhaseResult:
    """Count the difference, and keep its first changes as rows."""
    import_ = context.import_
    rows = await context.read(COUNT, import_.id)
    counts = {name: rows[0][name] for name in COUNTS}
    changes = await _find_first(context)

    async def effects(transaction: Transaction) -> None:
        await SET_COUNTS.apply(
            transaction, import_.actor, import_.id, dumps(counts), organisation=import_.organisation
        )
        await transaction.execute(_SQL["drop_changes"], import_.id)
        values = [[str(uuid4()), *change] for change in changes]
        await transaction.execute(_SQL["add_changes"], import_.id, dumps(values))

    return PhaseResult(effects=effects)


async def _find_first(context: PhaseContext) -> list[list[object]]:
    """The first changes of each kind and action, numbered."""
    found: list[list[object]] = []
    for table in StagedTable:
        for action in ACTIONS:
            rows = await read_changes(
                context.step.database,
                table,
                context.import_.id,
                0,
                context.tops[table],
                deadline=context.deadline,
                action=action,
                limit=SHOWN,
            )
            found += [_show(len(found) + index, table, row) for index, row in enumerate(rows, 1)]
    return found


def _show(position: int, table: StagedTable, row: Record) -> list[object]:
    sentence = describe_change(table, row)
    kind = table.value.upper()
    return [position, kind, action_of(row), row["line"], row["sourced_id"], sentence]


async def choose_report(context: PhaseContext) -> PhaseResult:
    """Choose the report's key, and write it down before anything is there."""
    import_ = context.import_
    former = import_.report_key
    chosen = f"{import_.organisation}/roster/{secrets.token_urlsafe(24)}"

    async def effects(transaction: Transaction) -> None:
        if former is not None:
            await schedule_deletion(transaction, [former])
            await transaction.execute(_SQL["drop_result"], former, import_.check_job)
        await SET_REPORT.apply(
            transaction, import_.actor, import_.id, chosen, organisation=import_.organisation
        )

    return PhaseResult(state=replace(context.state, report_key=chosen), effects=effects)


async def write_report(context: PhaseContext) -> PhaseResult:
    """Write all changes into a file in the store."""
    with tempfile.TemporaryDirectory(prefix="poutama-roster-") as folder:
        path = Path(folder) / "report.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            write_header(file)
            for table in StagedTable:
                for first in range(0, context.tops[table], BATCH):
                    rows = await read_changes(
                        context.step.database,
                        table,
                        context.import_.id,
                        first,
                        first + BATCH,
                        deadline=context.deadline,
                    )
                    write_changes(file, table, rows)
        await context.step.store.put(context.state.report_key, path, media_type="text/csv")
    return PhaseResult()


async def finish_check(context: PhaseContext) -> PhaseResult:
    """Let the import be applied."""
    import_ = context.import_

    async def effects(transaction: Transaction) -> None:
        values = (import_.id, context.state.rows_refused)
        await FINISH_CHECK.apply(
            transaction, import_.actor, *values, organisation=import_.organisation
        )

    return _finish(context, effects, "changes-to-come.csv")


async def finish_application(context: PhaseContext) -> PhaseResult:
    """Note that it is done, and schedule the upload's deletion."""
    import_ = context.import_

    async def effects(transaction: Transaction) -> None:
        await schedule_deletion(transaction, [import_.object_key])
        await FINISH_APPLICATION.apply(
            transaction, import_.actor, import_.id, organisation=import_.organisation
        )

    return _finish(context, effects, "changes.csv")


def _finish(context: PhaseContext, effects: Effects, name: str) -> PhaseResult:
    return PhaseResult(
        effects=effects,
        errors=ErrorReport(context.state.errors).conclude(),
        result=Result(context.state.report_key, name),
    )
