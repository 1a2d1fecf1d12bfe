"""The end of keeping: people who left long enough ago are deleted, with all that is theirs.

The schedule calls it. A person goes when every membership they accepted has ended, each longer ago
than its organisation keeps data; or when they were invited, and neither accepted nor signed in
within `INVITATION_DAYS`. An organisation that is not verified keeps data for `UNVERIFIED_DAYS` at
least: anyone may found one that keeps it for a day, and end a child's membership there. An
invitation keeps a person who left only for those days, and only if its organisation is verified:
others could keep a leaver's data for ever by inviting. A person who signs in and belonged to no
organisation stays. What goes with them, and what stays, is what features declare
(`poutama.personal_data`): foreign keys do most of it, this module deletes where they cannot, and
sweeps of the features follow for files.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from json import dumps
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.statements import load_sql
from poutama.db.transaction import Transaction, run_transaction
from poutama.erasure import delete_people
from poutama.personal_data import PersonalData

logger = logging.getLogger(__name__)

ACTOR = UUID(int=0)
"""Who did it, in the entries: no person."""
ACTOR_NAME = "retention"
_BATCH = 20
# A batch begins only if it may well end in time.
_MARGIN_SECONDS = 5.0

INVITATION_DAYS = 90
"""How long an invitation that is not accepted keeps data."""
_INVITATION = f"interval '{INVITATION_DAYS} days'"
UNVERIFIED_DAYS = 365
"""How long an organisation that is not verified keeps data at least, whatever it has set."""


def _render_keeping(organisation: str) -> str:
    """How long the organisation of this alias keeps the data of people who left."""
    days = f"{organisation}.retention_days"
    return (
        f"(CASE WHEN {organisation}.verified THEN {days}"
        f" ELSE greatest({days}, {UNVERIFIED_DAYS}) END * interval '1 day')"
    )


_SQL = load_sql(
    __package__,
    "retention.sql",
    {
        "batch": str(_BATCH),
        "invitation": _INVITATION,
        "keeping": _render_keeping("o"),
        "is_kept": (
            "(CASE WHEN k.accepted_at IS NOT NULL THEN"
            f" k.ends_at IS NULL OR k.ends_at > now() - {_render_keeping('ko')}"
            " ELSE (k.ends_at IS NULL OR k.ends_at > now()) AND ko.verified"
            f" AND k.created_at > now() - {_INVITATION} END)"
        ),
    },
)


async def purge_departed_people(
    database: Database, declared: Iterable[PersonalData], *, deadline: float
) -> int:
    """Delete who left long enough ago; returns how many people.

    Each batch commits with an audit entry for each person in it: that a person was deleted, and
    when, by an id that leads to no row. What is not done by the deadline is done next time.

    Args:
        database: where.
        declared: what features keep about people.
        deadline: absolute `time.monotonic()`.

    Raises:
        UnavailableError, DeadlineExceededError: as every statement.
    """
    register = tuple(declared)
    deleted = 0
    while time.monotonic() < deadline - _MARGIN_SECONDS:
        rows = await database.read(_SQL["find_departed"], deadline=deadline, name="retention/gone")
        if not rows:
            break
        found = dumps([str(row["person_id"]) for row in rows])

        async def work(transaction: Transaction, found: str = found) -> int:
            rows = await transaction.fetch(_SQL["check_departed"], found)
            gone = [row["id"] for row in rows]
            await delete_people(transaction, gone, register, actor=ACTOR, actor_name=ACTOR_NAME)
            return len(gone)

        done = await run_transaction(database, work, deadline=deadline, name="retention")
        deleted += done
        if not done:
            break
    if deleted:
        logger.info("retention: deleted %d people", deleted)
    return deleted
