"""Any viewer asks anything: none sees what `tests.reference.policy` does not allow.

Both renderings answer exactly what plain resolvers over the same policy answer, whether they list,
count, filter, sort, page or ask by id. `POUTAMA_EXAMPLES=5000` asks that many questions, different
ones each time; the ordinary suite always asks the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLInputObjectType, parse, validate
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from poutama.features import load_model
from tests.golden.compiled import RENDERINGS
from tests.reference import school
from tests.reference.engines import COMMON, Engines, open_engines
from tests.reference.policy import Policy, Row, World
from tests.reference.schema_coverage import askable_fields, asked_fields
from tests.strategies.questions import questions
from tests.strategies.schools import schools
from tests.strategies.smaller_schools import reduce_school
from tests.strategies.sweeps import sweep

NOW = datetime.now(UTC).replace(microsecond=0)
QUESTIONS_PER_WORLD = 8


@pytest.fixture(scope="module")
def engines(database_url: str) -> Iterator[Engines]:
    with open_engines(database_url) as engines:
        yield engines


def test_every_answer_is_what_the_policy_allows(engines: Engines, examples: int | None) -> None:
    tally: Counter[str] = Counter()
    asked: set[str] = set()
    worlds = -(-(examples or 400) // QUESTIONS_PER_WORLD)

    # What fails is made small: the question by hypothesis, the world by `fail`.
    @settings(COMMON, phases=[Phase.generate], max_examples=worlds, derandomize=examples is None)
    @given(schools(NOW), st.integers(0, 2**32 - 1))
    def in_world(world: World, number: int) -> None:
        engines.fill(world)
        ask_everything(engines, world, tally)
        asked.update(asked_fields(engines.model.schema, parse(sweep(world))))
        failed: list[tuple[UUID, str]] = []

        @seed(number)
        @settings(COMMON, phases=[Phase.generate, Phase.shrink], max_examples=QUESTIONS_PER_WORLD)
        @given(questions(engines.model.schema, world, NOW))
        def ask(question: tuple[UUID, str]) -> None:
            asked.update(asked_fields(engines.model.schema, parse(question[1])))
            if difference(engines, world, *question, tally):
                failed.append(question)
                raise AssertionError

        try:
            ask()
        except AssertionError:
            if not failed:
                raise
            fail(engines, world, *failed[-1])

    in_world()
    missed = (askable := askable_fields(engines.model.schema)) - asked
    print("\n", dict(tally), f"{len(missed)} of {len(askable)} fields missed: {missed}")
    # Chance leaves out one or the other; whole types it must not.
    assert len(missed) < len(askable) / 3
    assert whole_types(askable) <= types(asked)
    assert tally["rows"] > tally["questions"]
    assert {name for name, times in tally.items() if times} >= SEEN
    assert find_seldom(tally) == set()


def ask_everything(engines: Engines, world: World, tally: Counter[str]) -> None:
    """Have each person list all that they see."""
    for person in world["Person"]:
        if difference(engines, world, person["id"], sweep(world)):
            fail(engines, world, person["id"], sweep(world))
        # Of all people of all worlds: who asks a random question is too much a matter of luck.
        count_rights(tally, Policy(world, person["id"], NOW))
        tally["lost as the student left"] += count_lost(world, person["id"])
        tally["notes for fewer"] += count_hidden_notes(world, person["id"])


def whole_types(fields: set[str]) -> set[str]:
    return {name for name in types(fields) if not name.endswith(("Filter", "Edge"))}


def types(fields: set[str]) -> set[str]:
    return {name.split(".")[0] for name in fields}


SEEN = {
    *("hidden", "hidden from a leader", "seen as MENTOR", "seen as OPENER", "seen as CAREGIVER"),
    *("lost as the student left", "notes for fewer"),
}
"""What must happen often: that another's goal is hidden, or seen for one reason alone; and that a
note is hidden from one who sees its goal, which changes what that person lists.
"""
TOLD_BY = {
    "audiences of goals": 2,
    "organisations of goals": 1,
}
"""How many answers in a hundred depend on it, at least: else their comparison shows nothing."""


def find_seldom(tally: Counter[str]) -> set[str]:
    """What too few answers depend on."""
    return {
        name
        for name, percent in TOLD_BY.items()
        if tally[name] * 100 < tally["questions"] * percent
    }


class WithoutAudiences(Policy):
    """As if all goals of a student were for all who see some."""

    def may_see_goal(self, goal: Row) -> bool:
        return self.may_see_goals_of(goal["personId"])


class WithoutOrganisations(Policy):
    """As if no student had chosen organisations."""

    def is_shown_to(self, goal: Row, organisation: UUID) -> bool:
        return bool(goal["audience"] != "ME")


class WithoutNoteAudiences(Policy):
    """As if all notes were for all who see the goal."""

    def may_see_note(self, note: Row) -> bool:
        return any(
            self.may_see_goal(goal) for goal in self.world["Goal"] if goal["id"] == note["goalId"]
        )


class WithoutLeaving(Policy):
    """As if no student had left and returned."""

    def has_stayed(self, student: UUID, organisation: UUID, since: datetime | None) -> bool:
        return True


def count_lost(world: World, viewer: UUID) -> int:
    """Of how many students the viewer would see goals, had these not left and returned."""
    now, before = Policy(world, viewer, NOW), WithoutLeaving(world, viewer, NOW)
    return sum(
        before.may_see_goals_of(each["id"]) and not now.may_see_goals_of(each["id"])
        for each in world["Person"]
    )


def count_hidden_notes(world: World, viewer: UUID) -> int:
    """How many notes the viewer would see, were they for all who see their goal."""
    now, blind = Policy(world, viewer, NOW), WithoutNoteAudiences(world, viewer, NOW)
    return sum(
        blind.may_see_note(note) and not now.may_see_note(note) for note in world["GoalNote"]
    )


BLIND: dict[str, type[Policy]] = {
    "audiences of goals": WithoutAudiences,
    "organisations of goals": WithoutOrganisations,
}


def test_what_fewer_people_see_than_its_row_cannot_be_asked_by() -> None:
    model = load_model()
    found = {
        (entity.name, column.field)
        for entity in model.entities.values()
        for column in entity.values
        if column.restricted is not None
    }
    assert found == {
        ("Person", "email"),
        ("Goal", "organisationIds"),
        ("Group", "joinCode"),
        ("Group", "joinCodeExpiresAt"),
        ("Job", "resultUrl"),
        ("Job", "readOrganisationIds"),
        ("Membership", "applicantName"),
        ("Membership", "invitedName"),
        ("Membership", "invitedEmail"),
        ("AddressConflict", "personName"),
        ("Evidence", "uploadForm"),
    }
    for name, field in found:
        filters = model.schema.type_map[f"{name}Filter"]
        assert isinstance(filters, GraphQLInputObjectType)
        assert field not in filters.fields
        assert field not in {term.column.field for term in model.orders[f"{name}Order"].values()}


def difference(
    engines: Engines, world: World, viewer: UUID, text: str, tally: Counter[str] | None = None
) -> str:
    """How a rendering's answer differs from what the policy allows; empty if neither does."""
    document = parse(text)
    assert validate(engines.model.schema, document) == [], text
    policy = Policy(world, viewer, NOW)
    expected = school.answer(engines.model.schema, document, policy)
    if tally is not None:
        count(tally, policy, expected["data"])
        for name, other in BLIND.items():
            blind = school.answer(engines.model.schema, document, other(world, viewer, NOW))
            tally[name] += blind != expected
    for rendering in RENDERINGS:
        try:
            body = engines.ask(rendering, text, viewer)
        except Exception as error:
            return f"{rendering} raised {error!r}\nexpected {expected}"
        if in_order(body) != in_order(json.dumps(expected)):
            return f"{rendering} {body.decode()}\npolicy {json.dumps(expected, ensure_ascii=False)}"
    return ""


def fail(engines: Engines, world: World, viewer: UUID, text: str) -> None:
    """Fail with the smallest world that shows it."""

    def fails(less: World) -> bool:
        engines.fill(less)
        found = any(row["id"] == viewer for row in less["Person"])
        return found and bool(difference(engines, less, viewer, text))

    small = reduce_school(world, fails)
    engines.fill(small)
    rows = "\n".join(f"{kind} {row}" for kind, found in small.items() for row in found)
    pytest.fail(
        f"{viewer} asks {text}\n{difference(engines, small, viewer, text)}\n{rows}", pytrace=False
    )


def count(tally: Counter[str], policy: Policy, answer: Any) -> None:
    """How much was shown, and as what the viewer may see the goals of others."""
    tally.update(questions=1, rows=count_rows(answer))
    count_rights(tally, policy)


def count_rights(tally: Counter[str], policy: Policy) -> None:
    """As what the viewer may see the goals of others."""
    for student in {row["personId"] for row in policy.world["Goal"]} - {policy.viewer}:
        study = policy.current("STUDENT", of=student)
        reasons = {
            "MENTOR": any(policy.mentors(each["groupId"]) for each in study),
            "OPENER": any(policy.has_opened(student, each["organisationId"]) for each in study),
            "CAREGIVER": policy.is_caregiver_of(student),
        }
        match [reason for reason, holds in reasons.items() if holds]:
            case []:
                leads = any(policy.leads(each["organisationId"]) for each in study)
                tally["hidden from a leader" if leads else "hidden"] += 1
            case [reason]:
                tally[f"seen as {reason}"] += 1
            case _:
                tally["seen as several"] += 1


def count_rows(data: Any) -> int:
    match data:
        case dict():
            return sum(map(count_rows, data.values()))
        case list():
            return len(data) + sum(map(count_rows, data))
        case _:
            return 0


def in_order(body: bytes | str) -> Any:
    """JSON with objects as tuples of pairs, so that the order of keys counts."""
    return json.loads(body, object_pairs_hook=tuple)
