"""Any viewer changes anything: what happens is what the records of `tests.features` say, no more.

Hypothesis draws mutations of every kind, by people of every role, over schools with memberships
that have ended or were never accepted. Allowed or refused, the rows of the whole database
afterwards, and what the payload shows are compared with plain Python, in both renderings.
`POUTAMA_EXAMPLES=5000` draws that many.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any
from uuid import UUID

import pytest
from graphql import parse, validate
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from poutama.schema.scalars import print_date_time
from tests.features import mutation_records
from tests.golden.compiled import RENDERINGS
from tests.reference import school
from tests.reference.changes import Done, Refused, do
from tests.reference.engines import COMMON, Engines, open_engines
from tests.reference.policy import Policy, Row, World
from tests.reference.rights import any_person
from tests.reference.school import VisibleRow
from tests.strategies.changes import AskedChange, changes
from tests.strategies.schools import schools
from tests.strategies.smaller_schools import reduce_school

NOW = datetime.now(UTC).replace(microsecond=0)
MUTATIONS_PER_WORLD, CHANGES_PER_MUTATION = 2, 6


@pytest.fixture(scope="module")
def engines(database_url: str) -> Iterator[Engines]:
    with open_engines(database_url) as engines:
        yield engines


RARELY_DONE = {
    "acceptPrivacyRequest", "refusePrivacyRequest", "checkRosterImport", "applyRosterImport",
    "deleteGroup", "claimAccount",
}  # fmt: skip
"""What few worlds have the rows for; `test_mutation_roles` carries each of them out, and
`test_account_codes` the claims."""


def test_every_change_is_what_the_policy_allows(engines: Engines, examples: int | None) -> None:
    tally: Counter[str] = Counter()
    turns = -(-(examples or 600) // CHANGES_PER_MUTATION)
    mutations = cycle(engines.model.mutations)

    @settings(
        COMMON,
        phases=[Phase.generate],
        max_examples=-(-turns // MUTATIONS_PER_WORLD),
        derandomize=examples is None,
    )
    # Only a group to which no person ever belonged can be deleted.
    @given(schools(NOW, unused_groups=True), st.integers(0, 2**32 - 1))
    def in_world(world: World, number: int) -> None:
        for mutation in islice(mutations, MUTATIONS_PER_WORLD):
            in_turn(engines, tally, world, number, mutation)

    in_world()
    done = {name for name in engines.model.mutations if tally[f"{name} done"]}
    refused = {name for name in engines.model.mutations if tally[f"{name} NOT_FOUND"]}
    print("\n", dict(sorted(tally.items())))
    # Chance leaves out one or the other; one in ten it must not.
    assert set(engines.model.mutations) >= RARELY_DONE
    assert len(set(engines.model.mutations) - done - RARELY_DONE) <= len(done) // 10
    restricted = {name for name, each in mutation_records().items() if each.may is not any_person}
    assert len(restricted - refused) <= 2
    assert tally["BAD_USER_INPUT"] < tally["done"]


def in_turn(
    engines: Engines, tally: Counter[str], world: World, number: int, mutation: str
) -> None:
    """Draw changes of one kind in one world, and tell the smallest that is answered otherwise."""
    failed: list[AskedChange] = []

    @seed(number)
    @settings(COMMON, phases=[Phase.generate, Phase.shrink], max_examples=CHANGES_PER_MUTATION)
    @given(changes(engines.model.schema, world, NOW, mutation))
    def change(asked: AskedChange) -> None:
        if difference(engines, world, asked, tally):
            failed.append(asked)
            raise AssertionError

    try:
        change()
    except AssertionError:
        if not failed:
            raise
        fail(engines, world, failed[-1])


def difference(
    engines: Engines, world: World, asked: AskedChange, tally: Counter[str] | None = None
) -> str:
    """How what happens differs from what the policy says; empty if it does not."""
    text = asked.document(engines.model.schema)
    assert validate(engines.model.schema, parse(text)) == [], text
    expected, code = world, ""
    done: list[Done] = []
    try:
        expected, done = do(world, asked.viewer, NOW, list(asked.steps), mutation_records())
    except Refused as refusal:
        code = str(refusal)
    if tally is not None:
        tally.update([code or "done", *(f"{s.mutation} {code or 'done'}" for s in asked.steps)])
        tally.update(codes_of(asked, done))
    variables = {f"i{number}": plain(each) for number, each in enumerate(asked.values)}
    for rendering in RENDERINGS:
        engines.fill(world)
        try:
            body = json.loads(engines.ask(rendering, text, asked.viewer, variables, asked.key))
        except Exception as error:
            return f"{rendering} raised {error!r}"
        codes = [error["extensions"]["code"] for error in body.get("errors", ())]
        if codes != [code] * bool(code):
            return f"{rendering} answered {body}, expected {code or 'no error'}"
        after = engines.read(world)
        if found := compare_worlds(world, expected, after):
            return f"{rendering} {found}"
        if found := misnamed(world, after, asked.viewer):
            return f"{rendering} {found}"
        if asked.deep and not code:
            found = compare_payload(engines, asked, done[0], world, after, body["data"])
            if found:
                return f"{rendering} {found}"
    return ""


def codes_of(asked: AskedChange, done: list[Done]) -> Iterator[str]:
    """Why inputs of mutations of several were refused, each with its mutation."""
    for step, one in zip(asked.steps, done, strict=False):
        codes = (each for each in one.results or () if isinstance(each, str))
        yield from (f"{step.mutation} {each}" for each in codes)


def compare_worlds(before: World, expected: World, after: World) -> str:
    """How the rows differ; ids and moments that are new count as alike."""
    known = set(values_of(before))
    for kind in before:
        lines = [
            sorted(str(normalize(row, known)) for row in rows if not is_read(kind, row, known))
            for rows in (expected[kind], after[kind])
        ]
        if lines[0] != lines[1]:
            missing, added = (sorted(set(a) - set(b)) for a, b in (lines, lines[::-1]))
            return f"{kind}: missing {missing}, instead {added}"
    return ""


def misnamed(before: World, after: World, viewer: UUID) -> str:
    """The first new entry about another that names no organisation which the viewer is in."""
    known = {row["id"] for row in before["AuditEntry"]}
    now = datetime.now(UTC) + timedelta(minutes=1)
    policies = [Policy(before, viewer, NOW), Policy(after, viewer, now)]
    for row in after["AuditEntry"]:
        belongs = any(policy.belongs_to(row["organisationId"]) for policy in policies)
        # No viewer has a right to a person who was not there before.
        others = row["subjectId"] not in (None, viewer, row["rowId"])
        # Of the viewer's own row that tells of another: the row's, or none without a right.
        mine = {
            each["organisationId"]
            for kind in ("Job", "Membership", "OpenedRecord")
            for each in after[kind]
            if viewer in (each["personId"], each.get("childId"), each.get("openerId"))
            # A child who ends a caregiver's membership ends the consent to it.
            if row["kind"] in (kind, {"Membership": "Consent"}.get(kind))
        }
        own = row["organisationId"] in mine
        # A decision about an address also ends what other organisations have offered to it.
        decided = {each["personId"] for each in after["AddressConflict"] if each["decidedAt"]}
        own = own or any(
            each["id"] == row["rowId"] and each["personId"] in decided
            for each in after["Membership"]
        )
        if row["organisationId"] is None:
            seen = any(policy.may_see_person(row["subjectId"]) for policy in policies)
            own = (own or bool(mine)) and not seen
        if row["id"] not in known and others and not (belongs or own):
            return f"AuditEntry: expected an organisation of the viewer's, got {row}"
        if row["id"] not in known and row["actorRole"] not in roles_in(policies, row):
            return f"AuditEntry: expected a role of the viewer's there, got {row}"
    return ""


def roles_in(policies: list[Policy], entry: Row) -> set[str | None]:
    """In which roles the viewer may have acted, before or after."""
    found: set[str | None] = {
        role
        for policy in policies
        for role in policy.roles_towards(entry["subjectId"], entry["organisationId"])
    }
    # No role where a right has ended, or was none: one's own row that tells of another.
    return found or {None}


def normalize(row: Row, known: set[object]) -> list[tuple[str, Any]]:
    """A row in which whatever was made anew is called so."""
    found: list[tuple[str, Any]] = []
    for name, value in sorted(row.items()):
        match name, value:
            case (("organisationId" | "organisationName" | "actorRole"), _) if "actorId" in row:
                continue  # `misnamed` looks at them
            case _, UUID() | datetime() if value not in known:
                found.append((name, "new"))
            case (
                ("joinCode" | "stem" | "uploadKey" | "notice" | "receiptCode"),
                str(),
            ) if value not in known:
                found.append((name, "new"))
            case "input", str():
                parts = json.loads(value).items()
                found.append((name, sorted((k, v if v in known else "new") for k, v in parts)))
            case "uploadForm" | "downloadUrl" | "thumbnailUrl" | "resultUrl", _:
                continue
            case _:
                found.append((name, value))
    return found


def values_of(world: World) -> Iterator[object]:
    for rows in world.values():
        for row in rows:
            yield str(row["id"])
            yield from (value for value in row.values() if not isinstance(value, dict))


def is_read(kind: str, row: Row, known: set[object]) -> bool:
    """Whether this is a new entry of a read: what a payload reads has a test of its own."""
    return kind == "AuditEntry" and row["action"] in ("READ", "SEARCH") and row["at"] not in known


def compare_payload(
    engines: Engines, asked: AskedChange, done: Done, before: World, after: World, data: Any
) -> str:
    """How the payload differs from what the viewer may see of the rows as they are now."""
    schema = engines.model.schema
    document = parse(asked.document(schema))
    # What the payload itself has read is written down with it, and not in it.
    known = set(values_of(before))
    entries = [each for each in after["AuditEntry"] if not is_read("AuditEntry", each, known)]
    after = {**after, "AuditEntry": entries}
    # What began a moment ago has begun.
    policy = Policy(after, asked.viewer, datetime.now(UTC) + timedelta(minutes=1))
    variables = {"i0": plain(asked.values[0])}

    def expect(one: Done | str) -> list[Row]:
        """The answers that are equally right, where this is what it did."""
        if isinstance(one, str):
            return [school.answer_change(schema, document, policy, variables, one, {})]
        values = {**one.values, **find_parents(one, policy, after)}
        return [
            school.answer_change(
                schema, document, policy, variables, VisibleRow(one.kind, row, policy), values
            )
            for row in changed_rows(one, before, after)
        ]

    if done.results is None:
        pairs = [(data, expect(done))]
    else:
        results = data["f0"]["results"]
        if len(results) != len(done.results):
            return f"answered {len(results)} results, expected {len(done.results)}"
        pairs = [
            ({"f0": {"results": [with_any_words(result)]}}, expect(one))
            for result, one in zip(results, done.results, strict=True)
        ]
    for shown, expected in pairs:
        if all(json.dumps(each) != json.dumps(shown) for each in expected):
            return f"answered {json.dumps(shown)}\nexpected {json.dumps(expected)}"
    return ""


def find_parents(done: Done, policy: Policy, after: World) -> Row:
    """What a deleted row belonged to, as far as the viewer still sees it."""
    return {
        name: next(
            (
                VisibleRow(kind, row, policy)
                for row in after[kind]
                if row["id"] == id_ and policy.may_see(kind, row)
            ),
            None,
        )
        for name, (kind, id_) in done.parents.items()
    }


def with_any_words(result: Row) -> Row:
    """A result without what its error says: the code alone is compared."""
    return {
        name: {key: school.ANY if key.startswith(("message", "field")) else part
               for key, part in value.items()}
        if name.startswith("error") and value is not None
        else value
        for name, value in result.items()
    }  # fmt: skip


def changed_rows(done: Done, before: World, after: World) -> list[Row]:
    """The rows that a payload may be about: those that were named, else what is new, else gone."""
    rows = after[done.kind]
    known = {row["id"] for row in before[done.kind]}
    named = [row for row in rows if row["id"] in done.ids]
    return (
        named
        or [row for row in before[done.kind] if row["id"] in done.ids]
        or [row for row in rows if row["id"] not in known]
    )


def fail(engines: Engines, world: World, asked: AskedChange) -> None:
    """Fail with the smallest world that shows it."""

    def fails(less: World) -> bool:
        found = any(row["id"] == asked.viewer for row in less["Person"])
        return found and bool(difference(engines, less, asked))

    small = reduce_school(world, fails)
    rows = "\n".join(f"{kind} {row}" for kind, found in small.items() for row in found)
    codes = difference(engines, small, asked)
    pytest.fail(f"{asked}\n{codes}\n{rows}", pytrace=False)


def plain(value: Any) -> Any:
    """The input as JSON has it."""
    match value:
        case dict():
            return {name: plain(part) for name, part in value.items()}
        case list():
            return [plain(part) for part in value]
        case UUID():
            return str(value)
        case datetime():
            return print_date_time(value)
    return value
