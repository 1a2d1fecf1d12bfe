"""Batches of the demo school: together they are the school, however it is split."""

from __future__ import annotations

import pytest

from poutama.demo.demo_memberships import group_id
from poutama.demo.missing_rows import StudentRange
from poutama.demo.school import COLUMNS, person_id

GROUP, PERSON = (COLUMNS["membership"].index(name) for name in ("group_id", "person_id"))


def batches(students: int, size: int) -> list[StudentRange]:
    return [
        StudentRange(first, min(first + size - 1, students))
        for first in range(1, students + 1, size)
    ]


@pytest.mark.parametrize(("few", "many"), [(1, 25), (26, 27), (250, 251), (260, 600)])
def test_a_small_school_is_a_part_of_a_large_one(few: int, many: int) -> None:
    small, large = StudentRange(1, few), StudentRange(1, many)
    assert set(small.memberships().membership) <= set(large.memberships().membership)
    assert set(small.groups()) <= set(large.groups())
    assert {*small.adults()} <= {*large.adults()}


@pytest.mark.parametrize("size", [25, 225])
def test_batches_are_the_school_in_parts(size: int) -> None:
    parts = batches(600, size)
    memberships = [row for part in parts for row in part.memberships().membership]
    assert len({row[0] for row in memberships}) == len(memberships)
    assert set(memberships) == set(StudentRange(1, 600).memberships().membership)


def test_all_come_with_their_group_or_after_it_and_with_their_memberships() -> None:
    founded = set[object]()
    for part in batches(600, 25):
        founded |= {
            group_id(group)
            for group in part.groups()
            if part.first <= group.first_student <= part.last
        }
        people = {person_id(email) for email in (*part.students(), *part.adults())}
        for row in part.memberships().membership:
            assert row[PERSON] in people
            assert row[GROUP] is None or row[GROUP] in founded
