"""Who a sign-in from outside is: the binding of an issuer's subject to a person.

`edge.oidc` asks with what a verified token says. The first time, a person is recognised by an
email that the issuer has verified, and made if that address was invited (`db.invited_people`); from
then on by issuer and subject alone, whatever becomes of the email. An address alone never leads to
a person who signs in with another subject or has left: administrators decide about that.
Invitations to a verified email become the person's whenever they sign in. Never moves a binding to
another person.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from poutama.db.address_conflicts import (
    DECIDING_TABLES,
    RECORD,
    REOPEN,
    SIGN_IN,
    render_concerns,
    render_decides,
    render_has_left,
)
from poutama.db.connection import Database
from poutama.db.invited_people import (
    HAS_INVITATION,
    add_invited_person,
    bind_invitations,
    choose_name,
)
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import AmbiguousCommit, ForbiddenError, UnavailableError
from poutama.text import fold

logger = logging.getLogger(__name__)

TIME_LIMIT = 10.0

UNKNOWN = "This sign-in has not been invited; ask your school's administrator."
NO_EMAIL = (
    "This sign-in is new here, and its token has no verified email to know you by: sign in with"
    " one that has, or ask your school's administrator."
)


class UnknownSignInError(ForbiddenError):
    """The account is not a person's yet, and nothing leads from it to one."""


HELD = (
    "Your email address belongs to a person here who has another account or has left. An"
    " administrator of your school must decide whether you are that person; ask them to look at the"
    " address conflicts of the school."
)

_KNOWN = f"""
SELECT i.person_id, {HAS_INVITATION} AS invited
FROM identity AS i WHERE i.issuer = $2::text AND i.subject = $3::text
"""  # noqa: S608  constants
# Of a person who has signed in with another subject, or has left, the address alone proves nothing:
# schools give addresses to newcomers.
_IS_HELD = (
    "(EXISTS (SELECT 1 FROM identity AS n WHERE n.person_id = p.id)"  # noqa: S608  constants
    f" OR {render_has_left('p.id')})"
)
# By the index on `lower(email)`, with capitals or without.
FIND_BY_EMAIL = "SELECT id FROM person WHERE lower(email) = $1::text LIMIT 2"
# The person may have gone, signed in or left, or lost their email, since they were found.
_BIND = f"""
INSERT INTO identity (issuer, subject, person_id)
SELECT $1::text, $2::text, p.id FROM person AS p
WHERE p.id = $3::uuid AND lower(p.email) = $4::text AND NOT {_IS_HELD}
ON CONFLICT DO NOTHING RETURNING person_id
"""  # noqa: S608  constants
# The roster's word for a person who has accepted nothing is not theirs.
_NAME = """
UPDATE person AS p
SET name = $2::text, name_search = $3::text, version = p.version + 1, updated_at = now()
WHERE p.id = $1::uuid AND p.name <> $2::text
    AND EXISTS (SELECT 1 FROM roster_person AS r WHERE r.person_id = p.id AND r.made)
    AND NOT EXISTS (
        SELECT 1 FROM membership AS m WHERE m.person_id = p.id AND m.accepted_at IS NOT NULL
    )
"""
_BOUND = """
SELECT i.person_id FROM identity AS i WHERE i.issuer = $1 AND i.subject = $2
"""
_RECORD_CONFLICTS = tuple(
    f"""
{RECORD}
SELECT gen_random_uuid(), o.organisation_id, o.person_id, o.email, '{SIGN_IN}', NULL::uuid,
    $2::text, $3::text, NULL
FROM (
    SELECT DISTINCT d.organisation_id, p.id AS person_id, lower(p.email) AS email
    FROM person AS p JOIN {table} AS d ON {render_concerns(table, "d", "p.id")}
    WHERE p.id = $1::uuid AND lower(p.email) = $4::text AND {render_decides(table, "d", "p.id")}
) AS o
{REOPEN}
"""  # noqa: S608  constants
    for table in DECIDING_TABLES
)


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
        UnknownSignInError: the person is not found; the message has what to do next.
        ForbiddenError: administrators must decide first.
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
        raise UnknownSignInError(NO_EMAIL)
    else:
        person_id = await _find_invited(database, sign_in, sign_in.email, deadline)
    bound = await _bind(database, sign_in, person_id, deadline)
    if bound is not None:
        return bound
    await _hold(database, sign_in, person_id, deadline)
    raise ForbiddenError(HELD)


async def _find_invited(database: Database, sign_in: SignIn, email: str, deadline: float) -> UUID:
    found = await database.read(FIND_BY_EMAIL, [email], deadline=deadline, name="invited")
    if len(found) == 1:
        return UUID(str(found[0]["id"]))
    if found:
        logger.warning(
            "identity: rejected a sign-in: two people have emails that differ only in case"
        )
        raise UnknownSignInError(UNKNOWN)
    try:
        added = await add_invited_person(database, email, sign_in.name, deadline=deadline)
    except AmbiguousCommit as error:
        raise UnavailableError from error
    if added is None:
        raise UnknownSignInError(UNKNOWN)
    return added


async def _bind(
    database: Database, sign_in: SignIn, person_id: UUID, deadline: float
) -> UUID | None:
    """Bind the subject to the person; returns whom it is bound to, None if to no person."""
    subject = (sign_in.issuer, sign_in.subject)

    async def work(transaction: Transaction) -> UUID | None:
        made = await transaction.fetch(_BIND, *subject, person_id, sign_in.email)
        if made and sign_in.email is not None:
            called = choose_name(sign_in.name, sign_in.email)
            await transaction.execute(_NAME, person_id, called, fold(called))
        rows = await transaction.fetch(_BOUND, *subject)
        if not rows:
            return None
        bound = UUID(str(rows[0]["person_id"]))
        if sign_in.email is not None:
            await bind_invitations(transaction, bound, sign_in.email)
        return bound

    try:
        return await run_transaction(database, work, deadline=deadline, name="bindIdentity")
    except AmbiguousCommit:
        # Binding twice is binding once: asking again is how to know.
        try:
            return await run_transaction(database, work, deadline=deadline, name="bindIdentity")
        except AmbiguousCommit as error:
            raise UnavailableError from error


async def _hold(database: Database, sign_in: SignIn, person_id: UUID, deadline: float) -> None:
    """Show the administrators who decide that the address has been claimed."""
    logger.warning(
        "identity: held a sign-in: the address that %s verified belongs to a person with another"
        " account, or who has left",
        sign_in.issuer,
    )
    values = (person_id, sign_in.issuer, sign_in.subject, sign_in.email)

    async def work(transaction: Transaction) -> None:
        for statement in _RECORD_CONFLICTS:
            await transaction.execute(statement, *values)

    # Recorded at the next try, if not at this one.
    with suppress(AmbiguousCommit):
        await run_transaction(database, work, deadline=deadline, name="holdSignIn")
