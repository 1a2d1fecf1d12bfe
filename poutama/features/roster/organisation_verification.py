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
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import BadUserInputError
from poutama.text import normalize_email

NOT_VERIFIED = (
    "This organisation is not verified, and only verified organisations enrol people by rosters."
    " Students can join a group by its join code; ask those who run the service to verify the"
    " organisation."
)

# Letters and digits of any script, dots and hyphens: nothing that `LIKE` takes for a wildcard.
_DOMAIN = re.compile(r"(?:[^\W_]|[-.])+")
_VERIFY = """
UPDATE organisation SET verified = true, verified_at = now()
WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid) AND NOT verified
"""
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
) -> None:
    """Let the rosters of these enrol the people of their mail domains without asking each of them.

    Args:
        database: where the organisations are.
        ids: those that are known to be the school that they say.
        domains: mail domains that are theirs alone, besides those that they have; as
            `normalize_domain` returns them.
        deadline: absolute `time.monotonic()`.
    """
    listed = dumps([str(each) for each in ids])

    async def work(transaction: Transaction) -> None:
        await transaction.execute(_VERIFY, listed)
        await transaction.execute(_ADD_DOMAINS, listed, dumps([*domains]))

    await run_transaction(database, work, deadline=deadline, name="roster/verify")


async def remove_domain(database: Database, id_: UUID, domain: str, *, deadline: float) -> bool:
    """Take a mail domain from the organisation; False if it has none of that name."""

    async def work(transaction: Transaction) -> bool:
        return bool(await transaction.fetch(_REMOVE_DOMAIN, id_, domain))

    return await run_transaction(database, work, deadline=deadline, name="roster/removeDomain")


async def doubt_organisation(database: Database, id_: UUID, *, deadline: float) -> None:
    """Take all of that back; what was shared so far stays shared."""

    async def work(transaction: Transaction) -> None:
        await transaction.execute(_REMOVE_DOMAINS, id_)
        await transaction.execute(_DOUBT, id_)

    await run_transaction(database, work, deadline=deadline, name="roster/doubt")


async def list_organisations(
    database: Database, id_: UUID | None = None, *, deadline: float
) -> Records:
    """All of them, or the one; `verified_at` and `domains` are null where not known."""
    return await database.read(_LIST, [id_], deadline=deadline, name="roster/organisations")
