"""One root field that makes the same change for several inputs, in the mutation's transaction.

`engine.mutation` calls it. Each input is the statement of a single change, so that it means the
same; neighbours of one shape go to the database together. An input that fails has written nothing,
because its statement writes only where it may: no savepoint is needed, which CockroachDB's way of
trying a transaction again has no place for. The payload is read once all have run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from json import loads
from typing import Any, TypeAlias

from poutama.db.transaction import Transaction
from poutama.engine.prepare import PreparedBulk, PreparedShape
from poutama.engine.unwritten import find_made, raise_unwritten, refuse_repeated_ids
from poutama.errors import (
    BadUserInputError,
    ConflictError,
    LimitExceededError,
    NotFoundError,
    PoutamaError,
    QuotaExceededError,
)
from poutama.plan.binding import Binding, resolve_value
from poutama.plan.mutation_steps import KEPT, RefusedInput
from poutama.plan.payloads import NUMBER, WITHIN
from poutama.plan.values import Constant, Variable
from poutama.schema.bulk import RESULT_ERROR
from poutama.sql.statement import StatementResult, bind_values

ItemResult: TypeAlias = Mapping[str, Any]
"""Ids by the fields of a result; or its error, under the name of that field."""

_REFUSALS = (
    BadUserInputError,
    ConflictError,
    LimitExceededError,
    NotFoundError,
    QuotaExceededError,
)


@dataclass(frozen=True, slots=True)
class _Item:
    """An input, bound to its statement."""

    number: int
    shape: PreparedShape
    binding: Binding
    values: list[object]


async def write_items(
    step: PreparedBulk, binding: Binding, transaction: Transaction
) -> list[ItemResult]:
    """Make the changes, in the order of the inputs; returns what came of each.

    Raises:
        PoutamaError: something failed that concerns all inputs; nothing is written.
    """
    results: dict[int, ItemResult] = {}
    items = list(_bind_items(step, binding, results))
    for shape, group in groupby(items, key=lambda item: item.shape):
        alike = list(group)
        rows = await transaction.fetch_many(shape.statement.text, [each.values for each in alike])
        for item, row in zip(alike, rows, strict=True):
            outcome = shape.statement.conclude([row])
            try:
                results[item.number] = await _conclude(item, outcome, transaction)
            except _REFUSALS as error:
                results[item.number] = _describe(error)
    found = [results[number] for number in range(len(step.write.items))]
    await _renumber(step, found, binding, transaction)
    return [
        {name: value for name, value in each.items() if name not in (WITHIN, NUMBER)}
        for each in found
    ]


def _bind_items(
    step: PreparedBulk, binding: Binding, results: dict[int, ItemResult]
) -> Iterator[_Item]:
    """The inputs that can be used; why others cannot goes to `results`."""
    for number, (index, tree) in enumerate(step.write.items):
        shape = step.shapes[index]
        if isinstance(shape, RefusedInput):
            results[number] = {RESULT_ERROR: {"code": shape.code, "message": shape.message}}
            continue
        values = {"input": _resolve_plainly(tree, binding)}
        each = replace(binding, variables=values, returned={}, new_ids={})
        try:
            refuse_repeated_ids(shape.write, each)
            yield _Item(number, shape, each, bind_values(shape.statement, each))
        except _REFUSALS as error:
            results[number] = _describe(error)


def _resolve_plainly(tree: Any, binding: Binding) -> object:
    """An input's values as they were sent; they are checked where they are bound."""
    match tree:
        case dict():
            return {name: _resolve_plainly(part, binding) for name, part in tree.items()}
        case list():
            return [_resolve_plainly(part, binding) for part in tree]
        case Constant(value):
            return value
        case Variable(path):
            found: Any = binding.variables
            for name in path:
                found = found[name]
            return found
        case _:
            return tree


async def _conclude(item: _Item, outcome: StatementResult, transaction: Transaction) -> ItemResult:
    write, fetch = item.shape.write, transaction.fetch
    if outcome.written or not await find_made(write, item.shape.made, item.binding, fetch):
        await raise_unwritten(write, outcome, item.binding, fetch)
    ids = dict.fromkeys(write.returned, str(resolve_value(write.row, item.binding)))
    return {**ids, **read_kept(outcome)}


def read_kept(outcome: StatementResult) -> dict[str, Any]:
    """The ids of the rows that a deleted one belonged to, by field."""
    found: dict[str, Any] = loads(outcome.data or "{}")
    return found.get(KEPT) or {}


def _describe(error: PoutamaError) -> ItemResult:
    described = {"code": error.code, "message": error.message}
    field = error.extensions.get("field")
    if isinstance(field, str):
        described["field"] = field.removeprefix("$").removeprefix("input.")
    return {RESULT_ERROR: described}


async def _renumber(
    step: PreparedBulk, results: Iterable[ItemResult], binding: Binding, transaction: Transaction
) -> None:
    """Close the gaps that deletions have left among numbered rows, once all are done."""
    gone = [[each[WITHIN], each[NUMBER]] for each in results if WITHIN in each]
    if step.renumbering is not None and gone:
        values = bind_values(step.renumbering, replace(binding, returned={WITHIN: gone}))
        await transaction.execute(step.renumbering.text, *values)
