"""Why a change wrote nothing, as an error: asked once its statement has reported that it did not.

`engine.mutation` and `engine.bulk_write` call it. It changes nothing.
"""

from __future__ import annotations

from poutama.changes import explain_conflict
from poutama.engine.step_failures import CHILD_IN_USE, naming
from poutama.errors import ConflictError, NotFoundError
from poutama.plan.binding import Binding, resolve_value
from poutama.plan.mutation_steps import Call, Write
from poutama.plan.nodes import Insert
from poutama.quotas import Fetch, find_refusal
from poutama.sql.statement import Statement, StatementResult, bind_values
from poutama.sql.write import render_free_ids


async def find_made(
    step: Write | Call, made: Statement | None, binding: Binding, fetch: Fetch
) -> bool:
    """Whether the row is there because the viewer has made it, with this id.

    Raises:
        ConflictError: another has.
    """
    if made is None:
        return False
    found = await fetch(made.text, *bind_values(made, binding))
    if found and not found[0]["made"]:
        with naming(step.field):
            raise ConflictError("input.id: expected an id that is not in use; make a new one.")
    return bool(found)


async def raise_unwritten(
    write: Write, outcome: StatementResult, binding: Binding, fetch: Fetch
) -> None:
    """Raise why nothing was written; return where something was.

    Raises:
        ConflictError: the row has another version than expected, or an id is in use.
        QuotaExceededError: there is no place for the row.
        NotFoundError: the row, or one that it belongs to, is not there, or not the viewer's to
            change.
    """
    if outcome.written:
        return
    change = write.change
    with naming(write.field):
        if isinstance(change, Insert):
            free = render_free_ids(change)
            if free is not None and not (await fetch(free.text, *bind_values(free, binding)))[0][0]:
                raise ConflictError(CHILD_IN_USE)
            refusal = await find_refusal(change, binding, fetch)
            if refusal is not None:
                raise refusal
        elif outcome.version is not None:
            assert change.expected_version is not None
            raise explain_conflict(resolve_value(change.expected_version, binding), outcome.version)
        named = [change.entity]
        if isinstance(change, Insert) and change.parents:
            named = [parent.entity for parent in change.parents]
        raise NotFoundError.of(" or ".join(entity.name for entity in named))


def refuse_repeated_ids(write: Write, binding: Binding) -> None:
    """Raise ConflictError where two rows that are inserted along with one have the same id."""
    change = write.change
    for children in change.children if isinstance(change, Insert) else ():
        ids = [resolve_value(each, binding) for each in children.client_ids]
        if len(set(ids)) < len(ids):
            with naming(write.field):
                raise ConflictError(CHILD_IN_USE)
