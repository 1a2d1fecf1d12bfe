"""The payload of a mutation of several inputs, as JSON: its results in the order of the inputs.

`engine.mutation` calls it, right after the changes and when the mutation comes again under its
idempotency key. The rows of all results are one statement, which reads them as the viewer sees
them now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from json import dumps
from typing import TypeAlias, assert_never

import msgspec

from poutama.db.transaction import Transaction
from poutama.engine.bulk_write import ItemResult
from poutama.errors import NotFoundError
from poutama.plan.binding import Binding
from poutama.plan.mutation_steps import (
    ResultError,
    ResultId,
    ResultList,
    ResultMember,
    ResultRow,
)
from poutama.plan.nodes import Text
from poutama.schema.bulk import RESULT_ERROR
from poutama.sql.statement import Statement, bind_values

GONE = (
    "this has happened, under this idempotency key or id, and does not happen again. What it wrote"
    " was deleted since, or you may not see it."
)
Lists: TypeAlias = Mapping[str, Mapping[str, str]]
"""List of a plan's payload -> the texts of its rows, by their ids."""

_ID_BEGINS = len('{"":"')
_ID_ENDS = _ID_BEGINS + 36


async def read_results(
    members: Sequence[Text | ResultList],
    statement: Statement,
    results: Sequence[ItemResult],
    binding: Binding,
    transaction: Transaction,
) -> tuple[str, int]:
    """The payload, and how many rows its filters and counts went through.

    Raises:
        LimitExceededError: a list has more rows than it may, or all together more bytes.
    """
    lists, scanned = await _read_rows(members, statement, results, binding, transaction)
    pairs = []
    for member in members:
        match member:
            case Text(key, json):
                pairs.append((key, json))
            case ResultList(key, parts):
                texts = (_join_result(parts, result, lists) for result in results)
                pairs.append((key, f"[{','.join(texts)}]"))
    return _join_object(pairs), scanned


async def _read_rows(
    members: Sequence[Text | ResultList],
    statement: Statement,
    results: Sequence[ItemResult],
    binding: Binding,
    transaction: Transaction,
) -> tuple[Lists, int]:
    if statement.constant is not None:
        return {}, 0
    ids = {
        part.list: sorted({each[part.name] for each in results if each.get(part.name)})
        for member in members
        if isinstance(member, ResultList)
        for part in member.members
        if isinstance(part, ResultRow)
    }
    bound = replace(binding, returned=ids)
    rows = await transaction.fetch(statement.text, *bind_values(statement, bound))
    read = statement.read_data(rows, bound)
    assert read.data is not None, "lists are there, with or without rows"
    found = msgspec.json.decode(read.data, type=dict[str, list[msgspec.Raw]])
    return {name: dict(map(_split_row, each)) for name, each in found.items()}, read.scanned


def _split_row(row: msgspec.Raw) -> tuple[str, str]:
    """The id of a row, and its text without the id that it begins with: `{"":"<id>",...}`."""
    text = bytes(row).decode()
    return text[_ID_BEGINS:_ID_ENDS], "{" + text[_ID_ENDS + 1 :].removeprefix(",")


def _join_result(members: Sequence[ResultMember], result: ItemResult, lists: Lists) -> str:
    required = [each for each in members if isinstance(each, ResultRow) and each.required]
    if RESULT_ERROR not in result and any(
        result[each.name] not in lists[each.list] for each in required
    ):
        result = {RESULT_ERROR: {"code": NotFoundError.code, "message": GONE}}
    return _join_object([(member.key, _join_member(member, result, lists)) for member in members])


def _join_member(member: ResultMember, result: ItemResult, lists: Lists) -> str:
    match member:
        case Text(_, json):
            return json
        case ResultId(_, name):
            return dumps(result.get(name), ensure_ascii=False)
        case ResultRow(_, name, list_):
            return lists[list_].get(result.get(name, ""), "null")
        case ResultError(_, members):
            error = result.get(RESULT_ERROR)
            if error is None:
                return "null"
            return _join_object([(part.key, _join_member(part, error, lists)) for part in members])
        case _:
            assert_never(member)


def _join_object(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{dumps(key)}:{text}" for key, text in pairs) + "}"
