"""Rosters imported into a school: what is added, changed and ended, and what stays as it is."""

from __future__ import annotations

import csv

from tests.db.roster_importer import APPLY, Importer, counts, errors, small
from tests.unit.features.rosters import (
    classes,
    csv_of,
    enrolments,
    manifest,
    roster,
    small_school,
    user,
    zip_of,
)

SMALL = {"groupsAdded": 2, "peopleAdded": 4, "membershipsAdded": 6}
PUTAIAO = [
    ("t1@school.example", "MENTOR"),
    ("u1@school.example", "STUDENT"),
    ("u2@school.example", "STUDENT"),
]


async def test_a_check_shows_what_an_application_does(importer: Importer) -> None:
    before = await importer.world()
    checked = await importer.check(small_school(), noticeVersion="2026-1")
    assert (checked["state"], counts(checked), checked["rowsRead"]) == ("CHECKED", SMALL, 12)
    assert errors(checked) == []
    assert await importer.world() == before
    applied = await importer.apply(checked)
    assert (applied["state"], counts(applied)) == ("APPLIED", SMALL)
    assert applied["noticeVersion"] == "2026-1"
    assert applied["source"] == "Made Up Records"
    assert await importer.members("9 Pūtaiao") == PUTAIAO
    assert await importer.staged() == 0


async def test_the_difference_is_readable(importer: Importer) -> None:
    checked = await importer.check(small_school())
    sentences = [change["sentence"] for change in checked["changes"]]
    assert sentences[:3] == [
        "New group 9 Pūtaiao.",
        "New group 10 Art.",
        "New person Hana Mero (t1@school.example).",
    ]
    assert "Ānaru Test becomes a student of 9 Pūtaiao." in sentences
    assert [change["line"] for change in checked["changes"][:3]] == [2, 3, 2]
    row = (await importer.rows("SELECT report_key FROM roster_import WHERE state = 'CHECKED'"))[0]
    report = (await importer.store.read(row["report_key"], length=100_000)).decode("utf-8-sig")
    assert len(report.splitlines()) == 13
    added = ["ADD", "person", "3", "u1", "New person Ānaru Test (u1@school.example)."]
    assert added in list(csv.reader(report.splitlines()))
    assert checked["job"]["resultUrl"] is not None


async def test_the_same_file_twice_changes_nothing(importer: Importer) -> None:
    await importer.import_(small_school())
    world = await importer.world()
    again = await importer.import_(small_school())
    assert counts(again) == {}
    assert again["changes"] == []
    assert await importer.world() == world


async def test_an_import_is_applied_once(importer: Importer) -> None:
    checked = await importer.check(small_school())
    applied = await importer.apply(checked)
    again = {"importId": checked["id"], "expectedVersion": applied["version"]}
    assert (await importer.refuse(APPLY, i=again))[0] == "CONFLICT"


async def test_in_bulk_who_is_absent_leaves_and_no_person_is_deleted(importer: Importer) -> None:
    await importer.import_(small())
    people = len(await importer.rows("SELECT id FROM person"))
    applied = await importer.import_(
        small(
            users=[user("t1", "Hana M", "teacher"), user("u1", "Ana T")],
            enrollments=enrolments(("c1", "t1", "teacher"), ("c1", "u1", "student")),
        )
    )
    assert counts(applied) == {"peopleEnded": 1, "membershipsEnded": 1}
    assert await importer.members("Art") == [
        ("t1@school.example", "MENTOR"),
        ("u1@school.example", "STUDENT"),
    ]
    assert len(await importer.rows("SELECT id FROM person")) == people


async def test_a_class_that_is_absent_keeps_its_group_and_no_members(
    importer: Importer,
) -> None:
    await importer.import_(small_school())
    applied = await importer.import_(small(classes=classes(("c1", "9 Pūtaiao"))), percent=100)
    assert applied["groupsEnded"] == 1
    assert await importer.members("10 Art") == []
    assert await importer.rows("SELECT id FROM learning_group WHERE name = '10 Art'")


async def test_who_comes_back_is_a_member_anew(importer: Importer) -> None:
    await importer.import_(small())
    await importer.import_(small(users=[], enrollments=[]))
    assert await importer.members("Art") == []
    applied = await importer.import_(small())
    assert counts(applied) == {"peopleChanged": 3, "membershipsAdded": 3}
    assert len(await importer.members("Art")) == 3
    ended = await importer.rows(
        "SELECT id FROM membership WHERE source = 'ROSTER' AND ends_at IS NOT NULL"
    )
    assert len(ended) == 3


async def test_bulk_and_then_delta(importer: Importer) -> None:
    await importer.import_(small())
    delta = small(
        "delta",
        classes=classes(("c2", "Music"), status="active"),
        users=[user("u3", "Cy E", status="active"), user("u1", "Ana T", status="tobedeleted")],
        enrollments=[
            *enrolments(("c2", "u3", "student"), ("c2", "u2", "student"), status="active"),
            *enrolments(("c1", "u2", "student"), status="tobedeleted"),
        ],
    )
    applied = await importer.import_(delta)
    assert counts(applied) == {
        "groupsAdded": 1,
        "peopleAdded": 1,
        "peopleEnded": 1,
        "membershipsAdded": 2,
        "membershipsEnded": 2,
    }
    assert await importer.members("Art") == [("t1@school.example", "MENTOR")]
    assert await importer.members("Music") == [
        ("u2@school.example", "STUDENT"),
        ("u3@school.example", "STUDENT"),
    ]
    assert counts(await importer.import_(delta)) == {}


async def test_a_class_and_a_person_that_are_called_otherwise_are_renamed(
    importer: Importer,
) -> None:
    await importer.import_(small())
    applied = await importer.import_(
        small(
            classes=classes(("c1", "Toi")),
            users=[user("t1", "Hana N", "teacher"), user("u1", "Ana T"), user("u2", "Bea S")],
        )
    )
    assert counts(applied) == {"groupsChanged": 1, "peopleChanged": 1}
    assert [change["sentence"] for change in applied["changes"]] == [
        "Group Art is called Toi from now on.",
        "Hana N was called Hana M.",
    ]
    assert len(await importer.members("Toi")) == 3
    assert await importer.rows("SELECT id FROM person WHERE name = 'Hana N'")


async def test_an_enrolment_that_becomes_another_moves(importer: Importer) -> None:
    await importer.import_(small())
    (row,) = enrolments(("c1", "u2", "student"))
    moved = {**row, "role": "teacher"}
    others = enrolments(("c1", "t1", "teacher"), ("c1", "u1", "student"))
    applied = await importer.import_(small(enrollments=[*others, moved]))
    assert counts(applied) == {"membershipsAdded": 1, "membershipsEnded": 1}
    assert ("u2@school.example", "MENTOR") in await importer.members("Art")
    assert ("u2@school.example", "STUDENT") not in await importer.members("Art")
    assert [each["sentence"] for each in applied["changes"]] == [
        "Bea S (u2), who was a student of Art, becomes a mentor of Art, once another manager or"
        " administrator has confirmed it: they are or were a student here."
    ]


async def test_dates_are_days_at_the_school(importer: Importer) -> None:
    dated = enrolments(("c1", "u1", "student"), beginDate="2026-02-02", endDate="2099-12-18")
    rest = enrolments(("c1", "t1", "teacher"), ("c1", "u2", "student"))
    await importer.import_(small(enrollments=rest))
    applied = await importer.import_(small(enrollments=[*dated, *rest]))
    assert counts(applied) == {"membershipsAdded": 1}
    (row,) = await importer.rows(
        "SELECT begins_at, ends_at FROM membership WHERE ends_at > now() AND source = 'ROSTER'"
    )
    assert row["begins_at"].isoformat() == "2026-02-01T11:00:00+00:00"
    # An endDate is exclusive: its day is the first one after.
    assert row["ends_at"].isoformat() == "2099-12-17T11:00:00+00:00"


async def test_an_enrolment_that_is_over_is_none(importer: Importer) -> None:
    await importer.import_(small())
    over = enrolments(("c1", "u1", "student"), endDate="2020-12-18")
    rest = enrolments(("c1", "t1", "teacher"), ("c1", "u2", "student"))
    assert counts(await importer.import_(small(enrollments=[*over, *rest]))) == {
        "membershipsEnded": 1
    }


async def test_two_enrolments_in_one_class_are_one_membership(importer: Importer) -> None:
    (first,) = enrolments(("c1", "u1", "student"))
    twice = [first, {**first, "sourcedId": "term-2"}]
    applied = await importer.import_(small(enrollments=twice))
    assert applied["membershipsAdded"] == 1
    # It lasts as long as one of them does.
    assert counts(await importer.import_(small(enrollments=twice[1:]))) == {}
    assert await importer.members("Art") == [("u1@school.example", "STUDENT")]
    assert counts(await importer.import_(small(enrollments=[]))) == {"membershipsEnded": 1}
    assert await importer.members("Art") == []


async def test_who_is_disabled_leaves(importer: Importer) -> None:
    await importer.import_(small())
    people = [
        user("t1", "Hana M", "teacher"),
        user("u1", "Ana T", enabledUser="false"),
        user("u2", "Bea S"),
    ]
    applied = await importer.import_(small(users=people))
    assert counts(applied) == {"peopleEnded": 1, "membershipsEnded": 1}


async def test_a_row_that_removes_needs_nothing_but_its_id(importer: Importer) -> None:
    await importer.import_(small())
    people = [
        user("t1", "Hana M", "teacher"),
        user("u1", "Ana T", enabledUser="false", email="", username="ana"),
        user("u2", "Bea S"),
    ]
    applied = await importer.import_(small(users=people))
    assert errors(applied) == []
    assert counts(applied) == {"peopleEnded": 1, "membershipsEnded": 1}
    gone = {"status": "tobedeleted"}
    delta = small(
        "delta",
        classes=[],
        users=[{"sourcedId": "u2", **gone}],
        enrollments=[{"sourcedId": "c1-t1", **gone}],
    )
    applied = await importer.import_(delta)
    assert errors(applied) == []
    assert counts(applied) == {"peopleEnded": 1, "membershipsEnded": 2}
    assert [each["sentence"] for each in applied["changes"]] == [
        "Bea S (u2) is no longer in the roster: their memberships by the roster end.",
        "Hana M (t1) is no longer a mentor of Art.",
        "Bea S (u2) is no longer a student of Art.",
    ]
    assert await importer.members("Art") == []


async def test_what_a_person_ended_by_hand_stays_ended(importer: Importer) -> None:
    await importer.import_(small())
    await importer.write("UPDATE membership SET ends_at = now() WHERE source = 'ROSTER'")
    assert counts(await importer.import_(small())) == {}
    assert await importer.members("Art") == []


async def test_a_group_that_a_person_deleted_comes_back_with_the_next_import(
    importer: Importer,
) -> None:
    await importer.import_(small())
    art = "SELECT id FROM learning_group WHERE name = 'Art'"
    await importer.write(f"DELETE FROM membership WHERE group_id IN ({art})")
    await importer.write("DELETE FROM learning_group WHERE name = 'Art'")
    assert counts(await importer.import_(small())) == {"groupsAdded": 1, "membershipsAdded": 3}


async def test_users_and_roles_of_1_2_are_imported_and_families_are_not(
    importer: Importer,
) -> None:
    people = [
        {key: value for key, value in each.items() if key not in ("role", "orgSourcedIds")}
        for each in (user("t1", "Hana M"), user("u1", "Ana T"), user("p1", "Pa T"))
    ]
    roles = [
        {
            "sourcedId": f"r-{who}",
            "userSourcedId": who,
            "roleType": "primary",
            "role": role,
            "orgSourcedId": "s1",
        }
        for who, role in (("t1", "teacher"), ("u1", "student"), ("p1", "parent"))
    ]
    content = roster(
        version="1.2",
        classes=classes(("c1", "Art")),
        users=people,
        roles=roles,
        enrollments=enrolments(("c1", "t1", "teacher"), ("c1", "u1", "student")),
    )
    applied = await importer.import_(content)
    assert errors(applied) == []
    assert counts(applied) == {"groupsAdded": 1, "peopleAdded": 2, "membershipsAdded": 2}


async def test_good_rows_go_on_where_bad_ones_are_named(importer: Importer) -> None:
    content = small(
        users=[
            user("t1", "Hana M", "teacher"),
            user("u1", "Ana T", email="no-at-sign"),
            user("u2", "Bea S"),
            user("u2", "Bea Again"),
        ],
        enrollments=enrolments(
            ("c1", "u1", "student"),
            ("c9", "u2", "student"),
            ("c1", "u9", "student"),
            ("c1", "u2", "student"),
        ),
    )
    checked = await importer.check(content)
    assert errors(checked) == [
        ("users.csv", 3, "email", "BAD_EMAIL"),
        ("users.csv", 5, "sourcedId", "DUPLICATE"),
        ("enrollments.csv", 2, "userSourcedId", "UNKNOWN_REFERENCE"),
        ("enrollments.csv", 3, "classSourcedId", "UNKNOWN_REFERENCE"),
        ("enrollments.csv", 4, "userSourcedId", "UNKNOWN_REFERENCE"),
    ]
    assert checked["rowsRefused"] == 5
    await importer.apply(checked)
    assert await importer.members("Art") == [("u2@school.example", "STUDENT")]


async def test_a_row_that_is_there_but_bad_ends_nothing(importer: Importer) -> None:
    await importer.import_(small())
    people = [user("t1", "Hana M", "teacher"), user("u1", "Ana T"), user("u2", "B", email="bad")]
    bad = enrolments(("c1", "t1", "teacher"), ("c1", "u2", "student"))
    worse = enrolments(("c1", "u1", "student"), beginDate="soon")
    applied = await importer.import_(small(users=people, enrollments=[*bad, *worse]))
    assert counts(applied) == {}
    assert len(await importer.members("Art")) == 3


async def test_rows_without_a_readable_id_keep_all_of_the_file_from_ending(
    importer: Importer,
) -> None:
    await importer.import_(small())
    content = small(enrollments=enrolments(("c1", "t1", "teacher"), ("c1", "u1", "student")))
    spoilt = csv_of("enrollments", []) + b",,,c1,s1,u1,student,,,\n"
    files = {"classes": "bulk", "users": "bulk", "enrollments": "bulk"}
    checked = await importer.check(
        zip_of(
            {
                "manifest.csv": manifest(**files),
                "classes.csv": csv_of("classes", classes(("c1", "Art"))),
                "users.csv": csv_of(
                    "users",
                    [user("t1", "Hana M", "teacher"), user("u1", "Ana T"), user("u2", "Bea S")],
                ),
                "enrollments.csv": spoilt,
            }
        )
    )
    assert ("enrollments.csv", 0, "", "NOT_ENDED") in errors(checked)
    assert counts(checked) == {}
    assert counts(await importer.check(content)) == {"membershipsEnded": 1}


async def test_a_header_alone_ends_everything_and_the_guard_says_so(importer: Importer) -> None:
    await importer.import_(small())
    checked = await importer.check(small(enrollments=[]))
    assert (checked["membershipsEnded"], checked["endingPercent"]) == (3, 100)
