"""The phases that say what an import would end, what it changes, and that it is done.

`roster.steps` puts them in order; `roster.walk` says what each is given and gives back.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from json import dumps
from pathlib import Path
from typing import Any
from uuid import uuid4

from asyncpg import Record

from poutama.db.statements import load_sql
from poutama.db.transaction import Transaction
from poutama.features.roster import matching, wanting
from poutama.features.roster.difference import (
    ACTIONS,
    COUNT,
    action_of,
    describe_change,
    read_changes,
    read_faults,
    write_changes,
    write_header,
)
from poutama.features.roster.phases import MOST_TOLD
from poutama.features.roster.reading import Telling
from poutama.features.roster.records import (
    COUNTS,
    FINISH_APPLICATION,
    FINISH_CHECK,
    SET_COUNTS,
    SET_REPORT,
)
from poutama.features.roster.staging import (
    DROP_ENDINGS,
    FIND_LAST_ENDING,
    GROUP,
    MEMBERSHIP,
    PERSON,
    TABLES,
)
from poutama.features.roster.walk import BATCH, Here, Phase, Turn, find_top
from poutama.store.deletion import doom_objects

SHOWN = 50
"""Changes of each kind and action that the API shows as rows; the report has all of them."""

_SQL = load_sql(__package__, "conclusions.sql")
_PAGE_END = {
    GROUP: _SQL["find_end_of_page_of_groups"],
    PERSON: _SQL["find_end_of_page_of_people"],
    MEMBERSHIP: _SQL["find_end_of_page_of_memberships"],
}


def end_absent(table: str, statement: str, kind: str = "") -> Phase:
    """A phase that stages what is linked, absent from the file, and to be ended for it."""

    async def turn(here: Here) -> Turn:
        if "measure" in here.at:
            return Turn(state={"top": {**here.state["top"], table: await find_top(here, table)}})
        after = str(here.at.get("after", ""))
        if not after and not await here.read(_SQL["find_any_ending"], here.import_.id):
            return Turn()
        more = [kind] if kind else []
        found = await here.read(
            _PAGE_END[table], here.import_.organisation, after, BATCH - 1, *more
        )
        until = found[0]["sourced_id"] if found else None

        async def effects(transaction: Transaction) -> None:
            await transaction.execute(statement, here.import_.id, *more, after, until)

        following = {"measure": True} if until is None else {"after": until}
        return Turn(following, effects=effects)

    return turn


end_groups = end_absent(GROUP, matching.END_GROUPS)
end_people = end_absent(PERSON, matching.END_PEOPLE)
end_enrolments = end_absent(MEMBERSHIP, wanting.END_MEMBERSHIPS, "ENROLMENT")
end_roles = end_absent(MEMBERSHIP, wanting.END_MEMBERSHIPS, "ROLE")
end_users = end_absent(MEMBERSHIP, wanting.END_MEMBERSHIPS, "USER")


async def forget_endings(here: Here) -> Turn:
    """Delete the endings that an earlier matching has staged."""
    for table in TABLES:
        rows = await here.read(FIND_LAST_ENDING[table], here.import_.id)
        last = rows[0]["place"]
        if last is None:
            continue

        async def effects(transaction: Transaction, table: str = table, last: int = last) -> None:
            await transaction.execute(DROP_ENDINGS[table], here.import_.id, last - BATCH, last + 1)

        return Turn({"again": True}, effects=effects)
    return Turn()


def tell_faults(table: str) -> Phase:
    """A phase that tells what matching or writing has found wrong with rows."""

    async def turn(here: Here) -> Turn:
        first, top = int(here.at.get("place", 0)), int(here.state["top"][table])
        before = first + BATCH
        found = await read_faults(
            here.step.database,
            table,
            here.import_.id,
            first,
            before,
            deadline=here.deadline,
        )
        telling = Telling(here.state["told"], MOST_TOLD)
        errors = telling.admit(found)
        refused = here.state.get("refused", 0) + sum(error.code != "KEPT" for error in found)
        return Turn(
            {"place": before} if before < top else None,
            {"told": dict(telling.told), "refused": refused},
            errors=errors,
        )

    return turn


async def count(here: Here) -> Turn:
    """Count the difference, and keep its first changes as rows."""
    rows = await here.read(COUNT, here.import_.id)
    counts = {name: rows[0][name] for name in COUNTS}
    changes = await _find_first(here)

    async def effects(transaction: Transaction) -> None:
        await SET_COUNTS.apply(transaction, here.import_.actor, here.import_.id, dumps(counts))
        await transaction.execute(_SQL["drop_changes"], here.import_.id)
        values = [[str(uuid4()), *change] for change in changes]
        await transaction.execute(_SQL["add_changes"], here.import_.id, dumps(values))

    return Turn(effects=effects)


async def _find_first(here: Here) -> list[list[object]]:
    """The first changes of each kind and action, numbered."""
    found: list[list[object]] = []
    for table in TABLES:
        for action in ACTIONS:
            rows = await read_changes(
                here.step.database,
                table,
                here.import_.id,
                0,
                here.state["top"][table],
                deadline=here.deadline,
                action=action,
                most=SHOWN,
            )
            found += [_show(len(found) + index, table, row) for index, row in enumerate(rows, 1)]
    return found


def _show(position: int, table: str, row: Record) -> list[object]:
    sentence = describe_change(table, row)
    return [position, table.upper(), action_of(row), row["line"], row["sourced_id"], sentence]


async def choose_report(here: Here) -> Turn:
    """Choose the report's key, and write it down before anything is there."""
    former, chosen = (
        here.import_.row["report_key"],
        f"{here.import_.organisation}/roster/{secrets.token_urlsafe(24)}",
    )

    async def effects(transaction: Transaction) -> None:
        if former is not None:
            await doom_objects(transaction, [former])
            await transaction.execute(_SQL["drop_result"], former, here.import_.row["check_job_id"])
        await SET_REPORT.apply(transaction, here.import_.actor, here.import_.id, chosen)

    return Turn(state={"report": chosen}, effects=effects)


async def write_report(here: Here) -> Turn:
    """Write all changes into a file in the store."""
    with tempfile.TemporaryDirectory(prefix="poutama-roster-") as folder:
        path = Path(folder) / "report.csv"
        # A mark for spreadsheets, which take the file for something else than UTF-8 without it.
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            write_header(file)
            for table in TABLES:
                for first in range(0, here.state["top"][table], BATCH):
                    rows = await read_changes(
                        here.step.database,
                        table,
                        here.import_.id,
                        first,
                        first + BATCH,
                        deadline=here.deadline,
                    )
                    write_changes(file, table, rows)
        await here.step.store.put(here.state["report"], path, media_type="text/csv")
    return Turn()


async def finish_check(here: Here) -> Turn:
    """Say that it can be applied."""

    async def effects(transaction: Transaction) -> None:
        refused = here.state["refused"]
        await FINISH_CHECK.apply(transaction, here.import_.actor, here.import_.id, refused)

    return _finish(here.state, effects, "changes-to-come.csv")


async def finish_application(here: Here) -> Turn:
    """Say that it is done; the upload is needed no more."""

    async def effects(transaction: Transaction) -> None:
        await doom_objects(transaction, [here.import_.row["object_key"]])
        await FINISH_APPLICATION.apply(transaction, here.import_.actor, here.import_.id)

    return _finish(here.state, effects, "changes.csv")


def _finish(state: Mapping[str, Any], effects: Any, name: str) -> Turn:
    left = Telling(state["told"], MOST_TOLD).conclude()
    return Turn(effects=effects, errors=left, result=(state["report"], name))
