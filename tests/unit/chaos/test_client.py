"""What a client of a chaos run makes of answers, and that all of it is recorded."""

from __future__ import annotations

import asyncio
import random

import pytest

from poutama.chaos import client as clients
from poutama.chaos.client import Client, Done, ErrorResponse, read_response
from poutama.chaos.counters import RunCounters
from poutama.chaos.history import ClientOperation, HistoryRecord, OperationKind, OperationOutcome
from poutama.errors import (
    AmbiguousCommit,
    DatabaseError,
    DeadlineExceededError,
    TransactionMisuseError,
    UnavailableError,
)

AMBIGUOUS = ErrorResponse("AMBIGUOUS_COMMIT")
UNAVAILABLE = ErrorResponse("UNAVAILABLE")


async def perform(*endings: Exception | None, key: str = "") -> ClientOperation:
    """An operation whose attempts end like these; None is an answer."""
    records: list[HistoryRecord] = []
    client = Client("c", RunCounters(records.append), random.Random(0))
    attempts = iter(endings)

    async def act(deadline: float) -> Done:
        ending = next(attempts)
        if ending is not None:
            raise ending
        return Done(data="{}", version=7)

    done = await client.perform(1, OperationKind.NOTE, act, key=key)
    (record,) = records
    assert isinstance(record, ClientOperation)
    assert (done is not None) == (record.outcome is OperationOutcome.ACKNOWLEDGED)
    assert list(attempts) == []
    return record


@pytest.mark.parametrize(
    ("ending", "outcome", "code"),
    [
        (None, OperationOutcome.ACKNOWLEDGED, ""),
        (AMBIGUOUS, OperationOutcome.AMBIGUOUS, "AMBIGUOUS_COMMIT"),
        (AmbiguousCommit(), OperationOutcome.AMBIGUOUS, "AMBIGUOUS_COMMIT"),
        (UNAVAILABLE, OperationOutcome.REFUSED, "UNAVAILABLE"),
        (UnavailableError(), OperationOutcome.REFUSED, "UNAVAILABLE"),
        (DeadlineExceededError(), OperationOutcome.REFUSED, "DEADLINE_EXCEEDED"),
        (DatabaseError(sqlstate="23505"), OperationOutcome.REFUSED, "INTERNAL 23505"),
        (TransactionMisuseError(), OperationOutcome.UNEXPECTED, "TransactionMisuseError"),
        (KeyError("x"), OperationOutcome.UNEXPECTED, "KeyError"),
    ],
)
async def test_what_is_told_is_what_is_recorded(
    ending: Exception | None, outcome: OperationOutcome, code: str
) -> None:
    record = await perform(ending)
    assert (record.outcome, record.code, record.tries) == (outcome, code, 1)


@pytest.mark.parametrize(
    ("endings", "outcome", "code"),
    [
        ([AMBIGUOUS, None], OperationOutcome.ACKNOWLEDGED, ""),
        ([AMBIGUOUS, UNAVAILABLE, AMBIGUOUS, None], OperationOutcome.ACKNOWLEDGED, ""),
        ([UNAVAILABLE], OperationOutcome.REFUSED, "UNAVAILABLE"),
        ([AMBIGUOUS, ErrorResponse("NOT_FOUND")], OperationOutcome.REFUSED, "NOT_FOUND"),
    ],
)
async def test_under_a_key_what_may_have_happened_is_repeated(
    endings: list[Exception | None],
    outcome: OperationOutcome,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "REPEAT_SECONDS", 0.0)
    record = await perform(*endings, key="k")
    assert (record.outcome, record.code) == (outcome, code)
    assert record.tries == len(endings)
    assert record.response == ("{}" if outcome is OperationOutcome.ACKNOWLEDGED else "")


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_what_is_cut_off_may_have_happened(in_doubt: bool) -> None:
    records: list[HistoryRecord] = []
    client = Client("c", RunCounters(records.append), random.Random(0))
    started = asyncio.Event()
    attempts = 0

    async def act(deadline: float) -> Done:
        nonlocal attempts
        attempts += 1
        if in_doubt and attempts == 1:
            raise AMBIGUOUS
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(client.perform(1, OperationKind.NOTE, act, key="k"))
    await started.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    (record,) = records
    assert isinstance(record, ClientOperation)
    assert record.outcome is OperationOutcome.AMBIGUOUS


def test_a_response_is_its_data_or_its_first_error() -> None:
    assert read_response(b'{"data":{"a": 1}}') == '{"a": 1}'
    with pytest.raises(ErrorResponse, match="NOT_FOUND"):
        read_response(b'{"errors":[{"message":"m","extensions":{"code":"NOT_FOUND"}}],"data":null}')
    with pytest.raises(ErrorResponse, match="UNAVAILABLE"):
        read_response(b'{"errors":[{"message":"m","extensions":{"code":"UNAVAILABLE"}}]}')
