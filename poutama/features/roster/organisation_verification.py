"""Which organisations are the school that they say, and whose mail domains are theirs.

Decided by those who run the system: called by the command line and the demo school, never by the
API: anyone may found an organisation, and call it what they like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from json import dumps
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.pooled_connection import Records
from poutama.db.second_adults import STAFF, render_is_unknown, render_waits_again
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import BadUserInputError, ConflictError, NotFoundError
from poutama.text import fold, normalize_email

NOT_VERIFIED = (
    "This organisation is not verified, and only verified organisations enrol people by rosters."
    " Students can join a group by its join code; ask those who run the service to verify the"
    " organisation."
)

# Letters and digits of any script, dots and hyphens: nothing that `LIKE` takes for a wildcard.
_DOMAIN = re.compile(r"(?:[^\W_]|[-.])+")
_VERIFY = """
UPDATE organisation SET verified = true, verified_at = now()
WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid) AND NOT verified RETURNING id
"""
_IS_STAFF = f"""
m.organisation_id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid) AND m.role IN {STAFF}
    AND m.accepted_at IS NOT NULL AND (m.ends_at IS NULL OR m.ends_at > now())
"""
# Whom it invited before any person had checked it, save those whom the operator confirmed.
_LET_WAIT = f"""
UPDATE membership AS m SET
    confirmed = false, confirmed_at = NULL, confirmed_by_id = NULL, applicant_name = p.name,
    version = m.version + 1, updated_at = now()
FROM person AS p
WHERE p.id = m.person_id AND {_IS_STAFF} AND (
    (m.source = 'INVITED' AND m.confirmed
        AND (m.confirmed_at IS NULL OR m.confirmed_by_id IS NOT NULL) AND {render_is_unknown("m")})
    OR {render_waits_again("m")}
)
"""  # noqa: S608  constants
_CONFIRM = f"""
UPDATE membership AS m SET
    confirmed = true, confirmed_at = now(), confirmed_by_id = NULL, applicant_name = NULL,
    version = m.version + 1, updated_at = now()
WHERE {_IS_STAFF} AND NOT m.confirmed
"""  # noqa: S608
# No person confirms these: where one becomes a student's account, it waits again.
_CONFIRM_KNOWN = (
    _CONFIRM.replace("confirmed_at = now()", "confirmed_at = NULL")
    + f" AND m.granted_by_id IS NOT NULL AND NOT {render_is_unknown('m')}"
)
_CONFIRM_ADULT = f"""
{_CONFIRM} AND (m.invited_email = $2::text OR m.person_id IN (
    SELECT p.id FROM person AS p WHERE lower(p.email) = $2::text
)) RETURNING m.id
"""  # noqa: S608
_COUNT_WAITING = f"""
SELECT count(*) AS count FROM membership AS m WHERE {_IS_STAFF} AND NOT m.confirmed
"""  # noqa: S608
_FIND_NAME = "SELECT name FROM organisation WHERE id = $1::uuid"
_DOUBT = """
UPDATE organisation SET verified = false, verified_at = NULL WHERE id = $1::uuid AND verified
"""
_ADD_DOMAINS = """
INSERT INTO verified_domain (organisation_id, domain)
SELECT o.id, d.domain
FROM organisation AS o CROSS JOIN jsonb_array_elements_text($2::jsonb) AS d (domain)
WHERE o.id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
ON CONFLICT DO NOTHING
"""
_REMOVE_DOMAIN = """
DELETE FROM verified_domain WHERE organisation_id = $1::uuid AND domain = $2::text RETURNING domain
"""
_REMOVE_DOMAINS = "DELETE FROM verified_domain WHERE organisation_id = $1::uuid"
_LIST = """
SELECT o.id, o.name, o.created_at, o.verified, o.verified_at, (
    SELECT string_agg(d.domain, ' ' ORDER BY d.domain) FROM verified_domain AS d
    WHERE d.organisation_id = o.id
) AS domains
FROM organisation AS o
WHERE $1::uuid IS NULL OR o.id = $1::uuid
ORDER BY o.name_search, o.id
"""


def normalize_domain(text: str) -> str:
    """Return the mail domain as addresses are compared with it.

    Raises:
        BadUserInputError: it is not one.
    """
    address = normalize_email(f"x@{text.strip()}")
    if address is None or not _DOMAIN.fullmatch(address.removeprefix("x@")):
        raise BadUserInputError(f"domain: expected one such as kura.school.nz, got {text!r}")
    return address.removeprefix("x@")


async def verify_organisations(
    database: Database, ids: list[UUID], *, domains: Sequence[str] = (), deadline: float
) -> int:
    """Let the rosters of these enrol the people of their mail domains without asking each of them.

    Mentors, managers and administrators whom one of them invited before, with addresses of none of
    its domains, wait from then on: only now do others rely on there being two adults. Those who
    wait and have an address of a domain that is added are confirmed.

    Returns:
        how many of their mentors, managers and administrators wait to be confirmed.

    Args:
        database: where the organisations are.
        ids: those that are known to be the school that they say.
        domains: mail domains that are theirs alone, besides those that they have; as
            `normalize_domain` returns them.
        deadline: absolute `time.monotonic()`.
    """

    async def work(transaction: Transaction) -> int:
        return await _verify(transaction, ids, domains)

    return await run_transaction(database, work, deadline=deadline, name="roster/verify")


async def _verify(transaction: Transaction, ids: Sequence[UUID], domains: Sequence[str]) -> int:
    listed = dumps([str(each) for each in ids])
    new = await transaction.fetch(_VERIFY, listed)
    await transaction.execute(_ADD_DOMAINS, listed, dumps([*domains]))
    await transaction.execute(_LET_WAIT, dumps([str(each["id"]) for each in new]))
    await transaction.execute(_CONFIRM_KNOWN, listed)
    return int((await transaction.fetch(_COUNT_WAITING, listed))[0]["count"])


async def confirm_adult(database: Database, id_: UUID, email: str, *, deadline: float) -> int:
    """Confirm the mentor, manager or administrator of the organisation who has this address.

    Args:
        database: where the organisation is.
        id_: the organisation.
        email: normalised; the address that they have, or that was invited.
        deadline: absolute `time.monotonic()`.

    Returns:
        how many memberships were waiting.
    """

    async def work(transaction: Transaction) -> int:
        return len(await transaction.fetch(_CONFIRM_ADULT, dumps([str(id_)]), email))

    return await run_transaction(database, work, deadline=deadline, name="roster/confirm")


async def verify_by_name(
    database: Database, id_: UUID, name: str, *, domains: Sequence[str] = (), deadline: float
) -> int:
    """Verify the organisation of this id if this is its name; the rest as `verify_organisations`.

    An organisation that is not verified can be renamed at any time, so that its name is read in
    the transaction that verifies it. Letter case and accents make no difference.

    Raises:
        NotFoundError: the organisation is not found.
        ConflictError: it has another name; the message has both.
    """

    async def work(transaction: Transaction) -> int:
        found = await transaction.fetch(_FIND_NAME, id_)
        if not found:
            raise NotFoundError(f"organisation {id_}: not found")
        stored = found[0]["name"]
        if fold(stored.strip()) != fold(name.strip()):
            raise ConflictError(f"--name: expected the name {stored!r}, got {name!r}")
        return await _verify(transaction, [id_], domains)

    return await run_transaction(database, work, deadline=deadline, name="roster/verifyByName")


async def remove_domain(database: Database, id_: UUID, domain: str, *, deadline: float) -> bool:
    """Take a mail domain from the organisation; False if it has none of that name."""

    async def work(transaction: Transaction) -> bool:
        return bool(await transaction.fetch(_REMOVE_DOMAIN, id_, domain))

    return await run_transaction(database, work, deadline=deadline, name="roster/removeDomain")


async def doubt_organisation(transaction: Transaction, id_: UUID) -> None:
    """Take all of that back; what was shared so far stays shared."""
    await transaction.execute(_REMOVE_DOMAINS, id_)
    await transaction.execute(_DOUBT, id_)


async def list_organisations(
    database: Database, id_: UUID | None = None, *, deadline: float
) -> Records:
    """All of them, or the one; `verified_at` and `domains` are null where not known."""
    return await database.read(_LIST, [id_], deadline=deadline, name="roster/organisations")
