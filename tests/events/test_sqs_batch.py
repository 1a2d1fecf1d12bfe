"""SQS batches: which messages are said to have failed, and how much time each has."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from poutama.edge.gateway import UnknownEventError
from poutama.edge.invocation import Environment
from poutama.edge.sqs_batch import BatchFunction
from poutama.errors import ConfigurationError, PoutamaError, UnavailableError
from poutama.settings import Settings

RECORDED = Path(__file__).parent / "recorded"


def batch(*bodies: str) -> dict[str, Any]:
    event = json.loads((RECORDED / "sqs_batch.json").read_text(encoding="utf-8"))
    [record] = event["Records"]
    return {
        "Records": [
            {**record, "messageId": f"m{place}", "body": body} for place, body in enumerate(bodies)
        ]
    }


@dataclass(frozen=True, slots=True)
class LambdaContext:
    seconds: float = 900.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class RecordingWorker:
    """Remembers what it was asked; raises what the test says for a body."""

    errors: dict[str, Exception] = field(default_factory=dict)
    seconds: list[tuple[str, float]] = field(default_factory=list)

    def input(self) -> list[float]:
        return [seconds for _, seconds in self.seconds]

    async def handle(self, body: str, *, deadline: float) -> None:
        self.seconds.append((body, deadline - monotonic()))
        if body in self.errors:
            raise self.errors[body]


@pytest.fixture
def open_function() -> Iterator[Callable[..., BatchFunction]]:
    environment = Environment()

    def make(worker: RecordingWorker, **settings: Any) -> BatchFunction:
        return BatchFunction(worker, Settings(**settings), environment)

    yield make
    environment.close()


Opener = Callable[..., BatchFunction]


def test_a_recorded_batch_reaches_the_worker(open_function: Opener) -> None:
    worker = RecordingWorker()
    event = json.loads((RECORDED / "sqs_batch.json").read_text(encoding="utf-8"))

    assert open_function(worker)(event, LambdaContext()) == {"batchItemFailures": []}
    assert [body for body, _ in worker.seconds] == [event["Records"][0]["body"]]


def test_only_what_failed_comes_back(
    open_function: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    worker = RecordingWorker({"b": UnavailableError(), "c": ValueError("bug")})

    with caplog.at_level(logging.WARNING):
        answer = open_function(worker)(batch("a", "b", "c", "d"), LambdaContext())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}
    assert [body for body, _ in worker.seconds] == ["a", "b", "c", "d"]
    assert ["m1" in caplog.messages[0], "m2" in caplog.messages[1]] == [True, True]


def test_each_message_has_its_share_of_the_time_that_is_left(open_function: Opener) -> None:
    worker = RecordingWorker()

    open_function(worker)(batch("a", "b", "c", "d"), LambdaContext(805))

    # Each took no time, so the next one's share is larger.
    assert worker.input() == pytest.approx([200, 267, 400, 800], abs=20)


def test_no_share_is_too_short_to_begin_anything_in(open_function: Opener) -> None:
    worker = RecordingWorker()

    open_function(worker)(batch(*"abcdefghij"), LambdaContext(105))

    assert worker.input()[:2] == pytest.approx([40, 40], abs=5)


def test_a_worker_has_no_more_time_than_the_settings_allow(open_function: Opener) -> None:
    worker = RecordingWorker()

    open_function(worker, job_seconds=60.0)(batch("a"), LambdaContext())

    assert worker.input() == pytest.approx([60], abs=5)


def test_an_empty_batch_is_nothing_to_do(open_function: Opener) -> None:
    assert open_function(RecordingWorker())({"Records": []}, LambdaContext()) == {
        "batchItemFailures": []
    }


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({}, "Records"),
        ([], "array"),
        (None, "null"),
        ({"Records": None}, "$.Records"),
        ({"Records": [{"messageId": "m"}]}, "body"),
        ({"Records": [{"messageId": "m", "body": 1, "eventSource": "aws:sqs"}]}, "body"),
        ({"Records": [{"messageId": "m", "body": "x", "eventSource": "aws:s3"}]}, "aws:s3"),
        (json.loads((RECORDED / "schedule.json").read_text(encoding="utf-8")), "Records"),
        (json.loads((RECORDED / "http_api_post.json").read_text(encoding="utf-8")), "Records"),
    ],
)
def test_an_event_that_is_no_batch_is_refused_and_logged(
    event: object, says: str, open_function: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    worker = RecordingWorker()

    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(UnknownEventError, match="Not a batch of SQS"),
    ):
        open_function(worker)(event, LambdaContext())

    assert worker.seconds == []
    assert says in caplog.messages[0]
    assert "123456789012" not in caplog.messages[0]


def test_without_its_migrations_a_function_does_nothing_and_looks_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    missing: list[PoutamaError] = [
        ConfigurationError("The database lacks the migration 7."),
        UnavailableError(),
    ]

    async def check() -> None:
        if missing:
            raise missing.pop(0)

    environment = Environment(check)
    worker = RecordingWorker()
    function = BatchFunction(worker, Settings(), environment)
    event = json.loads((RECORDED / "sqs_batch.json").read_text(encoding="utf-8"))

    # WHEN a migration is missing, the whole batch comes back
    with pytest.raises(ConfigurationError):
        function(event, LambdaContext())
    assert worker.seconds == []
    assert "lacks the migration 7" in caplog.text
    # WHEN the database does not answer, the worker decides; and the next event is checked again
    assert function(event, LambdaContext()) == {"batchItemFailures": []}
    assert len(worker.seconds) == 1
    assert missing == []
    # THEN what was found in order is not checked again
    function(event, LambdaContext())
    missing.append(ConfigurationError("x"))
    function(event, LambdaContext())
    assert len(worker.seconds) == 3
    environment.close()
