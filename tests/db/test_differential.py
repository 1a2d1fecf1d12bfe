"""Whatever is asked, the engine answers what plain resolvers over the same rows answer.

Both renderings, values and order of keys, or an error from both sides. `POUTAMA_EXAMPLES=5000`
runs that many documents, different ones each time; the ordinary suite always runs the same.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from poutama.db.connection import Database
from poutama.engine import Engine, GraphQLResponse
from poutama.features import load_model
from poutama.plan.operation import GraphQLRequest
from poutama.schema.model import Model
from poutama.schema.scalars import print_date_time
from poutama.settings import Settings
from poutama.text import fold
from poutama.viewer import Viewer
from tests.reference import resolvers
from tests.reference.meter import Meter
from tests.reference.resolvers import Row, World
from tests.strategies.operations import Request, documents
from tests.strategies.reduction import reduce_request
from tests.strategies.skeletons import goals_schema
from tests.strategies.worlds import Setting, settings_of_worlds

USUALLY, DOCUMENTS_PER_WORLD = 500, 25
MAX_TURNS = 5
"""How often that many documents are asked, if there is still something that none had in it."""
RENDERINGS = ("json", "rows")
REFUSALS = {"BAD_USER_INPUT", "LIMIT_EXCEEDED", "NOT_FOUND"}
# The limits have tests of their own, save that of a list, which most lists here are within.
# A page is smaller than most lists here.
ENDLESS = 10**30
UNLIMITED = Settings(
    max_characters=ENDLESS,
    max_tokens=ENDLESS,
    max_depth=ENDLESS,
    max_fields=ENDLESS,
    max_root_fields=ENDLESS,
    max_aliases=ENDLESS,
    max_repeats=ENDLESS,
    max_cost=ENDLESS,
    max_list_rows=resolvers.LARGEST_LIST,
    default_page_size=resolvers.DEFAULT_PAGE,
)


KEYS = {"personId": "person_id", "goalId": "goal_id", "authorId": "author_id"}


@dataclass(frozen=True, slots=True)
class Engines:
    """A database that worlds are put into, and engines over it, one for each rendering."""

    model: Model
    runner: asyncio.Runner
    database: Database
    engines: dict[str, Engine]

    def fill(self, world: World) -> None:
        """Make the world's rows the only ones there are; the plans stay, as in a server."""
        self.runner.run(self._fill(world))

    def ask(self, rendering: str, request: Request, viewer: UUID) -> GraphQLResponse:
        return self.runner.run(
            self.engines[rendering].execute(
                GraphQLRequest(request.text, request.operation, request.variables),
                Viewer(viewer),
                deadline=time.monotonic() + 60,
            )
        )

    async def _fill(self, world: World) -> None:
        deadline = time.monotonic() + 60
        await self.database.write("delete from person", deadline=deadline)
        for kind, rows in world.items():
            for row in rows:
                columns = self._columns(kind, row)
                # Moments as text: the driver takes the first and last there are for infinite.
                places = ", ".join(
                    f"${number}::text::timestamptz" if name.endswith("_at") else f"${number}"
                    for number, name in enumerate(columns, 1)
                )
                await self.database.write(
                    f"insert into {self.model.entities[kind].table} ({', '.join(columns)})"
                    f" values ({places})",
                    list(columns.values()),
                    deadline=deadline,
                )

    def _columns(self, kind: str, row: Row) -> dict[str, object]:
        """The row as its table has it."""
        found: dict[str, object] = {}
        for column in self.model.entities[kind].columns:
            value = row[column.field]
            found[column.name] = print_date_time(value) if isinstance(value, datetime) else value
            if column.is_list and value is not None:
                found[column.name] = json.dumps([str(each) for each in value])
            if column.searchable:
                found[column.search_name] = fold(row[column.field])
        for key, name in KEYS.items():
            if key in row:
                found[name] = row[key]
        return found


@pytest.fixture(scope="module")
def engines(database_url: str) -> Iterator[Engines]:
    # Hypothesis runs what it is given without waiting, so the loop is one of its own.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = Database(UNLIMITED, url=database_url)
        model = load_model()
        engines = {
            rendering: Engine(model, database, replace(UNLIMITED, rendering=rendering), {})
            for rendering in RENDERINGS
        }
        yield Engines(model, runner, database, engines)
        runner.run(database.close())


def test_every_answer_is_what_plain_resolvers_answer(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, examples: int | None
) -> None:
    meter = Meter(goals_schema(engines.model.schema), monkeypatch)
    tally: Counter[str] = Counter()

    def check(setting: Setting, requests: list[Request]) -> None:
        for request in requests:
            if difference(engines, setting, request, tally):
                fail(engines, setting, request)

    for turn in range(MAX_TURNS):
        in_worlds(engines, check, examples or USUALLY, turn, always_the_same=examples is None)
        if not meter.missed():
            break
    print("\n", dict(tally))
    assert meter.missed() == []
    assert tally["rows"] > 4 * tally["requests"]
    assert tally["errors"] < tally["requests"] / 5


def in_worlds(
    engines: Engines,
    check: Callable[[Setting, list[Request]], None],
    examples: int,
    turn: int,
    *,
    always_the_same: bool,
) -> None:
    """Check this many documents, a few over each world, since a world takes long to fill."""
    common = settings(
        database=None,
        deadline=None,
        # `fail` makes what fails small, and in less time.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @settings(common, max_examples=-(-examples // DOCUMENTS_PER_WORLD), derandomize=always_the_same)
    @given(settings_of_worlds(), st.integers(0, 2**32 - 1))
    def in_world(setting: Setting, number: int) -> None:
        engines.fill(setting.world)

        @seed(number + turn)
        @settings(common, max_examples=DOCUMENTS_PER_WORLD)
        @given(documents(goals_schema(engines.model.schema), setting))
        def ask(requests: list[Request]) -> None:
            check(setting, requests)

        ask()

    in_world()


def difference(
    engines: Engines, setting: Setting, request: Request, tally: Counter[str] | None = None
) -> str:
    """How a rendering's answer differs from the resolvers'; empty if neither does."""
    schema = engines.model.schema
    document = parse(request.text)
    seen = resolvers.see(setting.world, setting.viewer)
    expected = resolvers.answer(schema, document, request.operation, request.variables, seen)
    if expected is None:
        # Only an argument may be at fault, never the document.
        assert validate(schema, document) == [], request.text
    if tally is not None:
        rows = count_rows(expected and expected["data"])
        tally.update(requests=1, rows=rows, errors=expected is None, with_rows=rows > 0)
    for rendering in RENDERINGS:
        try:
            answer = engines.ask(rendering, request, setting.viewer)
        except Exception as error:
            return f"{rendering} raised {error!r}\nexpected {expected}"
        if not agree(answer, expected):
            return f"{rendering} {answer.body.decode()}\nexpected {json.dumps(expected)}"
    return ""


def agree(answer: GraphQLResponse, expected: Row | None) -> bool:
    if expected is not None:
        return bool(in_order(answer.body) == in_order(json.dumps(expected)))
    body = json.loads(answer.body)
    codes = {error["extensions"]["code"] for error in body.get("errors", ())}
    return body.get("data") is None and set() < codes <= REFUSALS


def fail(engines: Engines, setting: Setting, request: Request) -> None:
    small = reduce_request(
        engines.model.schema, request, lambda part: bool(difference(engines, setting, part))
    )
    pytest.fail(
        f"{small.text}\n{small.operation} {small.variables}\n"
        f"{difference(engines, setting, small)}\n{setting.viewer} in {setting.world}",
        pytrace=False,
    )


def in_order(body: bytes | str) -> Any:
    """JSON with objects as tuples of pairs, so that the order of keys counts."""
    return json.loads(body, object_pairs_hook=tuple)


def count_rows(data: Any) -> int:
    match data:
        case dict():
            return sum(map(count_rows, data.values()))
        case list():
            return len(data) + sum(map(count_rows, data))
        case _:
            return 0
