"""What an import leaves for later questions: who was changed, by which file, on what notice."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.db.roster_importer import ORGANISATION, Importer, small
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.unit.features.rosters import enrolments, user


async def test_every_change_is_written_down(importer: Importer) -> None:
    await importer.import_(small())
    rows = await importer.rows(
        "SELECT action, kind, count(*) AS count FROM audit_entry"
        " WHERE kind <> 'RosterImport' GROUP BY action, kind ORDER BY kind"
    )
    assert [tuple(row) for row in rows] == [
        ("INSERT", "Consent", 3),
        ("INSERT", "Group", 1),
        ("INSERT", "Membership", 3),
        ("INSERT", "Person", 3),
    ]
    rows = await importer.rows(
        "SELECT action, count(*) AS count FROM audit_entry"
        " WHERE kind = 'RosterImport' AND actor_id = $1::uuid GROUP BY action ORDER BY action",
        id_of(Caller.ADMIN),
    )
    # Started, checked and applied: each was asked for, and ended.
    assert [tuple(row) for row in rows] == [("INSERT", 1), ("UPDATE", 4)]
    await importer.import_(small(enrollments=[]))
    (row,) = await importer.rows(
        "SELECT count(*) AS count FROM audit_entry"
        " WHERE kind = 'Membership' AND action = 'UPDATE' AND subject_id IS NOT NULL"
    )
    assert row["count"] == 3


async def test_the_school_s_consent_is_recorded_and_withdrawn_with_the_membership(
    importer: Importer,
) -> None:
    consents = (
        "SELECT c.basis, c.notice_version, c.given_by_id, c.withdrawn_at IS NOT NULL AS withdrawn,"
        " c.withdrawn_by_id FROM consent AS c JOIN membership AS m ON m.id = c.membership_id"
        " WHERE m.source = 'ROSTER' AND m.person_id = c.person_id AND m.role = c.role"
    )
    admin = id_of(Caller.ADMIN)
    await importer.import_(small(), noticeVersion="2026-1")
    input = ("SCHOOL", "2026-1", admin)
    assert [tuple(row) for row in await importer.rows(consents)] == [(*input, False, None)] * 3
    await importer.import_(small(), noticeVersion="2026-2")
    assert len(await importer.rows(consents)) == 3, "they stand already"
    await importer.import_(small(enrollments=[]))
    assert [tuple(row) for row in await importer.rows(consents)] == [(*input, True, admin)] * 3


@pytest.mark.parametrize(("source", "waits"), [("JOIN_CODE", True), ("INVITED", False)])
async def test_the_school_s_enrolment_takes_the_place_of_an_offer_that_is_open(
    importer: Importer, source: str, *, waits: bool
) -> None:
    """It was accepted for the student without a record, stayed when the roster dropped them, and
    waited without a name where the group admits by approval."""
    student, admin = id_of(Caller.STUDENT), id_of(Caller.ADMIN)
    listed = user("u9", "The Student", email="the-student@school.example")
    await importer.import_(small(enrollments=[]))
    await importer.write(
        "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source,"
        " granted_by_id, confirmed) SELECT $2, g.organisation_id, g.id, $1, 'STUDENT', $3, $4, $5"
        " FROM learning_group AS g WHERE g.name = 'Art'",
        *(student, id_of("offer"), source, id_of(Caller.MANAGER), not waits),
    )
    enrolled = small(users=[listed], enrollments=enrolments(("c1", "u9", "student")))
    applied = await importer.import_(enrolled, noticeVersion="2026-1")
    assert applied["membershipsAdded"] == 1
    assert applied["changes"][-1]["sentence"] == "The Student becomes a student of Art."
    offer = (
        "SELECT source, granted_by_id, accepted_at IS NOT NULL AS accepted, confirmed,"
        " confirmed_by_id, ends_at IS NOT NULL AS ended FROM membership WHERE id = $1"
    )
    confirmed = admin if waits else None
    now = ("ROSTER", None, True, True, confirmed)
    assert [tuple(row) for row in await importer.rows(offer, id_of("offer"))] == [(*now, False)]
    consents = (
        "SELECT basis, notice_version, given_by_id, withdrawn_at IS NOT NULL AS withdrawn"
        " FROM consent WHERE membership_id = $1"
    )
    input = ("SCHOOL", "2026-1", admin)
    rows = await importer.rows(consents, id_of("offer"))
    assert [tuple(row) for row in rows] == [(*input, False)]
    await importer.import_(small(users=[listed], enrollments=[]))
    assert [tuple(row) for row in await importer.rows(offer, id_of("offer"))] == [(*now, True)]
    rows = await importer.rows(consents, id_of("offer"))
    assert [tuple(row) for row in rows] == [(*input, True)]


async def test_source_and_notice_can_be_found_from_each_membership(importer: Importer) -> None:
    await importer.import_(small(), noticeVersion="2026-1")
    rows = await importer.rows(
        """
SELECT i.source, i.notice_version FROM membership AS m
    JOIN roster_membership AS l ON l.membership_id = m.id
    JOIN roster_import AS i ON i.id = l.import_id
WHERE m.organisation_id = $1::uuid AND m.source = 'ROSTER'
""",
        UUID(str(ORGANISATION)),
    )
    assert [tuple(row) for row in rows] == [("Made Up Records", "2026-1")] * 3
