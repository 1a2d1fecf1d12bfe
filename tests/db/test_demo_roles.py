"""Who sees what at the demo school: by the engine, and by the page `docs/demo.md`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.demo.demo_memberships import group_id
from poutama.demo.group_assignment import DAY, EVENING, Group
from poutama.demo.loader import make_demo
from poutama.demo.missing_rows import StudentRange
from poutama.demo.school import derive_name, mentor_email, person_id, student_email
from poutama.edge.tokens import Authenticator
from poutama.laptop.issuer import local_verifier, token_for
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient

STUDENTS = 50
PAGE = (Path(__file__).parents[2] / "docs" / "demo.md").read_text("utf-8")
EXAMPLES = re.findall(r"^### (\w+): `(.+?)`\n.*?^```graphql\n(.*?)^```$", PAGE, re.M | re.S)
GOALS = "query ($id: UUID!) { person(personId: $id) { name goals { id title } } }"
RENAME = """
mutation ($id: UUID!) { updateGoal(input: {goalId: $id, title: "?"}) { goal { id } } }
"""

JOIN = """
mutation ($code: String!) { joinGroup(input: {joinCode: $code}) { membership { group { id } } } }
"""


@pytest_asyncio.fixture(scope="module")
async def school(database_url: str) -> AsyncIterator[Database]:
    await make_demo(database_url, students=STUDENTS)
    database = Database(Settings(), url=database_url)
    yield database
    await database.close()


@pytest.fixture(params=RENDERINGS)
def client(request: pytest.FixtureRequest, school: Database) -> EngineClient:
    return EngineClient(school, request.param)


def viewer_of(name: str) -> Viewer:
    return Viewer(person_id(f"{name}@demo.example"))


async def goals_seen(client: EngineClient, name: str, student: int) -> int | None:
    """How many goals of the student they see; None if they do not see the person."""
    student_id = str(person_id(student_email(student)))
    person = (await client.ask(GOALS, viewer_of(name), id=student_id))["person"]
    return None if person is None else len(person["goals"])


@pytest.mark.parametrize(
    ("name", "goals"),
    [
        ("student-0001", 12),
        ("mentor-01", 11),
        ("mentor-02", None),
        ("manager-01", 0),
        ("manager-02", None),
        ("admin", 0),
        ("admin-02", None),
        ("caregiver-0001", 9),
        ("caregiver-0006", None),
        ("student-0002", None),
    ],
)
async def test_the_first_students_goals_are_seen_by_those_who_may(
    client: EngineClient, name: str, goals: int | None
) -> None:
    assert await goals_seen(client, name, 1) == goals


@pytest.mark.parametrize(
    ("student", "names"),
    [
        (20, {"mentor-02", "manager-02", "admin-02"}),
        (25, {"mentor-01", "mentor-02", "manager-01", "manager-02", "admin", "admin-02"}),
        *((number, set[str]()) for number in (8, 17, 29)),
    ],
)
async def test_students_are_seen_by_those_who_lead_them_now(
    client: EngineClient, student: int, names: set[str]
) -> None:
    leaders = ("mentor-01", "mentor-02", "manager-01", "manager-02", "admin", "admin-02")
    seen = {name for name in leaders if await goals_seen(client, name, student) is not None}
    assert seen == names


@pytest.mark.parametrize("name", ["caregiver-0001", "mentor-01", "admin", "student-0002"])
async def test_no_other_person_changes_the_first_students_goals(
    client: EngineClient, name: str
) -> None:
    own = await client.ask("{ goals { id title } }", viewer_of("student-0001"))
    goal = own["goals"][0]["id"]
    assert await client.refuse(RENAME, viewer_of(name), id=goal) == "NOT_FOUND"
    assert await client.ask("{ goals { id title } }", viewer_of("student-0001")) == own


async def test_each_person_can_get_a_token(
    database_url: str, school: Database, tmp_path: Path
) -> None:
    del school
    batch = StudentRange(1, STUDENTS)
    emails = [*batch.adults(), "student-0001@demo.example", "student-0050@demo.example"]
    assert len(emails) == 4 + 2 + 10 + 2
    authenticator = Authenticator(local_verifier(tmp_path))
    for email in emails:
        token = await token_for(database_url, tmp_path, email)
        viewer = await authenticator.viewer_from_authorization(f"Bearer {token}")
        assert viewer == Viewer(person_id(email))


async def test_each_person_whom_the_page_names_is_there(school: Database) -> None:
    del school
    known = {*StudentRange(1, STUDENTS).adults(), *StudentRange(1, STUDENTS).students()}
    named = set(re.findall(r"[\w-]+@demo\.example", PAGE))
    assert len(named) > 8
    assert named <= known


async def test_the_join_codes_of_the_page_are_the_groups(client: EngineClient) -> None:
    codes = re.findall(r"^\| (?:Class|Evening) \d\d .*\| `(.+)` \|$", PAGE, re.MULTILINE)
    assert len(codes) == 3
    # A member already is refused, and nothing changes.
    groups = (Group(DAY, 1), Group(DAY, 2), Group(EVENING, 1))
    for code, student, group in zip(codes, (1, 26, 10), groups, strict=True):
        found: Any = await client.ask(JOIN, viewer_of(f"student-{student:04}"), code=code)
        assert found["joinGroup"]["membership"]["group"] == {"id": str(group_id(group))}


NAME = derive_name(student_email(1))
MENTOR = derive_name(mentor_email(1))


async def answer(client: EngineClient, role: str, email: str = "") -> Any:
    """What the page's example for the role answers, to another person if an email is given."""
    (example,) = (example for example in EXAMPLES if example[0] == role)
    _, answered, document = example
    return await client.ask(document, Viewer(person_id(email or answered)))


async def test_the_students_example_shows_a_note_of_the_mentor_and_no_classmates(
    client: EngineClient,
) -> None:
    found = await answer(client, "Student")
    notes = [note for goal in found["me"]["goals"] for note in goal["notes"]]
    assert {note["author"]["name"] for note in notes} == {NAME, MENTOR}
    (group,) = found["groups"]
    assert (group["name"], group["joinCode"]) == ("Class 01", None)
    assert group["members"] == [{"person": {"name": NAME}}]


async def test_the_mentors_example_shows_the_class(client: EngineClient) -> None:
    (group,) = (await answer(client, "Mentor"))["groups"]
    assert group["joinCode"] == "CLASS-01"
    assert group["progress"]["completed"] > 0
    unseen = [member for member in group["members"] if member["person"] is None]
    assert {NAME, MENTOR} < {m["person"]["name"] for m in group["members"] if m["person"]}
    assert len(unseen) == 2, "students 8 and 17"
    other = (await answer(client, "Mentor", "mentor-02@demo.example"))["groups"]
    assert [group["name"] for group in other] == ["Class 02", "Evening 01"]
    assert NAME not in repr(other)


async def test_the_managers_example_shows_the_organisation(client: EngineClient) -> None:
    found = await answer(client, "Manager")
    (organisation,) = found["organisations"]
    assert [group["name"] for group in organisation["groups"]] == ["Class 01", "Class 02"]
    assert found["person"]["email"] == student_email(1)
    assert found["person"]["goals"] == []
    other = await answer(client, "Manager", "manager-02@demo.example")
    assert other["person"] is None
    assert [group["name"] for group in other["organisations"][0]["groups"]] == ["Evening 01"]


async def test_the_managers_second_example_opens_a_record(client: EngineClient) -> None:
    (document,) = re.findall(r"^```graphql\n(mutation.*?openRecord.*?)^```$", PAGE, re.M | re.S)
    opened = (await client.ask(document, viewer_of("manager-01")))["openRecord"]["openedRecord"]
    assert opened["otherAdministrators"] == 1
    assert len((await answer(client, "Manager"))["person"]["goals"]) == 11
    (shown, *_) = (
        await client.ask("{ me { openedRecords { openerName } } }", viewer_of("student-0001"))
    )["me"]["openedRecords"]
    assert shown["openerName"] == derive_name("manager-01@demo.example")
    (organisation,) = (await answer(client, "Admin"))["organisations"]
    (record, *_) = organisation["openedRecordsConnection"]["nodes"]
    assert record["person"]["name"] == NAME
    close = f'mutation {{ closeRecord(input: {{ openedRecordId: "{opened["id"]}" }})'
    await client.ask(close + " { openedRecord { id } } }", viewer_of("manager-01"))
    assert (await answer(client, "Manager"))["person"]["goals"] == []


async def test_the_admins_example_shows_who_read(client: EngineClient) -> None:
    await answer(client, "Mentor")
    entries = (await answer(client, "Admin"))["person"]["auditConnection"]["nodes"]
    assert (MENTOR, "READ", "Goal") in {
        (entry["actorName"], entry["action"], entry["kind"]) for entry in entries
    }
    assert (await answer(client, "Admin", "admin-02@demo.example"))["person"] is None


async def test_the_caregivers_example_shows_the_child(client: EngineClient) -> None:
    (membership,) = (await answer(client, "Caregiver"))["me"]["memberships"]
    assert membership["child"]["name"] == NAME
    assert len(membership["child"]["goals"]) == 9


def test_the_page_has_an_example_for_every_role() -> None:
    assert [role for role, _, _ in EXAMPLES] == [
        *("Student", "Mentor", "Manager", "Admin", "Caregiver")
    ]


CLASS_GOALS = re.findall(
    r"^```graphql\n(\{\n  groups \{\n    goalsConnection.*?)^```$", PAGE, re.M | re.S
)


async def test_the_goals_of_a_class_are_one_list_by_their_dates(client: EngineClient) -> None:
    (document,) = CLASS_GOALS
    (group,) = (await client.ask(document, viewer_of("mentor-01")))["groups"]
    found = group["goalsConnection"]
    dates = [node["dueAt"] for node in found["nodes"]]
    assert len(dates) == 5
    assert dates == sorted(dates)
    assert found["totalCount"] > 50
    assert len({node["owner"]["name"] for node in found["nodes"]}) > 1
    seen = (await client.ask(document, viewer_of("manager-01")))["groups"]
    assert {each["goalsConnection"]["totalCount"] for each in seen} == {0}
