"""Whom a roster makes a manager: no one unless that is asked for; and never an administrator."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from tests.db.notices import shown
from tests.db.roster_importer import ORGANISATION, Importer, counts, errors, small
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.unit.features.rosters import (
    Table,
    classes,
    enrolments,
    roster,
    user,
)

CONFIRM = (
    "mutation ($id: UUID!) { confirmMembership(input: {membershipId: $id}) { membership { id } } }"
)


async def managers(importer: Importer) -> list[str]:
    """The emails of those whom a roster has made one, and who still are."""
    rows = await importer.rows(
        "SELECT p.email FROM membership AS m JOIN person AS p ON p.id = m.person_id"
        " WHERE m.source = 'ROSTER' AND m.role = 'MENTOR_MANAGER' AND m.ends_at IS NULL"
        " ORDER BY p.email"
    )
    return [row["email"] for row in rows]


def roles_of(*rows: tuple[str, str]) -> Table:
    """(user, role)."""
    return [
        {
            "sourcedId": f"r-{who}",
            "userSourcedId": who,
            "roleType": "primary",
            "role": role,
            "orgSourcedId": "s1",
        }
        for who, role in rows
    ]


def school_of_1_2(*rows: tuple[str, str]) -> bytes:
    people = [user(who, f"Person {who}") for who, _ in rows]
    plain = [
        {key: value for key, value in one.items() if key not in ("role", "orgSourcedIds")}
        for one in people
    ]
    return roster(
        version="1.2",
        classes=classes(("c1", "Art")),
        users=plain,
        roles=roles_of(*rows),
        enrollments=enrolments(*(("c1", who, "student") for who, _ in rows)),
    )


async def test_a_file_makes_no_administrators_and_managers_only_where_that_is_asked(
    importer: Importer,
) -> None:
    boss = user("b1", "Big Boss", "administrator")
    members = enrolments(("c1", "b1", "administrator"))
    content = small(users=[boss], enrollments=members)
    applied = await importer.import_(content)
    assert errors(applied) == [("enrollments.csv", 2, "role", "UNUSED_ROLE")]
    assert not await importer.rows("SELECT id FROM membership WHERE source = 'ROSTER'")
    applied = await importer.import_(content, managers=True)
    assert counts(applied) == {"membershipsAdded": 1}
    assert await managers(importer) == ["b1@school.example"]
    # Who teaches from now on manages no more.
    teacher = user("b1", "Big Boss", "teacher", status="active")
    delta = small("delta", classes=[], users=[teacher], enrollments=[])
    assert counts(await importer.import_(delta, managers=True)) == {"membershipsEnded": 1}
    assert not await importer.rows(
        "SELECT id FROM membership WHERE source = 'ROSTER' AND role = 'ADMIN'"
    )


async def test_an_administrator_whom_a_roster_lists_as_a_teacher_waits_for_another(
    importer: Importer,
) -> None:
    """An administrator writes the roster: they would read diaries without opening a record."""
    boss, student = user("b1", "The Boss", "teacher", email="admin@school.example"), user("u1", "A")
    members = enrolments(("c1", "b1", "teacher"), ("c1", "u1", "student"))
    checked = await importer.check(small(users=[boss, student], enrollments=members))
    (said,) = (each for each in checked["changes"] if each["sourcedId"] == "c1-b1")
    assert "once another manager or administrator has confirmed it" in said["sentence"]
    await importer.apply(checked)
    (row,) = await importer.rows(
        "SELECT m.id, m.confirmed, m.applicant_name FROM membership AS m"
        " WHERE m.person_id = $1 AND m.source = 'ROSTER'",
        id_of(Caller.ADMIN),
    )
    assert (row["confirmed"], row["applicant_name"]) == (False, "admin")
    look = "{ groups { name members { person { name goals { id } } } } }"
    await importer.write(
        "INSERT INTO goal (id, person_id, goal_type, title, title_search, information,"
        " information_search) SELECT gen_random_uuid(), p.id, 'ACADEMIC', 'x', 'x', '', ''"
        " FROM person AS p WHERE p.email = 'u1@school.example'"
    )

    async def goals() -> list[object]:
        groups = await importer.ask(look, Caller.ADMIN)
        (art,) = (each for each in groups if each["name"] == "Art")
        return [goal for one in art["members"] for goal in (one["person"] or {}).get("goals", ())]

    assert await goals() == []
    assert (await importer.refuse(CONFIRM, Caller.ADMIN, id=str(row["id"])))[0] == "NOT_FOUND"
    await importer.ask(CONFIRM, Caller.MANAGER, id=str(row["id"]))
    assert len(await goals()) == 1


LOOK = """query ($id: UUID!) { person(personId: $id) {
  access { reason holderName grantedByName } } }"""


async def test_a_student_s_account_that_a_roster_lists_as_staff_waits_for_another_adult(
    importer: Importer,
) -> None:
    """A child's password is easily known; and who writes the roster is the first adult."""
    pupils = [user(each, f"Pupil {each}") for each in ("u1", "u2")]
    studies = enrolments(("c1", "u1", "student"), ("c1", "u2", "student"))
    await importer.import_(small(users=pupils, enrollments=studies))
    # One of them has left the class by then; the other's row is new in the same file.
    staff = [user("u1", "Pupil u1", "teacher"), user("u3", "New u3", "administrator")]
    both = enrolments(
        ("c1", "u1", "teacher"), ("c1", "u3", "student"), ("c1", "u3", "administrator")
    )
    content = small(users=staff, enrollments=both)
    checked = await importer.check(content, managers=True)
    said = [each["sentence"] for each in checked["changes"]]
    waits = "once another manager or administrator has confirmed it: they are or were a student"
    assert sum(waits in each for each in said) == 2, said
    await importer.apply(checked, 100)
    rows = await importer.rows(
        "SELECT m.id, p.id AS person, m.role, m.confirmed, m.enrolled_by_id FROM membership AS m"
        " JOIN person AS p ON p.id = m.person_id WHERE m.source = 'ROSTER'"
        " AND m.role <> 'STUDENT' ORDER BY p.email"
    )
    assert [(row["role"], row["confirmed"]) for row in rows] == [
        ("MENTOR", False),
        ("MENTOR_MANAGER", False),
    ]
    assert {row["enrolled_by_id"] for row in rows} == {id_of(Caller.ADMIN)}
    for row in rows:
        membership = str(row["id"])
        assert (await importer.refuse(CONFIRM, Caller.ADMIN, id=membership))[0] == "FORBIDDEN"
        await importer.ask(CONFIRM, Caller.MANAGER, id=membership)
    (_, student) = rows
    seen = (await importer.ask(LOOK, Caller.ADMIN, id=str(student["person"])))["access"]
    assert {"reason": "MENTOR", "holderName": "Pupil u1", "grantedByName": "admin"} in seen


async def test_roles_of_1_2_manage_as_they_say_and_no_longer(importer: Importer) -> None:
    content = school_of_1_2(("a1", "principal"), ("t1", "teacher"), ("u1", "student"))
    await importer.import_(content)
    assert await managers(importer) == []
    await importer.import_(content, managers=True)
    assert await managers(importer) == ["a1@school.example"]
    # Without being asked, a roster says nothing about managers.
    await importer.import_(content)
    assert await managers(importer) == ["a1@school.example"]
    content = school_of_1_2(("a1", "teacher"), ("t1", "siteAdministrator"), ("u1", "student"))
    await importer.import_(content, managers=True)
    assert await managers(importer) == ["t1@school.example"]


INVITE = "mutation ($i: InviteInput!) { invite(input: $i) { membership { id } } }"
ACCEPT = """mutation ($id: UUID!, $notice: String!) {
  acceptMembership(input: { membershipId: $id, noticeVersion: $notice }) { membership { id } } }"""
# Who counts as staff without a second adult, and is, or was, a student, or leads and teaches.
ALONE = """
SELECT m.role FROM membership AS m
WHERE m.person_id = $1 AND m.role <> 'STUDENT' AND m.accepted_at IS NOT NULL AND m.confirmed
    AND m.confirmed_at IS NULL AND m.ends_at IS NULL AND ($2::bool OR (m.role = 'MENTOR'
        AND m.source = 'ROSTER' AND EXISTS (
            SELECT 1 FROM membership AS l WHERE l.person_id = m.person_id AND l.ends_at IS NULL
                AND l.role = 'MENTOR_MANAGER' AND l.accepted_at IS NOT NULL)))
"""


@dataclass(slots=True)
class Account:
    """One account, and what the school's file says of it so far."""

    importer: Importer
    made: bool
    role: str = "aide"
    classes: dict[str, str] = field(default_factory=dict)
    student: bool = False

    async def do(self, step: str) -> None:
        """List it, enrol it, or invite it; it accepts what it is offered."""
        match step:
            case "listed":
                self.role, self.student = "student", True
            case "enrolled":
                self.classes["c1"], self.student = "student", True
            case "teaches":
                self.classes["c2"], self.role = "teacher", "teacher"
            case "manages":
                self.role = "administrator"
        if step in ("mentors by hand", "manages by hand"):
            place = {"organisationId": str(ORGANISATION), "email": "stranger@school.example"}
            role: dict[str, str] = {"role": "MENTOR_MANAGER"}
            if step == "mentors by hand":
                role = {"role": "MENTOR", "groupId": str(id_of("group"))}
            await self.importer.ask(INVITE, Caller.ADMIN, i={**place, **role, "name": "x"})
        else:
            await self.import_()
        offers = await self.importer.rows(
            "SELECT id FROM membership WHERE person_id = $1 AND accepted_at IS NULL"
            " AND ends_at IS NULL",
            id_of(Caller.STRANGER),
        )
        for offer in offers:
            await self.importer.ask(
                ACCEPT, Caller.STRANGER, **await shown(self.importer, offer["id"])
            )

    async def import_(self) -> None:
        """As the school's system is now."""
        account = user("u9", "The Account", self.role, email="stranger@school.example")
        content = small(
            classes=classes(("c1", "Art"), ("c2", "Music")),
            users=[account],
            enrollments=enrolments(*((each, "u9", role) for each, role in self.classes.items())),
        )
        await self.importer.import_(content, managers=True)
        if self.made:
            # As if the roster had made it: it is enrolled without being asked.
            await self.importer.write("UPDATE roster_person SET made = true")


@pytest.mark.parametrize("seed", range(8))
async def test_in_no_order_is_a_student_s_account_a_second_adult(
    importer: Importer, seed: int
) -> None:
    """Nor does a leader's mentor by a roster, before another adult has confirmed it."""
    random = Random(seed)
    account = Account(importer, made=bool(seed % 2))
    steps = ["listed", "enrolled", "teaches", "manages", "mentors by hand", "manages by hand"]
    for step in random.sample(steps, k=4):
        await account.do(step)
        alone = await importer.rows(ALONE, id_of(Caller.STRANGER), account.student)
        assert alone == [], (step, alone)


async def test_a_leader_whom_the_same_file_lists_as_a_teacher_waits(importer: Importer) -> None:
    head = user("b1", "The Head", "administrator")
    members = enrolments(("c1", "b1", "teacher"))
    checked = await importer.check(small(users=[head], enrollments=members), managers=True)
    said = [each["sentence"] for each in checked["changes"] if each["sourcedId"] == "c1-b1"]
    assert "they are one themselves" in said[0]
    await importer.apply(checked)
    rows = await importer.rows(
        "SELECT role, confirmed FROM membership WHERE source = 'ROSTER' ORDER BY role"
    )
    assert [tuple(row) for row in rows] == [("MENTOR", False), ("MENTOR_MANAGER", True)]
