"""`poutama organisations`: lists organisations and reports about them, verifies one, and keeps
its mail domains.

Called by the command line. Reads all organisations, as only the operator of the system may.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from rich.console import Console
from rich.table import Table

from poutama.commands.database_call import call_with_database
from poutama.commands.terminal_text import escape_text
from poutama.db.connection import Database
from poutama.db.pooled_connection import Records
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import BadUserInputError, NotFoundError
from poutama.features.groups.reports import list_reports
from poutama.features.privacy.deadlines import HAND_OVER
from poutama.features.records.verification import CLOSE_UNVERIFIED
from poutama.features.roster.organisation_verification import (
    confirm_adult,
    doubt_organisation,
    list_organisations,
    normalize_domain,
    remove_domain,
    verify_by_name,
)
from poutama.settings import Settings
from poutama.text import normalize_email

SECONDS = 30.0
ID_WIDTH = 36
DOUBTED = (
    "no longer verified; students join by code, its rosters are refused, what it has offered to"
    " students and caregivers cannot be accepted, its people's requests are the operator's, and"
    " records that it opened are closed"
)


def show_organisations(settings: Settings, url: str, console: Console) -> None:
    """Print all organisations as a table.

    Raises:
        PoutamaError: the database cannot be asked.
    """

    async def call(database: Database) -> Records:
        return await list_organisations(database, deadline=time.monotonic() + SECONDS)

    rows = call_with_database(settings, url, call)
    if not rows:
        console.print("no organisations; `createOrganisation` founds one, `poutama demo` makes two")
        return
    shown = Table(box=None)
    shown.add_column("organisation", no_wrap=True, min_width=ID_WIDTH)  # whole: it is typed again
    for heading in ("name", "verified", "mail domains"):
        shown.add_column(heading)
    for row in rows:
        since = row["verified_at"]
        verified = "yes" if since is None else f"{since:%Y-%m-%d}"
        shown.add_row(
            str(row["id"]),
            escape_text(row["name"]),
            verified if row["verified"] else "",
            escape_text(row["domains"]),
        )
    console.print(shown)


def show_reports(settings: Settings, url: str, console: Console) -> None:
    """Print the invitations that people reported, the newest first.

    Raises:
        PoutamaError: the database cannot be asked.
    """

    async def call(database: Database) -> Records:
        return await list_reports(database, deadline=time.monotonic() + SECONDS)

    shown = Table(box=None)
    for heading in ("day", "organisation", "verified", "as", "invited by", "reported by", "why"):
        width = ID_WIDTH if heading == "organisation" else None
        shown.add_column(heading, min_width=width)
    for row in call_with_database(settings, url, call):
        shown.add_row(
            f"{row['created_at']:%Y-%m-%d}",
            f"{row['organisation_id']}\n{escape_text(row['organisation'])}",
            "yes" if row["verified"] else "no",
            row["role"],
            *(escape_text(row[name]) for name in ("inviter", "reporter", "reason")),
        )
    console.print(shown)


def judge_organisation(
    settings: Settings, url: str, id_: UUID, name: str | None, *, domains: Sequence[str]
) -> str:
    """Write down whether the organisation is the school that it says; returns what follows.

    Args:
        settings: of the database.
        url: its address.
        id_: the organisation.
        name: what the school is called that it is known to be; None: of none.
        domains: mail domains that are its own.

    Raises:
        ConflictError: the organisation has another name.
        BadUserInputError: not a mail domain, or one of an organisation that is not verified.
        NotFoundError: the organisation is not found.
        PoutamaError: the database cannot be asked.
    """
    normal = [normalize_domain(each) for each in domains]
    if normal and name is None:
        raise BadUserInputError("--domain: expected none with --revoke, which takes all of them")

    async def call(database: Database) -> str:
        deadline = time.monotonic() + SECONDS
        await _require(database, id_, deadline)
        if name is None:
            await _withdraw(database, id_, deadline)
            waiting = None
        else:
            waiting = await verify_by_name(database, id_, name, domains=normal, deadline=deadline)
        (row,) = await list_organisations(database, id_, deadline=deadline)
        follows = DOUBTED if waiting is None else describe_verified(row["domains"], waiting)
        return f"{row['name']}: {follows}"

    return call_with_database(settings, url, call)


async def _withdraw(database: Database, id_: UUID, deadline: float) -> None:
    """Take the verification back, with what only a verified organisation has."""

    async def work(transaction: Transaction) -> None:
        await doubt_organisation(transaction, id_)
        await transaction.execute(HAND_OVER)
        await transaction.execute(CLOSE_UNVERIFIED)

    await run_transaction(database, work, deadline=deadline, name="organisations/withdraw")


def describe_verified(domains: str | None, waiting: int) -> str:
    """What follows for an organisation that is verified, with these mail domains."""
    rosters = (
        "its rosters invite all people until a mail domain is added (--domain)"
        if domains is None
        else f"its rosters enrol people with addresses of {domains}"
    )
    outcome = f"verified; it may invite students and caregivers, and {rosters}"
    if waiting:
        outcome += (
            f"\n{waiting} of its mentors, managers and administrators wait to be confirmed, by"
            " another manager or administrator or by `poutama organisations confirm`"
        )
    return outcome


def confirm_person(settings: Settings, url: str, id_: UUID, email: str) -> int:
    """Confirm the adult who has the address; returns how many memberships waited.

    Raises:
        BadUserInputError: not an email address.
        NotFoundError: the organisation is not found, or none of its memberships waits.
        PoutamaError: the database cannot be asked.
    """
    normal = normalize_email(email.strip())
    if normal is None:
        raise BadUserInputError(f"email: expected an email address, got {email!r}")

    async def call(database: Database) -> int:
        deadline = time.monotonic() + SECONDS
        await _require(database, id_, deadline)
        confirmed = await confirm_adult(database, id_, normal, deadline=deadline)
        if not confirmed:
            raise NotFoundError(
                f"{normal}: no mentor, manager or administrator with this address has accepted and"
                " waits to be confirmed"
            )
        return confirmed

    return call_with_database(settings, url, call)


def remove_mail_domain(settings: Settings, url: str, id_: UUID, domain: str) -> None:
    """Take the mail domain from the organisation.

    Raises:
        BadUserInputError: not a mail domain.
        NotFoundError: the organisation is not found, or does not have the domain.
        PoutamaError: the database cannot be asked.
    """
    normal = normalize_domain(domain)

    async def call(database: Database) -> None:
        deadline = time.monotonic() + SECONDS
        await _require(database, id_, deadline)
        if not await remove_domain(database, id_, normal, deadline=deadline):
            raise NotFoundError(
                f"domain {normal}: not one of the organisation's;"
                " `poutama organisations` lists them"
            )

    call_with_database(settings, url, call)


async def _require(database: Database, id_: UUID, deadline: float) -> None:
    if not await list_organisations(database, id_, deadline=deadline):
        raise NotFoundError(f"organisation {id_}: not found; `poutama organisations` lists them")
