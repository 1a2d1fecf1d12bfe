"""Invitations to an address: addresses that are invited and are not of a person yet.

Such an invitation is a membership without a person. `db.identity` calls this when a person signs
in with a verified address, and the laptop's issuer when it signs a token: the person begins then,
and the invitations become theirs. Nothing is accepted by it.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from poutama.db.address_conflicts import SAME_PERSON, render_is_claimed
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.text import fold

MAX_NAME = 200
"""Characters of a name, as the schema has it."""

_IS_WAITING = (
    "m.person_id IS NULL AND (m.ends_at IS NULL OR m.ends_at > now())"
    " AND (m.expires_at IS NULL OR m.expires_at > now())"
)
HAS_INVITATION = (
    f"EXISTS (SELECT 1 FROM membership AS m WHERE m.invited_email = $1::text AND {_IS_WAITING})"  # noqa: S608  constants
)
"""Condition: an invitation to the address at $1 waits for its person."""

_ADD_PERSON = f"""
INSERT INTO person (id, email, name, name_search)
SELECT $2::uuid, $1::text, $3::text, $4::text
WHERE {HAS_INVITATION}
ON CONFLICT (email) DO NOTHING
"""
_FIND_PERSON = "SELECT id FROM person WHERE email = $1::text"
# Not of a person whose address another claims, until an administrator has decided that they are
# the same.
_BIND = f"""
UPDATE membership AS m SET person_id = $2::uuid
WHERE m.invited_email = $1::text AND {_IS_WAITING}
    AND NOT EXISTS (
        SELECT 1 FROM address_conflict AS a
        WHERE a.person_id = $2::uuid AND a.email = $1::text
            AND a.decision IS DISTINCT FROM '{SAME_PERSON}'
            AND (a.decision IS NOT NULL OR {render_is_claimed("a.person_id", "a.email")})
    )
    AND NOT EXISTS (
        SELECT 1 FROM person AS p WHERE lower(p.email) = $1::text AND p.id <> $2::uuid
    )
"""  # noqa: S608


def choose_name(name: str | None, email: str) -> str:
    """Return what a person is called whom no one but their sign-in names."""
    return " ".join((name or "").split())[:MAX_NAME] or email.partition("@")[0]


async def add_invited_person(
    database: Database, email: str, name: str | None, *, deadline: float
) -> UUID | None:
    """Make the person whom an invitation to the address waits for; None where none does.

    Doing it again, or twice at once, makes one person.

    Args:
        database: where people are.
        email: normalised, and verified to be theirs.
        name: what the sign-in calls them; the invitation's name is the inviter's word, not theirs.
        deadline: absolute `time.monotonic()`.

    Raises:
        UnavailableError, DeadlineExceededError, AmbiguousCommit: as every transaction.
    """
    called = choose_name(name, email)

    async def work(transaction: Transaction) -> UUID | None:
        await transaction.execute(_ADD_PERSON, email, uuid4(), called, fold(called))
        found = await transaction.fetch(_FIND_PERSON, email)
        if not found:
            return None
        person = UUID(str(found[0]["id"]))
        await bind_invitations(transaction, person, email)
        return person

    return await run_transaction(database, work, deadline=deadline, name="addInvitedPerson")


async def bind_invitations(transaction: Transaction, person_id: UUID, email: str) -> None:
    """Make the invitations to the address the person's, who has verified that it is theirs.

    The rows keep their version: the inviter does not learn from them that the person signed in.
    """
    await transaction.execute(_BIND, email, person_id)
