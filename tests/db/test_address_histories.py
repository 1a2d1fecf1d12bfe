"""All that schools import and all who sign in: an address alone leads to no other person's data.

Random histories over two verified schools: rosters whose rows share few addresses, sign-ins of
several subjects of two issuers, leavers, decisions of administrators, and time. What a subject
wrote is read by that subject, by those whom an administrator declared to be the same person, and by
the teachers of the classes that the person's own row is in; by no one else. `POUTAMA_EXAMPLES=500`
plays so many histories, different ones each time.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poutama.db.connection import Database
from poutama.db.identity import SignIn, find_person
from poutama.errors import ForbiddenError
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.roster_importer import APPLY, CHECK, START, Importer
from tests.db.tasks import run_task
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient
from tests.reference.engines import COMMON
from tests.unit.features.rosters import classes, enrolments, roster_of, user

SCHOOLS = (
    (id_of("organisation"), Caller.ADMIN),
    (id_of("other organisation"), Caller.OTHER_ADMIN),
)
CLASSES = ("c1", "c2")
ISSUERS = ("https://issuer.example", "https://second.example")
Subject: TypeAlias = tuple[str, str]
"""Issuer, and what it calls the account."""
ListedRow: TypeAlias = tuple[UUID, str]
"""School, and the `sourcedId`."""

WRITE = """mutation ($title: String!) { createGoal(input: {title: $title, goalType: WELLBEING,
  information: ""}) { goal { id } } }"""
OWN = "{ goals { title } }"
TAUGHT = "{ groups { name members { person { goals { title } } } } }"
# The sample rows have one of a `subject` already.
OPEN = """SELECT id, person_id, kind, source, claimant, version FROM address_conflict
WHERE organisation_id = $1::uuid AND decision IS NULL AND claimant <> 'subject'
ORDER BY created_at, id LIMIT 1"""
RESOLVE = """mutation ($id: UUID!, $decision: AddressDecision!, $version: Int!) {
  resolveAddressConflict(input: {conflictId: $id, decision: $decision, expectedVersion: $version})
    { addressConflict { id } } }"""
MADE = "SELECT organisation_id FROM roster_person WHERE person_id = $1::uuid AND made"
LISTED = "SELECT organisation_id, sourced_id, person_id FROM roster_person ORDER BY sourced_id"
TIME = (
    "UPDATE membership SET ends_at = ends_at - interval '100 days'",
    "UPDATE roster_person SET updated_at = updated_at - interval '100 days'",
)


PROPOSED_BY_ANOTHER = "UPDATE address_conflict SET proposed_by = NULL WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Import:
    """A school's whole roster: (row, address, class) of each student; the address 2 is none."""

    school: int
    students: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Enter:
    """A subject signs in with an address, and writes if they are let through."""

    issuer: int
    subject: int
    address: int


@dataclass(frozen=True, slots=True)
class Decide:
    """A school's administrator decides about the oldest conflict."""

    school: int
    decision: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A hundred days pass, and the clock's task runs."""


Step: TypeAlias = Import | Enter | Decide | Wait
STUDENTS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(0, 1)),
    max_size=2,
    unique_by=lambda student: student[0],
)
IMPORTS = st.builds(Import, st.sampled_from((0, 0, 0, 1)), STUDENTS.map(tuple))
ENTRIES = st.builds(Enter, st.integers(0, 1), st.integers(1, 3), st.integers(0, 1))
DECISIONS = st.builds(
    Decide, st.sampled_from((0, 0, 1)), st.sampled_from(("SAME_PERSON", "DIFFERENT_PEOPLE"))
)
HISTORIES = st.lists(
    st.one_of(IMPORTS, IMPORTS, ENTRIES, ENTRIES, DECISIONS, st.just(Wait())),
    min_size=4,
    max_size=9,
)
ONE = (1, 0, 0)
NEWCOMER = (2, 0, 1)
SIBLINGS = (ONE, (2, 0, 0))
RECYCLED = (
    Import(0, (ONE,)),
    Enter(0, 1, 0),
    Import(0, ()),
    Import(0, (NEWCOMER,)),
    Enter(0, 2, 0),
)
SECOND_ISSUER = (Import(0, (ONE,)), Enter(0, 1, 0), Enter(1, 2, 0))


@dataclass(slots=True)
class Play:
    """One history: what was done, and what follows from it.

    Attributes:
        owners: person -> the subjects whose data theirs is: the first, and the same of these.
        rows: person -> the rows of rosters that stand for them: the first, and the same of these.
        wrote: title -> the subject that wrote it.
        entered: the subjects that were let through.
        enrolled: class of a school -> the rows in it, as its latest roster has it.
        shared: school -> the addresses that several rows of its latest roster have.
    """

    importer: Importer
    client: EngineClient
    tally: Counter[str]
    owners: defaultdict[UUID, set[Subject]] = field(default_factory=lambda: defaultdict(set))
    rows: defaultdict[UUID, set[ListedRow]] = field(default_factory=lambda: defaultdict(set))
    wrote: dict[str, Subject] = field(default_factory=dict)
    entered: set[Subject] = field(default_factory=set)
    enrolled: dict[tuple[int, str], set[ListedRow]] = field(default_factory=dict)
    shared: dict[UUID, set[str]] = field(default_factory=dict)

    async def run(self, history: tuple[Step, ...]) -> None:
        await self.importer.set_up()
        for school, _ in SCHOOLS:
            await self.importer.verify(school)
        for step in history:
            match step:
                case Import():
                    await self.import_(step)
                case Enter():
                    await self.enter(step)
                case Decide():
                    await self.decide(step)
                case Wait():
                    await self.wait()
            await self.look()

    async def import_(self, step: Import) -> None:
        organisation, admin = SCHOOLS[step.school]
        members = [(CLASSES[place], f"u{row}") for row, _, place in step.students]
        content = roster_of({
            "classes": classes(*((each, f"{each} of {step.school}") for each in CLASSES)),
            "users": [
                *(user(f"t{step.school}{each}", "Tea Cher", "teacher") for each in CLASSES),
                *(user(f"u{row}", f"Row {row}", email=address(at)) for row, at, _ in step.students),
            ],
            "enrollments": enrolments(
                *((each, f"t{step.school}{each}", "teacher") for each in CLASSES),
                *((place, row, "student") for place, row in members),
            ),
        })  # fmt: skip
        await self.apply(content, organisation, admin)
        times = Counter(address(at) for _, at, _ in step.students)
        self.shared[organisation] = {each for each in times if each and times[each] > 1}
        self.tally["without address"] += times[""]
        self.tally["shared"] += len(self.shared[organisation])
        for each in CLASSES:
            listed = {(organisation, row) for place, row in members if place == each}
            self.enrolled[step.school, each] = listed
        for found in await self.importer.rows(LISTED):
            row, rows = (
                (found["organisation_id"], found["sourced_id"]),
                self.rows[found["person_id"]],
            )
            if not rows:
                rows.add(row)
            assert row in rows, f"{row} stands for the person of {rows}; no administrator said so"

    async def apply(self, content: bytes, organisation: UUID, admin: Caller) -> None:
        importer = self.importer
        announced = {
            "organisationId": str(organisation), "name": "roster.zip", "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
        }  # fmt: skip
        id_ = (await importer.ask(START, admin, i=announced))["id"]
        key = await importer.rows("SELECT * FROM roster_import WHERE id = $1", UUID(id_))
        await importer.store.put(key[0]["upload_key"], content, media_type=key[0]["media_type"])
        await importer.ask(CHECK, admin, i={"importId": id_})
        await importer.work(id_)
        (row,) = await importer.rows("SELECT version FROM roster_import WHERE id = $1", UUID(id_))
        input = {"importId": id_, "expectedVersion": row["version"], "allowEndingPercent": 100}
        await importer.ask(APPLY, admin, i=input)
        await importer.work(id_)
        (row,) = await importer.rows("SELECT state FROM roster_import WHERE id = $1", UUID(id_))
        assert row["state"] == "APPLIED"

    async def enter(self, step: Enter) -> None:
        subject = (ISSUERS[step.issuer], f"s{step.subject}")
        try:
            person = await find_person(
                self.importer.database, SignIn(*subject, address(step.address))
            )
        except ForbiddenError as error:
            self.tally["held" if "must decide" in str(error) else "unknown"] += 1
            return
        if not self.owners[person]:
            for row in await self.importer.rows(MADE, person):
                listed = self.shared.get(row["organisation_id"], set())
                assert address(step.address) not in listed, f"{subject} has what several share"
            self.owners[person].add(subject)
        assert subject in self.owners[person], f"{subject} is the person of {self.owners[person]}"
        self.tally["entered"] += 1
        self.entered.add(subject)
        title = "by " + "/".join(subject)
        if title not in self.wrote:
            self.wrote[title] = subject
            await self.client.ask(WRITE, Viewer(person), title=title)

    async def decide(self, step: Decide) -> None:
        organisation, admin = SCHOOLS[step.school]
        found = await self.importer.rows(OPEN, organisation)
        if not found:
            return
        shown = {"id": str(found[0]["id"]), "version": found[0]["version"]}
        variables = {**shown, "decision": step.decision}
        response = await self.importer.send(RESOLVE, admin, **variables)
        if step.decision == "SAME_PERSON" and "errors" not in response:
            # As if another administrator had been the first.
            await self.importer.write(PROPOSED_BY_ANOTHER, found[0]["id"])
            variables["version"] += 1
            response = await self.importer.send(RESOLVE, admin, **variables)
        if "errors" in response:
            (error,) = response["errors"]
            assert error["extensions"]["code"] == "CONFLICT", error
            self.tally["overtaken"] += 1
            return
        self.tally[f"{found[0]['kind']} {step.decision}"] += 1
        if step.decision == "SAME_PERSON":
            self.merge(found[0])

    def merge(self, conflict: Any) -> None:
        person, source, claimant = conflict["person_id"], conflict["source"], conflict["claimant"]
        if conflict["kind"] == "SIGN_IN":
            self.owners[person].add((source, claimant))
        else:
            self.rows[person].add((UUID(source), claimant))

    async def wait(self) -> None:
        for statement in TIME:
            await self.importer.write(statement)
        self.tally["freed"] += await run_task(
            "free_addresses", self.importer.database, self.importer.store
        )

    async def look(self) -> None:
        """Each reads what they can, and finds what the history allows alone."""
        persons = {subject: person for person, them in self.owners.items() for subject in them}
        for subject in self.entered:
            with suppress(ForbiddenError):  # another account has taken its place
                person = await find_person(self.importer.database, SignIn(*subject))
                owners = self.owners[person]
                assert subject in owners
                for goal in (await self.client.ask(OWN, Viewer(person)))["goals"]:
                    assert self.wrote[goal["title"]] in owners, f"{subject} reads {goal}"
        for (school, place), rows in self.enrolled.items():
            email = f"t{school}{place}@school.example"
            teacher = await find_person(self.importer.database, SignIn(ISSUERS[0], email, email))
            seen = await self.client.ask(TAUGHT, Viewer(teacher))
            for member in (m for group in seen["groups"] for m in group["members"]):
                for goal in (member["person"] or {}).get("goals", ()):
                    person = persons[self.wrote[goal["title"]]]
                    assert self.rows[person] & rows, f"{email} reads {goal}"
                    self.tally["taught"] += 1


def address(number: int) -> str:
    return f"address-{number}@school.example" if number < 2 else ""


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner


def test_no_history_leads_to_another_persons_data(
    runner: asyncio.Runner, database_url: str, examples: int | None
) -> None:
    tally: Counter[str] = Counter()
    database = Database(Settings(), url=database_url)
    client = EngineClient(database, "json")
    with tempfile.TemporaryDirectory() as folder:
        importer = Importer(database, Path(folder))

        @settings(COMMON, max_examples=examples or 6, derandomize=examples is None)
        @given(HISTORIES.map(tuple))
        @example((*RECYCLED, Decide(0, "SAME_PERSON"), Import(0, (NEWCOMER,)), Enter(0, 2, 0)))
        @example((*RECYCLED, Decide(0, "DIFFERENT_PEOPLE"), Import(0, (NEWCOMER,)), Enter(0, 2, 0)))
        @example((*RECYCLED, Wait(), Import(0, (NEWCOMER,)), Enter(0, 2, 0)))
        @example((Import(0, (ONE,)), Import(0, SIBLINGS), Enter(0, 1, 0), Import(0, (ONE,))))
        @example((Import(0, ((1, 2, 0),)), Enter(0, 1, 0), Import(0, (ONE,)), Enter(0, 1, 0)))
        @example((*SECOND_ISSUER, Decide(0, "SAME_PERSON"), Enter(1, 2, 0)))
        def in_history(history: tuple[Step, ...]) -> None:
            runner.run(Play(importer, client, tally).run(history))

        in_history()
        runner.run(database.close())
    print("\n", dict(tally))
    assert {name for name, times in tally.items() if times} >= SEEN


SEEN = {
    "entered", "held", "unknown", "taught", "freed",
    "without address", "shared",
    "ROSTER SAME_PERSON", "ROSTER DIFFERENT_PEOPLE", "SIGN_IN SAME_PERSON",
}  # fmt: skip
"""What must happen among the histories, so that their checks are about something."""
