"""What every statement cost: in the log and as spans, never with a value."""

from __future__ import annotations

import logging
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from poutama.db.connection import Database
from tests.db.sessions import Open, soon


async def test_traces_reach_the_log_without_values(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "poutama.db"):
        await database.read("SELECT $1::text", ("secret",), deadline=soon(), name="whisper")
    record = caplog.records[0]
    fields = vars(record)["statement"]
    assert fields["name"] == "whisper"
    assert (fields["rows"], fields["tries"], fields["outcome"]) == (1, 1, "ok")
    assert fields["milliseconds"] > 0
    assert "secret" not in str(vars(record))


async def test_traces_become_spans_without_values(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    monkeypatch.setattr("opentelemetry.trace.get_tracer", provider.get_tracer)
    database = open_database(database_traces=True)
    await database.read("SELECT $1::text", ("secret",), deadline=soon(), name="whisper")
    [span] = exported.get_finished_spans()
    assert span.name == "whisper"
    assert span.attributes is not None
    assert span.attributes["poutama.db.rows"] == 1
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time > span.start_time
    assert "secret" not in span.to_json()


async def test_spans_that_cannot_be_made_are_done_without(
    open_database: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    database = open_database(database_traces=True)
    for _ in range(2):
        await database.read("SELECT 1", deadline=soon())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
