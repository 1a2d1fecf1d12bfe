"""The demo school's roll: which student is in which group, by number alone.

Called by `demo.school` for who writes a note, and by `demo.demo_memberships` for the rows. Pure
arithmetic on numbers from 1 on; knows no ids, no emails and no words.

The first organisation is a day school with a class for every 25 students, each with a mentor of
its own. Every tenth student goes to the second organisation instead, an evening school; every
25th goes to both. An evening group has the evening students among 250.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

STUDENTS_A_MENTOR = 25
CLASSES_AN_EVENING = 10
DAY, EVENING = 1, 2


class MembershipState(Enum):
    """How it stands with a student's membership."""

    CURRENT = auto()
    ENDED = auto()
    NOT_ACCEPTED = auto()
    NOT_BEGUN = auto()


@dataclass(frozen=True, slots=True)
class Group:
    """A class of the day school, or a group of the evening school."""

    organisation: int
    number: int

    @property
    def name(self) -> str:
        if self == SUMMER:
            return "Summer School"
        return f"{'Class' if self.organisation == DAY else 'Evening'} {self.number:02}"

    @property
    def join_code(self) -> str:
        """Unlike the codes that the API makes up, easy to guess: this school is for trying."""
        return self.name.upper().replace(" ", "-")

    @property
    def first_student(self) -> int:
        """With this student the group comes to be."""
        classes = 1 if self.organisation == DAY else CLASSES_AN_EVENING
        return max(0, self.number - 1) * classes * STUDENTS_A_MENTOR + 1


SUMMER = Group(DAY, 0)
"""Over, and put away; the first mentor led it."""


def mentors_of(first: int, last: int) -> range:
    """The mentors whose first student is among the students `first` to `last`."""
    return range(
        (first + STUDENTS_A_MENTOR - 2) // STUDENTS_A_MENTOR + 1,
        (last + STUDENTS_A_MENTOR - 1) // STUDENTS_A_MENTOR + 1,
    )


def class_of(student: int) -> Group:
    return Group(DAY, (student - 1) // STUDENTS_A_MENTOR + 1)


def evening_of(student: int) -> Group:
    return Group(EVENING, (student - 1) // (STUDENTS_A_MENTOR * CLASSES_AN_EVENING) + 1)


def groups_of(student: int) -> list[Group]:
    """The groups the student is in, one way or another."""
    both = student % 25 == 0
    evening = student % 10 == 0
    groups = [class_of(student)] if both or not evening else []
    return [*groups, evening_of(student)] if both or evening else groups


def groups_mentored(mentor: int) -> list[Group]:
    """A class each; every tenth mentor, from the second on, has an evening group besides."""
    groups = [Group(DAY, mentor)]
    if mentor % CLASSES_AN_EVENING == 2:
        groups.append(Group(EVENING, mentor // CLASSES_AN_EVENING + 1))
    return groups


def membership_state_of(student: int) -> MembershipState:
    """Current for most, and for all who are in an evening group or have a caregiver."""
    match student % 40:
        case 8:
            return MembershipState.NOT_ACCEPTED
        case 17:
            return MembershipState.ENDED
        case 29:
            return MembershipState.NOT_BEGUN
    return MembershipState.CURRENT


def has_caregiver(student: int) -> bool:
    return student % 5 == 1


def mentor_of(student: int) -> int | None:
    """The mentor of the student's class; None for those who are not in one now."""
    own = class_of(student)
    current = membership_state_of(student) is MembershipState.CURRENT
    return own.number if current and own in groups_of(student) else None
