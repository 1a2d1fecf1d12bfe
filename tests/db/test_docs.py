"""What `docs/graphql.md` and `docs/compiler.md` show is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from poutama.features import load_model
from poutama.plan.operation import GraphQLRequest
from tests.golden.compiled import compile_request
from tests.golden.engine_client import EngineClient
from tests.golden.outline import outline

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ERROR = re.compile(r"^\| `(.+)` \| `([A-Z_]+)` \| (.+) \|$", re.MULTILINE)


def blocks(page: str, *languages: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return [block for language, block in BLOCK.findall(text) if language in languages]


@pytest.mark.parametrize("document", blocks("graphql.md", "graphql"))
def test_every_document_fits_the_schema(document: str) -> None:
    assert validate(load_model().schema, parse(document)) == []


ERRORS = ERROR.findall((DOCS / "graphql.md").read_text("utf-8"))


def test_there_are_errors_by_example() -> None:
    assert len(ERRORS) >= 8


@pytest.mark.parametrize(("document", "code", "message"), ERRORS)
async def test_every_error_is_told_as_written(
    client: EngineClient, document: str, code: str, message: str
) -> None:
    _, error = await client.fail(document)
    assert (error["extensions"]["code"], error["message"]) == (code, message)


SEEN = {"task": "7a540000-0000-4000-8000-000000000002", "seen": 3}
READ, WRITE = (
    compile_request(GraphQLRequest(document, variables=SEEN))
    for document in blocks("compiler.md", "graphql")
)


def test_the_plans_in_the_walk_are_real() -> None:
    shown = [text.strip() for text in blocks("compiler.md", "text")]
    assert shown == ["\n".join(outline(compiled.plan)) for compiled in (READ, WRITE)]


def test_the_statements_in_the_walk_are_real() -> None:
    real = [
        READ.statements["json"][0],
        READ.statements["rows"][0],
        WRITE.statements["json"][0],
    ]
    # Wrapped for reading; spaces are all that may differ.
    assert [squeeze(text) for text in blocks("compiler.md", "sql")] == [
        squeeze(statement.text) for statement in real
    ]


def squeeze(text: str) -> str:
    return "".join(text.split())
