"""`poutama address-conflicts`: what one administrator has decided, for the operator to confirm.

Called by the command line. That a sign-in, or a row of a roster, is a person's takes two adults;
the operator is the second where a school has one administrator.
"""

from __future__ import annotations

import time
from uuid import UUID

from rich.console import Console
from rich.table import Table

from poutama.changes import ChangePlans, Changes
from poutama.commands.database_call import call_with_database
from poutama.commands.terminal_text import escape_text
from poutama.db.connection import Database
from poutama.db.pooled_connection import Records
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import NotFoundError
from poutama.features import load_model
from poutama.features.addresses.deciding import decide, find_conflict, require_decidable
from poutama.schedule import SYSTEM
from poutama.settings import Settings

SECONDS = 30.0
ID_WIDTH = 36
HEADINGS = ("version", "address", "of", "kind", "claimed by", "decided by", "on", "organisation")
_LIST = """
SELECT c.id, c.version, c.email, h.name AS holder, c.kind, c.claimant, c.claimed_name,
    p.name AS proposer, c.proposed_at, o.name AS organisation
FROM address_conflict AS c JOIN organisation AS o ON o.id = c.organisation_id
    JOIN person AS h ON h.id = c.person_id LEFT JOIN person AS p ON p.id = c.proposed_by
WHERE c.decision IS NULL AND c.proposal IS NOT NULL ORDER BY c.proposed_at, c.id
"""


def show_address_conflicts(settings: Settings, url: str, console: Console) -> None:
    """Print the decisions that wait for a second adult, the oldest first.

    Raises:
        PoutamaError: the database cannot be reached.
    """

    async def call(database: Database) -> Records:
        return await database.read(_LIST, deadline=time.monotonic() + SECONDS)

    rows = call_with_database(settings, url, call)
    if not rows:
        console.print("no decisions that wait for a second adult")
        return
    shown = Table(box=None)
    shown.add_column("conflict", no_wrap=True, min_width=ID_WIDTH)
    for heading in HEADINGS:
        shown.add_column(heading)
    for row in rows:
        shown.add_row(
            str(row["id"]),
            str(row["version"]),
            escape_text(row["email"]),
            escape_text(row["holder"]),
            row["kind"],
            escape_text(" ".join(filter(None, (row["claimant"], row["claimed_name"])))),
            escape_text(row["proposer"] or "a person who was erased"),
            f"{row['proposed_at']:%Y-%m-%d}",
            escape_text(row["organisation"]),
        )
    console.print(shown)


def confirm_address(settings: Settings, url: str, conflict: UUID, version: int) -> None:
    """Confirm that the person who has the address, and the one who claims it, are the same.

    Args:
        settings: of the system.
        url: of the database.
        conflict: its id.
        version: the one that `show_address_conflicts` has shown.

    Raises:
        NotFoundError: no administrator has decided so of a conflict of this id.
        ConflictError: it is not what was shown, or can no longer be decided.
        PoutamaError: the database cannot be reached.
    """

    async def call(database: Database) -> None:
        plans = ChangePlans(load_model())

        async def work(transaction: Transaction) -> None:
            row = await find_conflict(transaction, conflict)
            if row is None or row["proposal"] is None:
                raise NotFoundError(
                    f"conflict {conflict}: not found, or no administrator has decided it;"
                    " `poutama address-conflicts` lists those that wait"
                )
            require_decidable(row, version)
            changes = Changes(plans, transaction, SYSTEM)
            await decide(transaction, changes, row, row["proposal"], None)

        await run_transaction(database, work, deadline=time.monotonic() + SECONDS)

    call_with_database(settings, url, call)
