"""Each document of `documents/` is planned, sent and answered as its file says, in both renderings.

`pytest tests/golden --update` writes the files anew.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.engine import Engine, GraphQLResponse
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.sql.statement import Statement
from tests.golden.compiled import RENDERINGS, Compiled, compile_request
from tests.golden.document import Golden, read_goldens, section
from tests.golden.outline import outline, show_value
from tests.golden.rows import ANA, fill, table_rows

GOLDENS = read_goldens()
SEVERAL_STATEMENTS = {
    "create_and_update_together",
    "delete_task",
    "delete_task_and_read_its_goal",
    "reorder_tasks",
    "tick_tasks",
    "update_and_read_elsewhere",
}
"""Mutations that need a transaction of several; every other document is exactly one statement."""
NO_STATEMENT = {"introspection_alone"}
EXPLAINED = {"create_note_for_another"}
"""Inserts that write nothing: another statement asks whether that was because of a quota."""
COMPILER = (
    "poutama.plan.operation.parse",
    "poutama.plan.operation.validate",
    "poutama.engine.prepare.ReadBuilder.build_query",
    "poutama.engine.prepare.WriteBuilder.build_mutation",
    "poutama.engine.prepare.rewrite_read",
    "poutama.engine.prepare.render_json",
    "poutama.engine.prepare.render_rows",
)

each_golden = pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
each_rendering = pytest.mark.parametrize("rendering", RENDERINGS)


@dataclass(frozen=True, slots=True)
class GoldenDatabase:
    """A database with the rows of `rows`, and the ways to ask it."""

    database: Database

    def engine(self, rendering: str) -> Engine:
        return Engine(
            load_model(), self.database, Settings(rendering=rendering), load_features().procedures
        )

    async def ask(
        self, engine: Engine, request: GraphQLRequest
    ) -> tuple[GraphQLResponse, list[StatementTrace]]:
        """The answer over the rows as they are at first, and what was sent for it."""
        await fill(self.database)
        traces: list[StatementTrace] = []
        with self.database.observe(traces.append):
            answer = await engine.execute(request, ANA, deadline=time.monotonic() + 60)
        return answer, traces


@pytest_asyncio.fixture(scope="module")
async def golden_database(database_url: str) -> AsyncIterator[GoldenDatabase]:
    database = Database(Settings(), url=database_url)
    yield GoldenDatabase(database)
    await database.close()


@each_golden
async def test_the_document_is_planned_sent_and_answered_as_written(
    golden_database: GoldenDatabase, golden: Golden, update: bool
) -> None:
    compiled = compile_request(golden.request)
    answers = [
        (await golden_database.ask(golden_database.engine(name), golden.request))[0]
        for name in RENDERINGS
    ]
    described = [describe_answer(golden, answer) for answer in answers]
    assert described[0] == described[1], "the renderings answer differently"
    text = golden.head + record(compiled, described[0])
    if update:
        golden.write(text)
    difference = "\n".join(
        unified_diff(golden.read().splitlines(), text.splitlines(), "written", "now", lineterm="")
    )
    assert not difference, f"{difference}\n\nIf it is meant: pytest tests/golden --update"


@each_rendering
async def test_every_document_is_exactly_one_statement(
    golden_database: GoldenDatabase, rendering: str
) -> None:
    engine = golden_database.engine(rendering)
    failed = {}
    for golden in GOLDENS:
        _, traces = await golden_database.ask(engine, golden.request)
        sent = [trace.statement for trace in traces]
        if not is_as_planned(golden, rendering, sent):
            failed[golden.name] = sent
    assert failed == {}


def is_as_planned(golden: Golden, rendering: str, sent: list[str]) -> bool:
    """Whether what was sent is the one statement that was planned, or a transaction of them."""
    statements = compile_request(golden.request).statements[rendering]
    planned = [statement.text for statement in statements]
    if golden.name in SEVERAL_STATEMENTS:
        within = "BEGIN" in sent[0] and sent[-1].endswith("COMMIT")
        return within and [text for text in sent if text in planned] == planned
    if golden.name in EXPLAINED:
        return sent[:-1] == planned and sent[-1].startswith("WITH quota_1 AS")
    return sent == planned and len(sent) == (golden.name not in NO_STATEMENT)


@each_rendering
async def test_a_second_request_compiles_nothing(
    golden_database: GoldenDatabase, rendering: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = golden_database.engine(rendering)
    first = {golden.name: await golden_database.ask(engine, golden.request) for golden in GOLDENS}
    for name in COMPILER:
        monkeypatch.setattr(name, refuse)
    failed = {}
    for golden in GOLDENS:
        answer, before = first[golden.name]
        try:
            again, after = await golden_database.ask(engine, golden.request)
        except AssertionError as compiled:
            failed[golden.name] = str(compiled)
            continue
        if describe_answer(golden, again) != describe_answer(golden, answer):
            failed[golden.name] = "answered otherwise"
        if [trace.statement for trace in after] != [trace.statement for trace in before]:
            failed[golden.name] = "sent otherwise"
    assert failed == {}
    for golden in GOLDENS:
        with pytest.raises(AssertionError, match="compiled again"):
            await golden_database.ask(
                engine, replace(golden.request, query=golden.request.query + "\n#")
            )


def refuse(*_: object, **__: object) -> Any:
    raise AssertionError("compiled again")


def record(compiled: Compiled, answer: str) -> str:
    """The recorded part of a golden document."""
    parts = [section("Plan", "text", "\n".join(outline(compiled.plan)))]
    for rendering, statements in compiled.statements.items():
        text = "\n\n".join(map(describe_statement, statements)) or "-- none"
        parts.append(section(f"SQL, rendering `{rendering}`", "sql", text))
    parts.append(section("Answer", "json", answer))
    return "".join(parts)


def describe_statement(statement: Statement) -> str:
    """The text as it is sent, and where each parameter comes from."""
    places = [f"-- ${n}: {show_value(value)}" for n, value in enumerate(statement.values, start=1)]
    return "\n".join([*places, statement.text])


UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")


def describe_answer(golden: Golden, answer: GraphQLResponse) -> str:
    """The response in its own order of keys; what each run makes anew by a name."""
    text = pretty(json.loads(answer.body))
    known = f"{table_rows()} {golden.request.query} {golden.request.variables}"
    new: dict[str, str] = {}

    def name_id(found: re.Match[str]) -> str:
        if found[0] in known:
            return found[0]
        return new.setdefault(found[0], f"<new id {len(new) + 1}>")

    def name_moment(found: re.Match[str]) -> str:
        # Nothing in the rows is later than the year they were written for.
        return "<now>" if found[0] > "2026-06" else found[0]

    return MOMENT.sub(name_moment, UUID.sub(name_id, text))


def pretty(data: Any, indent: int = 0) -> str:
    """JSON on as many lines as it needs and no more."""
    text = json.dumps(data, ensure_ascii=False)
    if len(text) + indent <= 100 or not isinstance(data, dict | list):
        return text
    pad = " " * (indent + 2)
    if isinstance(data, list):
        items = [pretty(item, indent + 2) for item in data]
        opening, closing = "[]"
    else:
        items = [f"{json.dumps(key)}: {pretty(part, indent + 2)}" for key, part in data.items()]
        opening, closing = "{}"
    return f"{opening}\n{pad}" + f",\n{pad}".join(items) + f"\n{' ' * indent}{closing}"
