"""Parents in a roster are no people by that alone, and drop nothing of what else they are."""

from __future__ import annotations

import pytest

from tests.db.roster_importer import Importer, counts, errors, small
from tests.unit.features.rosters import Table, classes, enrolments, roster, user

TEACHER, PARENT = user("t1", "Hana M", "teacher"), user("t1", "Hana M", "parent")
OTHERS = [user("u1", "Ana T"), user("u2", "Bea S")]
STAYS = ("t1@school.example", "MENTOR")


@pytest.mark.parametrize("batch", [1, 4_000])
@pytest.mark.parametrize("rows", [(PARENT, TEACHER), (TEACHER, PARENT), (PARENT, PARENT, TEACHER)])
async def test_a_row_as_a_parent_drops_no_row_as_a_teacher(
    importer: Importer,
    monkeypatch: pytest.MonkeyPatch,
    rows: Table,
    batch: int,
) -> None:
    for module in ("runner", "phases", "final_phases"):
        monkeypatch.setattr(f"poutama.features.roster.{module}.BATCH", batch)
    content = small(users=[*rows, *OTHERS], enrollments=enrolments(("c1", "u1", "student")))
    checked = await importer.check(content, managers=True)
    assert (errors(checked), counts(checked)["peopleAdded"]) == ([], 3)
    assert (await importer.apply(checked))["peopleAdded"] == 3


async def test_a_parent_who_teaches_a_class_is_its_mentor(importer: Importer) -> None:
    applied = await importer.import_(small(users=[PARENT, *OTHERS]))
    assert errors(applied) == []
    assert STAYS in await importer.members("Art")
    # And one who does not is not a person.
    applied = await importer.import_(small(users=[user("p1", "Pa T", "parent"), PARENT, *OTHERS]))
    assert counts(applied) == {}


async def test_a_delta_that_names_a_parent_ends_nothing_of_a_teacher(importer: Importer) -> None:
    await importer.import_(small())
    row = {**PARENT, "status": "active"}
    applied = await importer.import_(small("delta", classes=[], users=[row], enrollments=[]))
    assert counts(applied) == {}
    assert STAYS in await importer.members("Art")
    # In bulk, one who no longer teaches is no longer there.
    students = enrolments(("c1", "u1", "student"), ("c1", "u2", "student"))
    applied = await importer.import_(small(users=[PARENT, *OTHERS], enrollments=students))
    assert counts(applied) == {"peopleEnded": 1, "membershipsEnded": 1}


async def test_a_role_as_a_parent_drops_no_role_as_a_teacher(importer: Importer) -> None:
    plain = {key: value for key, value in TEACHER.items() if key not in ("role", "orgSourcedIds")}
    roles = [
        {
            "sourcedId": f"r-{role}",
            "userSourcedId": "t1",
            "roleType": "primary",
            "role": role,
            "orgSourcedId": "s1",
        }
        for role in ("parent", "teacher")
    ]
    content = roster(
        version="1.2",
        classes=classes(("c1", "Art")),
        users=[plain],
        roles=roles,
        enrollments=enrolments(("c1", "t1", "teacher")),
    )
    await importer.import_(content)
    assert await importer.members("Art") == [STAYS]
