"""Whom a roster makes a manager: no one unless that is asked for; and never an administrator."""

from __future__ import annotations

from tests.db.roster_importer import Importer, counts, errors, small
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
