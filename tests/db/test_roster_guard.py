"""Rosters that would end many memberships, or others than those that were shown."""

from __future__ import annotations

from uuid import UUID

from tests.db.roster_importer import APPLY, Importer
from tests.db.test_roster_safety import school, stranger
from tests.unit.features.rosters import enrolments, small_school, user


async def test_more_than_is_allowed_does_not_end(importer: Importer) -> None:
    await importer.import_(small_school())
    world = await importer.world()
    checked = await importer.check(school(user("t1", "Hana Mero", "teacher")))
    arguments = {"importId": checked["id"], "expectedVersion": checked["version"]}
    code, message = await importer.refuse(APPLY, i=arguments)
    assert (code, checked["endingPercent"]) == ("CONFLICT", 84)
    assert "84 % of the memberships" in message
    assert await importer.world() == world
    applied = await importer.apply(checked, percent=84)
    assert applied["membershipsEnded"] == 5


async def test_memberships_that_are_replaced_or_become_others_count_as_ended(
    importer: Importer,
) -> None:
    people = [user(f"u{i}", f"Person {i}") for i in range(3)]
    others = [user(f"n{i}", f"Newcomer {i}") for i in range(3)]
    rows = enrolments(*(("c1", one["sourcedId"], "student") for one in people))
    await importer.import_(school(*people))
    mentors = [{**row, "role": "teacher"} for row in rows]
    replaced = [
        {**row, "userSourcedId": one["sourcedId"]} for row, one in zip(rows, others, strict=True)
    ]
    for changed, sentence in (
        (
            mentors,
            "Person 0 (u0), who was a student of Art, becomes a mentor of Art, once another manager"
            " or administrator has confirmed it: they are or were a student here.",
        ),
        (
            replaced,
            "Newcomer 0 (n0) becomes a student of Art, in place of Person 0 (u0), who was a student"
            " of Art.",
        ),
    ):
        checked = await importer.check(school(*people, *others, enrollments=changed))
        assert (checked["membershipsEnded"], checked["endingPercent"]) == (3, 100)
        assert sentence in [each["sentence"] for each in checked["changes"]]
        input = {"importId": checked["id"], "expectedVersion": checked["version"]}
        refused = await importer.refuse(APPLY, i={**input, "allowEndingPercent": 99})
        assert refused[0] == "CONFLICT"
    # Another id for the same enrolment replaces no membership.
    renamed = [{**row, "sourcedId": f"new-{row['sourcedId']}"} for row in rows]
    checked = await importer.check(school(*people, enrollments=renamed))
    assert checked["membershipsEnded"] == 0


async def test_those_who_leave_are_named_with_their_ids(importer: Importer) -> None:
    await importer.import_(school(user("u1", "Ana T"), stranger()))
    sentences = [
        "Ana T (u1) is no longer in the roster: their memberships by the roster end.",
        "Not Them (x1) is no longer in the roster: their memberships by the roster end.",
        "Ana T (u1) is no longer a student of Art.",
        "Not Them (x1) is no longer a student of Art.",
    ]
    checked = await importer.check(school())
    assert [each["sentence"] for each in checked["changes"]] == sentences
    applied = await importer.apply(checked, 100)
    (key,) = {
        row["report_key"]
        for row in await importer.rows(
            "SELECT report_key FROM roster_import WHERE id = $1::uuid", UUID(applied["id"])
        )
    }
    report = (await importer.store.read(key, length=100_000)).decode("utf-8-sig")
    assert all(sentence in report for sentence in sentences)


async def test_nothing_ends_that_the_check_has_not_shown(importer: Importer) -> None:
    await importer.import_(small_school())
    gone = school(user("t1", "Hana Mero", "teacher"))
    checked = await importer.check(gone)
    more = [
        user("t1", "Hana Mero", "teacher"),
        *(user(f"n{i}", "New Person") for i in range(3)),
    ]
    await importer.import_(school(*more, mode="delta"))
    world = await importer.world()
    applied = await importer.apply(checked, percent=100)
    assert applied["state"] == "FAILED"
    assert "Check it again" in applied["job"]["failure"]
    assert await importer.world() == world
