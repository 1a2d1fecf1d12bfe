"""Who a sign-in from outside is: the binding of an issuer's subject to a person.

`edge.oidc` asks with what a verified token says. The first time, a person is recognised by an
email that the issuer has verified, and made if that address was invited (`db.invited_people`); from
then on by issuer and subject alone, whatever becomes of the email. Invitations to a verified email
become the person's whenever they sign in. Never moves a binding to another person.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.invited_people import HAS_INVITATION, add_invited_person, bind_invitations
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import AmbiguousCommit, ForbiddenError, UnavailableError

logger = logging.getLogger(__name__)

TIME_LIMIT = 10.0

UNKNOWN = "This sign-in has not been invited; ask your school's administrator."
NO_EMAIL = (
    "This sign-in is new here, and its token has no verified email to know you by: sign in with"
    " one that has, or ask your school's administrator."
)
TAKEN = (
    "Your email belongs to another account of the same sign-in service here; ask your school's"
    " administrator."
)

_KNOWN = f"""
SELECT i.person_id, {HAS_INVITATION} AS invited
FROM identity AS i WHERE i.issuer = $2::text AND i.subject = $3::text
"""  # noqa: S608  constants
# Written with capitals or without: by the index on `lower(email)`.
FIND_BY_EMAIL = "SELECT id FROM person WHERE lower(email) = $1::text LIMIT 2"
# The person may have gone, or changed their email, since they were found.
_BIND = """
INSERT INTO identity (issuer, subject, person_id)
SELECT $1::text, $2::text, id FROM person WHERE id = $3::uuid AND lower(email) = $4::text
ON CONFLICT DO NOTHING
"""
_BOUND = """
SELECT subject, person_id FROM identity
WHERE issuer = $1 AND (subject = $2 OR person_id = $3)
"""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a verified token says of who signs in.

    Attributes:
        issuer: who says so.
        subject: what the issuer calls the person, for ever.
        email: normalized by `text.normalize_email`; None unless the issuer has verified it.
        name: what the issuer calls the person; None where it does not say.
    """

    issuer: str
    subject: str
    email: str | None = None
    name: str | None = None


async def find_person(database: Database, sign_in: SignIn, *, seconds: float = TIME_LIMIT) -> UUID:
    """The person who signs in; bound now if they were invited and this is their first time.

    One read of one row, but for the first time and after an invitation.

    Args:
        database: where people are.
        sign_in: from a token that was verified.
        seconds: how long it may take.

    Raises:
        ForbiddenError: the person is not found; the message has what to do next.
        UnavailableError, DeadlineExceededError: the database did not answer.
    """
    deadline = time.monotonic() + seconds
    known = await database.read(
        _KNOWN,
        [sign_in.email, sign_in.issuer, sign_in.subject],
        deadline=deadline,
        name="identity",
    )
    if known and not known[0]["invited"]:
        return UUID(str(known[0]["person_id"]))
    if known:
        person_id = UUID(str(known[0]["person_id"]))
    elif sign_in.email is None:
        raise ForbiddenError(NO_EMAIL)
    else:
        person_id = await _find_invited(database, sign_in, sign_in.email, deadline)
    return await _bind(database, sign_in, person_id, deadline)


async def _find_invited(database: Database, sign_in: SignIn, email: str, deadline: float) -> UUID:
    found = await database.read(FIND_BY_EMAIL, [email], deadline=deadline, name="invited")
    if len(found) == 1:
        return UUID(str(found[0]["id"]))
    if found:
        logger.warning(
            "identity: rejected a sign-in: two people have emails that differ only in case"
        )
        raise ForbiddenError(UNKNOWN)
    try:
        added = await add_invited_person(database, email, sign_in.name, deadline=deadline)
    except AmbiguousCommit as error:
        raise UnavailableError from error
    if added is None:
        raise ForbiddenError(UNKNOWN)
    return added


async def _bind(database: Database, sign_in: SignIn, person_id: UUID, deadline: float) -> UUID:
    who = (sign_in.issuer, sign_in.subject, person_id)

    async def work(transaction: Transaction) -> dict[str, UUID]:
        await transaction.execute(_BIND, *who, sign_in.email)
        rows = await transaction.fetch(_BOUND, *who)
        if sign_in.email is not None:
            for row in rows:
                if row["subject"] == sign_in.subject:
                    await bind_invitations(transaction, row["person_id"], sign_in.email)
        return {row["subject"]: UUID(str(row["person_id"])) for row in rows}

    bound: dict[str, UUID] = {}
    for last in (False, True):
        try:
            bound = await run_transaction(database, work, deadline=deadline, name="bindIdentity")
            break
        except AmbiguousCommit as error:
            # Binding twice is binding once: asking again is how to know.
            if last:
                raise UnavailableError from error
    if sign_in.subject in bound:
        return bound[sign_in.subject]
    if bound:
        logger.warning(
            "identity: rejected a sign-in: %s sent a second subject for an email already bound",
            sign_in.issuer,
        )
        raise ForbiddenError(TAKEN)
    raise ForbiddenError(UNKNOWN)
