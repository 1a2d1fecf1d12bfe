"""A school that changes its system: its rosters have other ids for the same people."""

from __future__ import annotations

from tests.db.roster_importer import Importer
from tests.db.test_addresses import ADDRESS, STUDENT, resolve, school
from tests.features.record import Caller
from tests.features.sample import id_of


async def test_names_and_addresses_are_updated_after_a_change_of_ids(importer: Importer) -> None:
    """A school that changes its system has other ids for the people whom its roster made."""
    await importer.import_(school(STUDENT))
    other = {**STUDENT, "sourcedId": "new-1"}
    await importer.import_(school(other))
    await resolve(importer, "SAME_PERSON")
    # The decision is about the name that was shown.
    await importer.import_(school(other))
    await importer.import_(school({**other, "familyName": "Corrected"}))
    name = "SELECT name, email FROM person WHERE id = $1::uuid"
    (row,) = await importer.rows(
        "SELECT person_id FROM roster_person WHERE sourced_id = 'new-1' AND NOT ended"
    )
    given_name = STUDENT["givenName"]
    found = await importer.rows(name, row["person_id"])
    assert [tuple(each) for each in found] == [(f"{given_name} Corrected", ADDRESS)]
    later = {**other, "familyName": "Again", "email": "again@school.example"}
    await importer.import_(school(later))
    found = await importer.rows(name, row["person_id"])
    assert [tuple(each) for each in found] == [(f"{given_name} Again", "again@school.example")]


async def test_a_row_that_stands_by_the_address_alone_renames_no_one(importer: Importer) -> None:
    """The person was not made by this roster: an administrator's decision changes nothing of it."""
    person = id_of(Caller.STUDENT)
    await importer.import_(school({**STUDENT, "email": "the-student@school.example"}))
    await importer.import_(
        school({**STUDENT, "sourcedId": "new-1", "email": "the-student@school.example"})
    )
    await resolve(importer, "SAME_PERSON")
    await importer.import_(
        school({**STUDENT, "sourcedId": "new-1", "email": "the-student@school.example"})
    )
    rows = await importer.rows("SELECT made FROM roster_person WHERE sourced_id = 'new-1'")
    assert [row["made"] for row in rows] == [False]
    (row,) = await importer.rows("SELECT name FROM person WHERE id = $1::uuid", person)
    assert row["name"] != f"{STUDENT['givenName']} {STUDENT['familyName']}"
