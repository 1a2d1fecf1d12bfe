"""The ledger of cost budgets: a token bucket for each person, one row, one statement.

`edge.budget` charges here what its processes let people run up. The database's clock fills the
bucket, never a process's own; one that steps back fills nothing until it has caught up. The row
is locked for the statement alone, and different people's rows never meet.
Source: https://en.wikipedia.org/wiki/Token_bucket
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from poutama.db.connection import Database
from poutama.errors import AmbiguousCommit, DatabaseError, UnauthenticatedError, UnavailableError

FOREIGN_KEY_VIOLATION = "23503"

# The level before this charge; for a new person the whole capacity, $2.
_FILLED = """least(
        $2::float8,
        b.level + $3::float8 * greatest(extract(epoch FROM now() - b.settled_at)::float8, 0)
    )"""
_CHARGE = f"""
INSERT INTO {{table}} AS b ({{key}}, level, granted, settled_at)
VALUES (
    $1::uuid,
    $2::float8 - $4::float8 - CASE WHEN $2::float8 - $4::float8 >= $5::float8
        THEN $5::float8 ELSE 0 END,
    $2::float8 - $4::float8 >= $5::float8,
    now()
)
ON CONFLICT ({{key}}) DO UPDATE SET
    level = {_FILLED} - $4::float8 - CASE WHEN {_FILLED} - $4::float8 >= $5::float8
        THEN $5::float8 ELSE 0 END,
    granted = {_FILLED} - $4::float8 >= $5::float8,
    settled_at = greatest(b.settled_at, now())
RETURNING level, granted
"""  # noqa: S608  no value is in it
PEOPLE = _CHARGE.replace("{table}", "person_budget").replace("{key}", "person_id")
NEW_SIGN_INS = _CHARGE.replace("{table}", "new_sign_in").replace("{key}", "account")
"""The statements of the two ledgers: of people, and of accounts that are not people yet."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How much fits into a budget, and how much comes back each second."""

    capacity: float
    refill: float


@dataclass(frozen=True, slots=True)
class Charged:
    """What is left after a charge, and whether the cost that was asked for is paid with it."""

    level: float
    granted: bool


async def charge_budget(
    database: Database,
    person: UUID,
    bucket: Bucket,
    *,
    owed: float,
    cost: float,
    deadline: float,
    ledger: str = PEOPLE,
) -> Charged:
    """Take what is owed already, below zero if need be, and the cost if there is enough for it.

    Raises:
        UnauthenticatedError: the person is not found.
        UnavailableError: the database could not be reached, or it cannot be known whether it
            wrote; the charge may have been made.
        DeadlineExceededError: nothing was written in time.
    """
    values = [person, float(bucket.capacity), float(bucket.refill), float(owed), float(cost)]
    try:
        rows = await database.write(ledger, values, deadline=deadline, name="budget")
    except AmbiguousCommit as error:
        raise UnavailableError from error
    except DatabaseError as error:
        if error.sqlstate == FOREIGN_KEY_VIOLATION:
            raise UnauthenticatedError(
                "No person found for the signed-in user; the account may have been deleted."
            ) from error
        raise
    (row,) = rows
    return Charged(row["level"], row["granted"])
