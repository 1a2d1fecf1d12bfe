"""What no roster can do, whatever it says: take over people, share what is theirs, end much."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from poutama.features.roster import steps
from poutama.features.roster.runner import run_phase
from poutama.features.roster.sweep import purge_expired_rosters
from tests.db.roster_importer import (
    APPLY,
    CHECK,
    ORGANISATION,
    SEE,
    START,
    Importer,
    counts,
    errors,
)
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.unit.features.rosters import (
    Table,
    classes,
    enrolments,
    manifest,
    roster_of,
    small_school,
    user,
    zip_of,
)

GOALS = "query ($id: UUID!) { person(personId: $id) { goals { title } } }"
PERSON = "SELECT * FROM person WHERE email = $1::text"
FAR = {"organisationId": str(id_of("other organisation"))}


def school(*people: Any, mode: str = "bulk", **tables: Table) -> bytes:
    """One class, with all of these in it."""
    members = [("c1", one["sourcedId"], one["role"]) for one in people]
    wanted: dict[str, Table] = {
        "classes": classes(("c1", "Art")),
        "users": people,
        "enrollments": enrolments(*members),
    }
    return roster_of({**wanted, **tables}, mode)


def stranger(**more: str) -> Any:
    """The admin of another organisation, as a student of ours."""
    return user("x1", "Not Them", email="admin-of-another-organisation@school.example", **more)


async def membership_of(importer: Importer, email: str) -> Any:
    rows = await importer.rows(
        "SELECT m.* FROM membership AS m JOIN person AS p ON p.id = m.person_id"
        " WHERE p.email = $1 AND m.source = 'ROSTER' AND m.organisation_id = $2::uuid",
        email,
        ORGANISATION,
    )
    return rows[0]


async def test_a_person_of_another_organisation_is_asked_and_keeps_name_and_email(
    importer: Importer,
) -> None:
    email = stranger()["email"]
    before = dict((await importer.rows(PERSON, email))[0])
    checked = await importer.check(school(stranger()))
    assert checked["changes"][1]["sentence"] == f"New person Not Them ({email})."
    await importer.apply(checked)
    assert dict((await importer.rows(PERSON, email))[0]) == before
    row = await membership_of(importer, email)
    assert (row["accepted_at"], row["invited_name"]) == (None, "Not Them")
    seen = await importer.ask(GOALS, Caller.ADMIN, id=str(before["id"]))
    assert seen is None
    # And not with the next import, either.
    changed = school(stranger(familyName="Changed"))
    await importer.import_(changed)
    assert dict((await importer.rows(PERSON, email))[0]) == before
    assert (await membership_of(importer, email))["accepted_at"] is None


async def test_an_email_in_the_file_never_changes_that_of_a_person_who_has_signed_in(
    importer: Importer,
) -> None:
    await importer.import_(school(user("u1", "Ana T")))
    person = (await importer.rows(PERSON, "u1@school.example"))[0]["id"]
    await importer.write(
        "INSERT INTO identity (issuer, subject, person_id) VALUES ('i', 's', $1::uuid)", person
    )
    taken = school(user("u1", "Ana T", email="attacker@school.example"))
    applied = await importer.check(taken)
    assert counts(applied) == {}
    assert errors(applied) == [("users.csv", 2, "email", "KEPT")]
    await importer.apply(applied)
    assert await importer.rows(PERSON, "u1@school.example")


async def test_an_email_is_corrected_before_the_first_sign_in(importer: Importer) -> None:
    await importer.import_(school(user("u1", "Ana T", email="tpyo@school.example")))
    applied = await importer.import_(school(user("u1", "Ana T")))
    assert counts(applied) == {"peopleChanged": 1}
    assert await importer.rows(PERSON, "u1@school.example")
    assert not await importer.rows(PERSON, "tpyo@school.example")


async def test_an_email_that_is_another_persons_is_not_taken(importer: Importer) -> None:
    await importer.import_(school(user("u1", "Ana T")))
    email = stranger()["email"]
    applied = await importer.import_(school(user("u1", "Ana T", email=email)))
    assert counts(applied) == {}
    assert len(await importer.rows(PERSON, email)) == 1
    assert await importer.rows(PERSON, "u1@school.example")


async def test_who_has_joined_another_organisation_is_not_renamed_any_more(
    importer: Importer,
) -> None:
    await importer.import_(school(user("u1", "Ana T")))
    person = (await importer.rows(PERSON, "u1@school.example"))[0]["id"]
    await importer.write(
        "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source)"
        " VALUES (gen_random_uuid(), $1::uuid, $2::uuid, $3::uuid, 'STUDENT', 'INVITED')",
        id_of("other organisation"),
        id_of("far group"),
        person,
    )
    # A stranger's offer changes nothing.
    await importer.import_(school(user("u1", "Right Name")))
    assert (await importer.rows(PERSON, "u1@school.example"))[0]["name"] == "Right Name"
    await importer.write("UPDATE membership SET accepted_at = now() WHERE person_id = $1", person)
    applied = await importer.import_(school(user("u1", "Other Name")))
    assert counts(applied) == {}
    assert errors(applied) == [("users.csv", 2, "email", "KEPT")]
    assert (await importer.rows(PERSON, "u1@school.example"))[0]["name"] == "Right Name"


async def test_an_email_that_another_user_of_the_roster_has_is_refused(
    importer: Importer,
) -> None:
    await importer.import_(school(user("u1", "Ana T")))
    newer = user("u2", "Ana T", email="u1@school.example", status="active")
    checked = await importer.check(school(newer, mode="delta", classes=[], enrollments=[]))
    assert errors(checked) == [("users.csv", 2, "email", "TAKEN")]
    # Nor with the older one gone: schools give addresses to newcomers.
    applied = await importer.import_(school(user("u2", "Ana T", email="u1@school.example")))
    assert ("users.csv", 2, "email", "TAKEN") in errors(applied)
    assert await importer.members("Art") == []


async def test_a_student_of_the_school_already_shares_with_a_new_group(
    importer: Importer,
) -> None:
    content = school(user("u1", "The Student", email="the-student@school.example"))
    checked = await importer.check(content)
    assert "has an account here already" in checked["changes"][1]["sentence"]
    await importer.apply(checked)
    assert await importer.members("Art") == [("the-student@school.example", "STUDENT")]


async def test_a_mentor_of_the_school_is_not_made_its_student_unasked(
    importer: Importer,
) -> None:
    await importer.import_(school(user("u1", "The Mentor", email="mentor@school.example")))
    assert await importer.members("Art") == []
    assert (await membership_of(importer, "mentor@school.example"))["accepted_at"] is None


async def test_a_roster_ends_only_what_rosters_made(importer: Importer) -> None:
    await importer.import_(school())
    await importer.write(
        "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source,"
        " accepted_at) SELECT gen_random_uuid(), g.organisation_id, g.id, $1::uuid, 'STUDENT',"
        " 'JOIN_CODE', now() FROM learning_group AS g WHERE g.name = 'Art'",
        id_of(Caller.STUDENT),
    )
    student = user("u1", "The Student", email="the-student@school.example")
    added = await importer.import_(school(student))
    assert counts(added) == {"peopleAdded": 1}
    assert "already, as in the roster" in added["changes"][-1]["sentence"]
    await importer.import_(school())
    assert await importer.members("Art") == [("the-student@school.example", "STUDENT")]


async def test_what_has_changed_since_the_check_is_matched_again(importer: Importer) -> None:
    checked = await importer.check(school(user("u1", "Ana T"), user("u2", "Bea S")))
    # A manager invites one of them meanwhile.
    await importer.write(
        "INSERT INTO person (id, email, name) VALUES (gen_random_uuid(), 'u1@school.example', 'A')"
    )
    applied = await importer.apply(checked)
    assert applied["state"] == "APPLIED"
    assert await importer.members("Art") == [("u2@school.example", "STUDENT")]
    assert (await membership_of(importer, "u1@school.example"))["accepted_at"] is None


async def test_a_former_admin_has_nothing_applied(importer: Importer) -> None:
    checked = await importer.check(small_school())
    arguments = {"importId": checked["id"], "expectedVersion": checked["version"]}
    await importer.ask(APPLY, i=arguments)
    await importer.write(
        "UPDATE membership SET ends_at = now() WHERE id = $1::uuid", id_of("admin's")
    )
    await importer.work(checked["id"])
    (row,) = await importer.rows("SELECT state FROM roster_progress")
    assert row["state"] == "FAILED"
    assert not await importer.rows("SELECT id FROM membership WHERE source = 'ROSTER'")


async def test_an_application_stops_at_the_step_after_the_right_is_lost(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = await importer.check(small_school())
    count = "SELECT count(*) AS n FROM learning_group"
    before = (await importer.rows(count))[0]["n"]

    async def end_once_groups_are_written(*arguments: Any) -> Any:
        if (await importer.rows(count))[0]["n"] > before:
            end = "UPDATE membership SET ends_at = now() WHERE id = $1::uuid"
            await importer.write(end, id_of("admin's"))
        return await run_phase(*arguments)

    monkeypatch.setattr(steps, "run_phase", end_once_groups_are_written)
    await importer.ask(APPLY, i={"importId": checked["id"], "expectedVersion": checked["version"]})
    await importer.work(checked["id"])
    (row,) = await importer.rows("SELECT state, failure FROM job ORDER BY created_at DESC LIMIT 1")
    assert tuple(row) == ("FAILED", steps.NO_ADMIN)
    assert (await importer.rows(count))[0]["n"] > before
    assert not await importer.rows("SELECT id FROM membership WHERE source = 'ROSTER'")


@pytest.mark.parametrize("caller", [each for each in Caller if each is not Caller.ADMIN])
async def test_only_the_admin_sees_and_uses_an_import(importer: Importer, caller: Caller) -> None:
    checked = await importer.check(small_school())
    response = await importer.send(SEE, caller, id=checked["id"])
    if caller is Caller.ANONYMOUS:
        assert response["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        return
    assert response["data"] == {"rosterImport": None}
    assert [each["extensions"]["code"] for each in response["errors"]] == ["NOT_FOUND"]
    version = {"expectedVersion": checked["version"]}
    for document, more in ((CHECK, {}), (APPLY, version)):
        code, _ = await importer.refuse(document, caller, i={"importId": checked["id"], **more})
        assert code == "NOT_FOUND"


async def test_an_import_goes_into_no_organisation_but_ones_own(importer: Importer) -> None:
    file = {"name": "r.zip", "bytes": 1, "sha256": "0" * 64}
    assert (await importer.refuse(START, i={**FAR, **file}))[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bytes": 0}, "bytes"),
        ({"bytes": 200_000_001}, "bytes"),
        ({"sha256": "xyz"}, "sha256"),
        ({"name": " "}, "name"),
        ({"noticeVersion": "x" * 101}, "noticeVersion"),
    ],
)
async def test_a_file_that_cannot_be_is_refused(
    importer: Importer, change: dict[str, Any], field: str
) -> None:
    arguments = {"organisationId": str(ORGANISATION), "name": "r", "bytes": 1, "sha256": "0" * 64}
    code, message = await importer.refuse(START, i={**arguments, **change})
    assert code == "BAD_USER_INPUT"
    assert message.startswith(f"input.{field}: ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no zip", "not a zip"),
        (zip_of({"../users.csv": b""}), "leads elsewhere"),
        (zip_of({"orgs.csv": b""}), "none of classes.csv"),
        (zip_of({"manifest.csv": manifest("7", users="bulk"), "users.csv": b"x"}), "expected 1.1"),
        (zip_of({"users.csv": "é".encode("utf-16")}), "UTF-16"),
        (
            zip_of({"users.csv": b"id|name\n1|Ana\n", "classes.csv": b"sourcedId\nc1\n"}),
            "classes.csv has no column title; its header begins 'sourcedId'. users.csv has no"
            " column sourcedId; its header begins 'id|name'.",
        ),
        (zip_of({"users.csv": b""}), "users.csv has no header."),
    ],
)
async def test_a_zip_that_is_no_roster_fails_with_its_reason(
    importer: Importer, content: bytes, reason: str
) -> None:
    failed = await importer.check(content)
    assert failed["state"] == "FAILED"
    assert reason in failed["job"]["failure"]
    assert await importer.staged() == 0


async def test_what_was_not_uploaded_or_is_another_file_is_not_read(importer: Importer) -> None:
    id_ = await importer.start(small_school())
    row = (await importer.rows("SELECT * FROM roster_import WHERE id = $1::uuid", UUID(id_)))[0]
    await importer.store.put(row["upload_key"], b"other", media_type="application/zip")
    await importer.ask(CHECK, i={"importId": id_})
    await importer.work(id_)
    assert "SHA-256 differs" in (await importer.see(id_))["job"]["failure"]
    # Uploaded now, it can be checked again.
    await importer.store.delete([row["upload_key"]])
    await importer.ask(CHECK, i={"importId": id_})
    await importer.work(id_)
    assert "upload it first" in (await importer.see(id_))["job"]["failure"]
    await importer.store.put(row["upload_key"], small_school(), media_type="application/zip")
    await importer.ask(CHECK, i={"importId": id_})
    await importer.work(id_)
    assert (await importer.see(id_))["state"] == "CHECKED"


async def test_two_imports_are_not_applied_at_once(importer: Importer) -> None:
    first, second = await importer.check(small_school()), await importer.check(small_school())
    arguments = {"importId": first["id"], "expectedVersion": first["version"]}
    await importer.ask(APPLY, i=arguments)
    arguments = {"importId": second["id"], "expectedVersion": second["version"]}
    code, message = await importer.refuse(APPLY, i=arguments)
    assert (code, "Another import" in message) == ("CONFLICT", True)


async def test_an_import_that_is_never_applied_is_forgotten(importer: Importer) -> None:
    checked = await importer.check(small_school())
    assert await importer.staged() > 0
    assert await purge_expired_rosters(importer.database, deadline=soon()) == 0
    await importer.write("UPDATE roster_import SET updated_at = now() - interval '8 days'")
    assert await purge_expired_rosters(importer.database, deadline=soon()) == 1
    seen = await importer.see(checked["id"])
    assert (seen["state"], seen["changes"]) == ("EXPIRED", [])
    assert await importer.staged() == 0
    keys = await importer.keys()
    scheduled = {row["key"] for row in await importer.rows("SELECT key FROM doomed_object")}
    assert keys <= scheduled


async def test_nothing_is_left_in_the_store_but_the_latest_report(importer: Importer) -> None:
    await importer.import_(small_school())
    keys = await importer.keys()
    scheduled = {row["key"] for row in await importer.rows("SELECT key FROM doomed_object")}
    (row,) = await importer.rows("SELECT report_key FROM roster_import")
    assert keys - scheduled == {row["report_key"]}
    await importer.write("UPDATE roster_import SET updated_at = now() - interval '31 days'")
    assert await purge_expired_rosters(importer.database, deadline=soon()) == 1
    scheduled = {row["key"] for row in await importer.rows("SELECT key FROM doomed_object")}
    assert keys <= scheduled
