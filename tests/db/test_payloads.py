"""A mutation's payload shows what a query shows right after it: no more, by whatever relation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, get_named_type

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sample_people import fill, viewer_for
from tests.db.test_mutation_roles import document, resolve, shown_by, variables_of
from tests.features import missing_shown, mutation_cases, shown_types
from tests.features.record import Caller, Case, MutationRecord
from tests.features.sample import id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient

# The limits have tests of their own.
UNLIMITED: dict[str, Any] = {
    item.name: 10**9 for item in fields(Settings) if item.name.startswith("max_")
}


def payload_of(mutation: str) -> dict[str, str]:
    """The payload's fields that are rows, and their types."""
    fields = shown_by(mutation).fields.items()
    kinds = {name: get_named_type(part.type) for name, part in fields if name != "error"}
    return {name: kind.name for name, kind in kinds.items() if isinstance(kind, GraphQLObjectType)}


ALLOWED = [
    pytest.param(
        record, case, caller, rendering, id=f"{record.name}: {case.about}, {caller}-{rendering}"
    )
    for record, case in mutation_cases()
    for caller in Caller
    if caller in case.allowed and payload_of(record.name)
    # Both renderings of what several inputs are answered with: `test_bulk`, `test_changes`.
    for rendering in (RENDERINGS[:1] if record.single else RENDERINGS)
]


def test_of_every_payload_it_is_known_what_it_may_show() -> None:
    missing = [
        missing_shown(name, kind)
        for name in load_model().mutations
        for kind in payload_of(name).values()
        if kind not in shown_types()
    ]
    assert not missing, "\n".join(missing)


@pytest.fixture(scope="module")
def clients(engine_database: Database) -> dict[str, EngineClient]:
    """Engines that keep their plans, one for each rendering."""
    found = {rendering: EngineClient(engine_database, rendering) for rendering in RENDERINGS}
    for rendering, client in found.items():
        settings = Settings(rendering=rendering, **UNLIMITED)
        client.engine = Engine(load_model(), engine_database, settings, load_features().procedures)
    return found


@pytest.mark.parametrize(("record", "case", "caller", "rendering"), ALLOWED)
async def test_a_payload_shows_no_more_than_a_query(
    engine_database: Database,
    clients: dict[str, EngineClient],
    record: MutationRecord,
    case: Case,
    caller: Caller,
    rendering: str,
) -> None:
    await fill(engine_database)
    viewer = viewer_for(caller)
    assert viewer is not None
    client = clients[rendering]
    kinds = payload_of(record.name)
    text = showing_all(record)
    variables = variables_of(resolve(case.input, id_of))
    (payload,) = (await client.ask(text, viewer, **variables)).values()
    (payload,) = payload.get("results", [payload])
    for name, kind in kinds.items():
        rows = await find_rows(client, viewer, kind, UUID(payload[name]["id"]))
        assert rows, "the payload shows a row that no query leads to"
        assert all(row == payload[name] for row in rows), json.dumps([payload, rows])


def showing_all(record: MutationRecord) -> str:
    """The mutation, with all that its payload may show."""
    kinds = payload_of(record.name)
    shown = " ".join(f"{name} {shown_types()[kind].selected}" for name, kind in kinds.items())
    return document(record.name, shown)


async def find_rows(client: EngineClient, viewer: Viewer, kind: str, row: UUID) -> list[Any]:
    """The row, by every way that a query leads to it."""
    shown = shown_types()[kind]
    way = shown.ways.replace("%", shown.selected)
    variables = {
        name: str(value)
        for name, value in (("id", row), ("goal", id_of("goal")))
        if f"${name}" in way
    }
    defined = ", ".join(f"${name}: UUID!" for name in variables)
    data = await client.ask(f"query ({defined}) {{ {way} }}", viewer, **variables)
    return [found for found in rows_in(data, str(row)) if found.keys() == keys_of(kind)]


def keys_of(kind: str) -> set[str]:
    """The fields that stand on the first level of what is selected."""
    found, depth = set[str](), 0
    for word in shown_types()[kind].selected.split():
        depth += {"{": 1, "}": -1}.get(word, 0)
        if depth == 1 and word not in "{}":
            found.add(word)
    return found


def rows_in(data: Any, row: str) -> Iterator[dict[str, Any]]:
    match data:
        case dict():
            if data.get("id") == row:
                yield data
            for part in data.values():
                yield from rows_in(part, row)
        case list():
            for part in data:
                yield from rows_in(part, row)
