"""One client of a chaos run: does an operation, and records its outcome.

`chaos.workload` says what operations do. A client under an idempotency key is as stubborn as a
good client is: it repeats what may have happened until a response acknowledges it. Every outcome is
recorded, also that the run ended before there was a response.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import msgspec

from poutama.chaos.counters import RunCounters
from poutama.chaos.history import ClientOperation, OperationKind, OperationOutcome
from poutama.errors import (
    AmbiguousCommit,
    DeadlineExceededError,
    PoutamaError,
    TransactionMisuseError,
    UnavailableError,
)

DEADLINES = (0.3, 2.0, 10.0, 10.0)
"""Seconds an attempt may take, drawn at random: the hasty are refused, the patient get through."""
REPEAT_SECONDS = 0.3
_PASSING = frozenset({UnavailableError.code, DeadlineExceededError.code})


class Execute(Protocol):
    """Runs a GraphQL operation as a person; returns the response body."""

    async def __call__(
        self,
        document: str,
        variables: Mapping[str, object],
        *,
        person: UUID,
        deadline: float,
        key: str | None = None,
    ) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Done:
    """What an acknowledged operation answered."""

    data: str = ""
    version: int | None = None
    present: bool | None = None


class ErrorResponse(Exception):  # noqa: N818  an outcome, not a fault
    """The response has errors; `code` is the first one's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class OperationResult:
    """How an operation ended."""

    outcome: OperationOutcome = OperationOutcome.AMBIGUOUS
    code: str = "CUT_OFF"
    tries: int = 1
    done: Done = Done()


Act = Callable[[float], Awaitable[Done]]
"""One attempt at an operation, given its deadline."""


class Client:
    """Does operations one after the other."""

    def __init__(self, name: str, counters: RunCounters, chance: random.Random) -> None:
        self.name = name
        self._counters = counters
        self._chance = chance

    async def perform(
        self, number: int, kind: OperationKind, act: Act, *, subject: str = "", key: str = ""
    ) -> Done | None:
        """Do the operation and record it; None where it was not acknowledged."""
        ending = OperationResult()
        start = self._counters.now()
        try:
            await self._until_known(act, ending, repeatable=bool(key))
        finally:
            self._counters.record(
                ClientOperation(
                    number=number,
                    client=self.name,
                    kind=kind,
                    start=start,
                    end=self._counters.now(),
                    outcome=ending.outcome,
                    code=ending.code,
                    subject=subject,
                    key=key,
                    tries=ending.tries,
                    version=ending.done.version,
                    present=ending.done.present,
                    response=ending.done.data if key else "",
                )
            )
        return ending.done if ending.outcome is OperationOutcome.ACKNOWLEDGED else None

    async def _until_known(self, act: Act, ending: OperationResult, *, repeatable: bool) -> None:
        """Try once, or as often as a key allows; cancelled, it leaves the ending ambiguous."""
        in_doubt = False
        while True:
            await self._try(act, ending)
            in_doubt = in_doubt or ending.outcome is OperationOutcome.AMBIGUOUS
            passing = ending.outcome is OperationOutcome.AMBIGUOUS or ending.code in _PASSING
            if not (repeatable and in_doubt and passing):
                return
            ending.outcome = OperationOutcome.AMBIGUOUS
            await asyncio.sleep(self._chance.uniform(0.0, REPEAT_SECONDS))
            ending.tries += 1

    async def _try(self, act: Act, ending: OperationResult) -> None:
        try:
            deadline = time.monotonic() + self._chance.choice(DEADLINES)
            ending.done = await act(deadline)
        except ErrorResponse as response:
            ambiguous = response.code == AmbiguousCommit.code
            ending.outcome = OperationOutcome.AMBIGUOUS if ambiguous else OperationOutcome.REFUSED
            ending.code = response.code
        except AmbiguousCommit as error:
            ending.outcome, ending.code = OperationOutcome.AMBIGUOUS, error.code
        except TransactionMisuseError as error:
            ending.outcome, ending.code = OperationOutcome.UNEXPECTED, type(error).__name__
        except PoutamaError as error:
            ending.outcome = OperationOutcome.REFUSED
            ending.code = " ".join(filter(None, [error.code, getattr(error, "sqlstate", None)]))
        except Exception as error:  # recorded, and the verdict is spoilt by it
            ending.outcome, ending.code = OperationOutcome.UNEXPECTED, type(error).__name__
        else:
            ending.outcome, ending.code = OperationOutcome.ACKNOWLEDGED, ""


class _Response(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"")
    errors: list[dict[str, Any]] = []


def read_response(body: bytes) -> str:
    """The response's data, as text.

    Raises:
        Told: it has errors.
    """
    response = msgspec.json.decode(body, type=_Response)
    if response.errors:
        raise ErrorResponse(str(response.errors[0]["extensions"]["code"]))
    assert bytes(response.data), "a response has errors or data"
    return bytes(response.data).decode()
