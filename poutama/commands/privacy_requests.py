"""`poutama requests`: requests for access and erasure, for the operator of the system.

Called by the command line. The operator decides for people who belong to no verified
organisation or to several, and may decide any request that an organisation leaves undecided.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.table import Table

from poutama.changes import NOW, ChangePlans, Changes
from poutama.commands.database_call import call_with_database
from poutama.commands.terminal_text import escape_text
from poutama.db.connection import Database
from poutama.db.pooled_connection import Records
from poutama.db.transaction import Transaction, run_transaction
from poutama.erasure import list_stored_keys
from poutama.errors import ConflictError, NotFoundError
from poutama.features import load_features, load_model
from poutama.features.privacy.decision import complete_erasure, find_acceptable
from poutama.features.privacy.states import IS_PENDING, RequestKind, RequestState
from poutama.schedule import SYSTEM
from poutama.settings import Settings
from poutama.store.choose import open_store
from poutama.store.objects import ObjectStore

SECONDS = 300.0
ID_WIDTH = 36
OPERATOR = "the operator"
_LIST = f"""
SELECT r.id, r.kind, r.state, r.due_at, r.due_at < now() AS is_late, p.email, o.name AS organisation
FROM privacy_request AS r LEFT JOIN person AS p ON p.id = r.person_id
    LEFT JOIN organisation AS o ON o.id = r.organisation_id
WHERE {IS_PENDING} ORDER BY r.due_at, r.id
"""  # noqa: S608  a constant
_RECEIPT = "SELECT receipt FROM privacy_request WHERE id = $1::uuid"
_FIND = "SELECT state, person_id FROM privacy_request WHERE id = $1::uuid"


def show_requests(settings: Settings, url: str, console: Console) -> None:
    """Print the requests that are not done, the first due first.

    Raises:
        PoutamaError: the database cannot be reached.
    """

    async def call(database: Database) -> Records:
        return await database.read(_LIST, deadline=time.monotonic() + SECONDS)

    rows = call_with_database(settings, url, call)
    if not rows:
        console.print("no requests that are not done")
        return
    shown = Table(box=None)
    shown.add_column("request", no_wrap=True, min_width=ID_WIDTH)
    for heading in ("what", "state", "due", "person", "organisation"):
        shown.add_column(heading)
    for row in rows:
        due = f"{row['due_at']:%Y-%m-%d}" + (" (late)" if row["is_late"] else "")
        who = (
            escape_text(row["email"]),
            escape_text(row["organisation"] or "the operator decides"),
        )
        shown.add_row(str(row["id"]), row["kind"], row["state"], due, *who)
    console.print(shown)


def accept_request(settings: Settings, url: str, home: Path, request: UUID) -> str:
    """Accept a request: erase the person now, or begin the export; returns what was done.

    Raises:
        NotFoundError: the request is not found.
        ConflictError: it is decided already, or the person is an organisation's last administrator.
        PoutamaError: the database or the store cannot be reached.
    """

    async def call(database: Database) -> str:
        await _require(database, request)
        kind, person = await _begin(database, request)
        if kind is RequestKind.ACCESS:
            return "accepted; a worker exports the data, and the person downloads it"
        store = open_store(settings, os.environ, home)
        try:
            return f"erased:\n{await _erase(database, store, request, person)}"
        finally:
            await store.close()

    return call_with_database(settings, url, call)


async def _begin(database: Database, request: UUID) -> tuple[RequestKind, UUID]:
    """Accept the request, and begin the export that an access is."""
    plans = ChangePlans(load_model())

    async def begin(transaction: Transaction) -> tuple[RequestKind, UUID]:
        kind, person = await find_acceptable(transaction, request, None)
        values: dict[str, str | UUID] = {}
        if kind is RequestKind.ACCESS:
            values["job"] = await load_features().load_answer_access()(transaction, person)
        await _decide(Changes(plans, transaction, SYSTEM), request, "ACCEPTED", **values)
        return kind, person

    return await run_transaction(database, begin, deadline=time.monotonic() + SECONDS)


async def _erase(database: Database, store: ObjectStore, request: UUID, person: UUID) -> str:
    """Erase the person of an accepted request; returns the receipt."""
    deadline = time.monotonic() + SECONDS
    plans = ChangePlans(load_model())
    keys = await list_stored_keys(store, load_features().stored_data, person)

    async def erase(transaction: Transaction) -> None:
        changes, actor = Changes(plans, transaction, SYSTEM), SYSTEM.person_id
        await complete_erasure(transaction, changes, request, person, keys, actor, OPERATOR)

    await run_transaction(database, erase, deadline=deadline)
    (row,) = await database.read(_RECEIPT, [request], deadline=deadline)
    return str(row["receipt"])


def refuse_request(settings: Settings, url: str, request: UUID, reason: str) -> None:
    """Refuse a request, with a reason that the person can read.

    Raises:
        NotFoundError: the request is not found.
        ConflictError: it is decided already.
        PoutamaError: the database cannot be reached.
    """

    async def call(database: Database) -> None:
        await _require(database, request)
        plans = ChangePlans(load_model())

        async def refuse(transaction: Transaction) -> None:
            (row,) = await transaction.fetch(_FIND, request)
            if row["state"] != RequestState.OPEN:
                raise ConflictError("The request is decided already.")
            await _decide(Changes(plans, transaction, SYSTEM), request, "REFUSED", reason=reason)

        await run_transaction(database, refuse, deadline=time.monotonic() + SECONDS)

    call_with_database(settings, url, call)


async def _require(database: Database, request: UUID) -> None:
    if not await database.read(_FIND, [request], deadline=time.monotonic() + SECONDS):
        raise NotFoundError(f"request {request}: not found; `poutama requests` lists the open ones")


async def _decide(changes: Changes, request: UUID, state: str, **values: str | UUID) -> None:
    decided = {"state": state, "decidedAt": NOW, "deciderName": OPERATOR}
    await changes.update("PrivacyRequest", request, {**decided, **values})
