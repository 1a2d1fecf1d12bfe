"""What can go wrong in one root field of a mutation, as errors with its name and place.

`engine.mutation` runs every step inside these. They read no database and never retry.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from poutama.errors import (
    BadUserInputError,
    ConflictError,
    DatabaseError,
    LimitExceededError,
    NotFoundError,
    PoutamaError,
    QuotaExceededError,
)
from poutama.plan.mutation_steps import Write
from poutama.plan.nodes import Insert
from poutama.sql.bounds import RAISE_SQLSTATE, refuse_payload
from poutama.sql.statement import Statement

FOREIGN_KEY_VIOLATION, UNIQUE_VIOLATION = "23503", "23505"
CHILD_IN_USE = "the id of a row that is inserted along with it is in use; expected one that is not."


class StepFailure(Exception):  # noqa: N818  carries an error and its place
    """A root field of a mutation failed, and with it the whole operation."""

    def __init__(self, key: str, error: PoutamaError) -> None:
        super().__init__(error.message)
        self.key = key
        self.error = error


@contextmanager
def naming(field: str) -> Iterator[None]:
    """Prefix the messages of a mutation's errors with its name."""
    try:
        yield
    except (NotFoundError, ConflictError, LimitExceededError, QuotaExceededError) as error:
        if not error.message.startswith(f"{field}: "):
            error.args = (f"{field}: {error.message}",)
        raise


@contextmanager
def refusing_payload(write: Write, statement: Statement) -> Iterator[None]:
    """Say why the database undid a change: lists over their bound, or ids that are in use."""
    try:
        yield
    except DatabaseError as error:
        if error.sqlstate == UNIQUE_VIOLATION and _makes_ids_of_children(write):
            raise ConflictError(f"{write.field}: {CHILD_IN_USE}") from error
        if error.sqlstate == RAISE_SQLSTATE and (statement.places or statement.scans):
            raise refuse_payload(write.field, statement.places, statement.scans) from error
        raise


def _makes_ids_of_children(write: Write) -> bool:
    change = write.change
    return isinstance(change, Insert) and any(each.client_ids for each in change.children)


@contextmanager
def failing_at(key: str) -> Iterator[None]:
    """Raise errors of a root field as `StepFailure`, with their place in the response."""
    try:
        yield
    except DatabaseError as error:
        if error.sqlstate == FOREIGN_KEY_VIOLATION:
            missing = NotFoundError("The row that the new one refers to was deleted meanwhile.")
            raise StepFailure(key, missing) from error
        raise
    except (
        BadUserInputError,
        LimitExceededError,
        NotFoundError,
        ConflictError,
        QuotaExceededError,
    ) as error:
        raise StepFailure(key, error) from error
