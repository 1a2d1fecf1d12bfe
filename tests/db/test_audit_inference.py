"""What an answer tells of another person's writing has an entry: over random worlds and questions.

One text of another person's is changed. Where the viewer's answer changes with it, by whatever way
(shown, counted, filtered, sorted, paged), the first answer left an entry for that person.
`POUTAMA_EXAMPLES=5000` asks that many questions.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLSchema
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from poutama.schema.directives import snake_case
from poutama.text import fold
from tests.golden.compiled import RENDERINGS
from tests.reference.engines import COMMON, FORGET, Engines, open_engines
from tests.reference.policy import Policy, Row, World
from tests.reference.school import SEARCHED
from tests.strategies.drawing import choose
from tests.strategies.hidden_ways import WAYS
from tests.strategies.questions import Asker
from tests.strategies.schools import schools

NOW = datetime.now(UTC).replace(microsecond=0)
PROBES_PER_WORLD, EDITS_PER_PROBE = 6, 4
WRITTEN = {
    "Goal": ("title", "information", "complete"),
    "GoalTask": ("information", "complete"),
    "GoalNote": ("information",),
    "Evidence": ("title", "altText"),
}


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of what a person wrote."""

    person: UUID
    kind: str
    row: Row
    field: str
    value: object


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, and changes that may show in its answer."""

    viewer: UUID
    text: str
    edits: list[Edit]


@st.composite
def probes(
    draw: DrawFn, schema: GraphQLSchema, world: World, pairs: list[tuple[UUID, UUID]]
) -> Probe:
    """A question of a viewer who sees what another person wrote."""
    viewer, person = choose(draw, *pairs)
    asker = Asker(draw, schema, world)
    way = choose(draw, "", *WAYS)
    assert schema.query_type is not None
    text = asker.fill(way, person) if way else asker.selection(schema.query_type, 0)
    theirs = [each for each in written_rows(world) if (viewer, each[0]) in pairs]
    policy = Policy(world, viewer, NOW)
    # Hidden rows are edited, too, but a change that can show tells more.
    shown = [each for each in theirs if policy.may_see(each[1], each[2])]
    rows = choose(draw, shown, shown, theirs) or theirs
    return Probe(
        viewer, text, [draw_edit(draw, *choose(draw, *rows)) for _ in range(EDITS_PER_PROBE)]
    )


def draw_edit(draw: DrawFn, person: UUID, kind: str, row: Row) -> Edit:
    field = choose(draw, *WRITTEN[kind])
    before = row[field]
    value: Any = not before if isinstance(before, bool) else choose(draw, "zz", "a", "", "Āe")
    return Edit(person, kind, row, field, value)


def find_pairs(world: World) -> list[tuple[UUID, UUID]]:
    """Viewers, each with another person whose goals they see."""
    people = [row["id"] for row in world["Person"]]
    authors = {row["personId"] for row in world["Goal"]}
    return [
        (viewer, person)
        for viewer in people
        for person in people
        if person != viewer
        and person in authors
        and Policy(world, viewer, NOW).may_see_goals_of(person)
    ]


def written_rows(world: World) -> list[tuple[UUID, str, Row]]:
    """What people wrote of their goals: whose it is, the type, and the row."""
    owners = {row["id"]: row["personId"] for row in world["Goal"]}
    return [
        (owners[goal], kind, row)
        for kind in WRITTEN
        for row in world[kind]
        if (goal := row["id"] if kind == "Goal" else row["goalId"]) is not None
    ]


@pytest.fixture(scope="module")
def engines(database_url: str) -> Iterator[Engines]:
    with open_engines(database_url) as engines:
        yield engines


def test_what_an_answer_tells_of_another_leaves_an_entry(
    engines: Engines, examples: int | None
) -> None:
    tally: Counter[str] = Counter()
    schema = engines.model.schema
    worlds = -(-(examples or 960) // PROBES_PER_WORLD)

    @settings(COMMON, phases=[Phase.generate], max_examples=worlds, derandomize=examples is None)
    @given(schools(NOW), st.integers(0, 2**32 - 1))
    def in_world(world: World, number: int) -> None:
        engines.fill(world)
        pairs = find_pairs(world)
        if not pairs:
            return
        renderings = cycle(RENDERINGS)

        # Drawn apart: a world takes most of what Hypothesis draws for one example.
        @seed(number)
        @settings(COMMON, phases=[Phase.generate], max_examples=PROBES_PER_WORLD)
        @given(probes(schema, world, pairs))
        def probe_world(probe: Probe) -> None:
            if "progress" not in probe.text:  # sums over a group are not written down
                try_probe(engines, probe, next(renderings), tally)

        probe_world()

    in_world()
    print("\n", dict(tally))
    assert tally["READ"] > worlds / 32


TOLD_OF = {"Membership": ("personId", "childId"), "Job": ("personId", "subjectId")}
"""Types whose rows tell of several persons, and the fields that name them."""
SHOW_THEM = (
    "{ me { memberships { id } } jobs { id } groups { members { id } }"
    " organisations { memberships { id } jobsConnection { nodes { id } } } }"
)


def test_each_person_of_whom_a_shown_row_tells_has_an_entry(
    engines: Engines, examples: int | None
) -> None:
    """And no other, over random worlds; of the viewer's own rows, only the other persons."""
    tally: Counter[str] = Counter()
    worlds = -(-(examples or 240) // 12)

    @settings(COMMON, phases=[Phase.generate], max_examples=worlds, derandomize=examples is None)
    @given(schools(NOW))
    def in_world(world: World) -> None:
        engines.fill(world)
        for number, person in enumerate(world["Person"]):
            viewer = person["id"]
            probe = Probe(viewer, SHOW_THEM, [])
            answer, entries = ask(engines, RENDERINGS[number % 2], probe)
            shown = set(re.findall(r'"id":"([0-9a-f-]+)"', answer.decode()))
            expected = {
                (row[field], kind)
                for kind, fields in TOLD_OF.items()
                for row in world[kind]
                if str(row["id"]) in shown
                for field in fields
                if row[field] not in (None, viewer)
            }
            assert {key for key in entries if key[1] in TOLD_OF} == expected
            tally.update(kind for _, kind in expected)

    in_world()
    print("\n", dict(tally))
    assert min(tally[kind] for kind in TOLD_OF) > worlds / 4


def try_probe(engines: Engines, probe: Probe, rendering: str, tally: Counter[str]) -> None:
    """Ask, change a text of another's, ask again."""
    answer, entries = ask(engines, rendering, probe)
    for edit in probe.edits:
        write(engines, edit, edit.value)
        changed, _ = ask(engines, rendering, probe)
        write(engines, edit, edit.row[edit.field])
        if changed != answer:
            about = (edit.person, "Evidence" if edit.kind == "Evidence" else "Goal")
            assert about in entries, f"{probe.viewer} asks {probe.text}\n{edit}\n{answer!r}"
            tally[entries[about]] += 1


def ask(
    engines: Engines, rendering: str, probe: Probe
) -> tuple[bytes, dict[tuple[UUID, str], str]]:
    """The answer, and its entries' actions by person and kind."""
    deadline = time.monotonic() + 60
    engines.runner.run(engines.database.write(FORGET, deadline=deadline))
    body = engines.ask(rendering, probe.text, probe.viewer)
    rows = engines.runner.run(
        engines.database.read(
            "select subject_id, kind, action, organisation_id from audit_entry"
            " where at > now() - interval '1 day'",
            deadline=deadline,
        )
    )
    alike = {(row[0], row[1], row[3]) for row in rows}
    assert len(alike) == len(rows), "one entry a person, kind, organisation and operation"
    return body, {(row[0], row[1]): row[2] for row in rows}


def write(engines: Engines, edit: Edit, value: object) -> None:
    table, column = engines.model.entities[edit.kind].table, snake_case(edit.field)
    values, cells = [value], f"{column} = $1"
    if edit.field in SEARCHED.get(edit.kind, ()):
        assert isinstance(value, str)
        values, cells = [value, fold(value)], f"{cells}, {column}_search = $2"
    engines.runner.run(
        engines.database.write(
            f"update {table} set {cells} where id = ${len(values) + 1}",
            [*values, edit.row["id"]],
            deadline=time.monotonic() + 60,
        )
    )
