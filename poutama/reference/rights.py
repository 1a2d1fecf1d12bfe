"""Which mutation is allowed to whom: one table, shown in `docs/permissions.md` and put to the test.

`reference.permissions` prints it, and `tests/db/test_mutation_roles.py` tries every cell of it
against a real database. It decides nothing: what decides are the `@change` rules of the schema
files and the procedures of `features`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Caller(StrEnum):
    """What somebody is to the student, the group and the organisation that a mutation is about."""

    ANONYMOUS = "not signed in"
    STRANGER = "stranger"
    STUDENT = "the student"
    CLASSMATE = "another student of the group"
    MENTOR = "mentor"
    OTHER_MENTOR = "mentor of another group"
    ENDED_MENTOR = "mentor who has left"
    MANAGER = "manager"
    ADMIN = "admin"
    OTHER_ADMIN = "admin of another organisation"
    CAREGIVER = "caregiver"


@dataclass(frozen=True, slots=True)
class Case:
    """A mutation, what it is about, and who may do that."""

    mutation: str
    about: str
    allowed: frozenset[Caller]


_SIGNED_IN = frozenset(Caller) - {Caller.ANONYMOUS}
_NOBODY = frozenset[Caller]()
_STUDENT = frozenset({Caller.STUDENT})
_MENTOR = frozenset({Caller.MENTOR})
_MANAGER = frozenset({Caller.MANAGER})
_ADMIN = frozenset({Caller.ADMIN})
_CAREGIVER = frozenset({Caller.CAREGIVER})
_LEADERS = _MANAGER | _ADMIN

CASES = (
    Case("createGoal", "a goal of one's own", _SIGNED_IN),
    Case("updateGoal", "the student's goal", _STUDENT),
    Case("deleteGoal", "the student's goal", _STUDENT),
    Case("createGoalTask", "the student's goal", _STUDENT),
    Case("updateGoalTask", "a task of the student", _STUDENT),
    Case("deleteGoalTask", "a task of the student", _STUDENT),
    Case("reorderGoalTasks", "the student's goal", _STUDENT),
    Case("createGoalNote", "the student's goal", _STUDENT | _MENTOR | _MANAGER),
    Case("updateGoalNote", "a note of the student", _STUDENT),
    Case("updateGoalNote", "a note of the mentor", _MENTOR),
    Case("updateGoalNote", "a note of the mentor who has left", _NOBODY),
    Case("deleteGoalNote", "a note of the student", _STUDENT),
    Case("deleteGoalNote", "a note of the mentor", _MENTOR),
    Case("deleteGoalNote", "a note of the mentor who has left", _NOBODY),
    Case("addEvidence", "the student's goal", _STUDENT),
    Case("addEvidence", "a note of the mentor", _STUDENT),
    Case("finishEvidence", "evidence of the student", _STUDENT),
    Case("updateEvidence", "evidence of the student", _STUDENT),
    Case("deleteEvidence", "evidence of the student", _STUDENT),
    Case("dismissReminder", "the student's", _STUDENT),
    Case("exportJourney", "one's own", _SIGNED_IN),
    Case("exportJourney", "the student's", _STUDENT | _MENTOR | _LEADERS | _CAREGIVER),
    Case("createOrganisation", "a new one", _SIGNED_IN),
    Case("updateOrganisation", "the organisation", _ADMIN),
    Case("createGroup", "the organisation", _LEADERS),
    Case("updateGroup", "the group", _MENTOR | _LEADERS),
    Case("deleteGroup", "the group", _LEADERS),
    Case("renewJoinCode", "the group", _MENTOR | _LEADERS),
    Case("joinGroup", "the group, with its join code", _SIGNED_IN),
    Case("invite", "a student into the group", _LEADERS),
    Case("invite", "a mentor for the group", _LEADERS),
    Case("invite", "a caregiver of the student", _LEADERS),
    Case("invite", "a manager", _ADMIN),
    Case("invite", "an admin", _ADMIN),
    Case("acceptMembership", "the student's", _STUDENT),
    Case("endMembership", "the student's", _STUDENT | _MENTOR | _LEADERS),
    Case("endMembership", "the mentor's", _MENTOR | _LEADERS),
    Case("endMembership", "the caregiver's", _CAREGIVER | _LEADERS),
    Case("endMembership", "the manager's", _LEADERS),
    Case("endMembership", "the admin's", _ADMIN),
    Case("cancelJob", "the student's own", _STUDENT),
    Case("cancelJob", "one the student asked for in the organisation", _STUDENT | _ADMIN),
    Case("startRosterImport", "the organisation", _ADMIN),
    Case("checkRosterImport", "one of the organisation", _ADMIN),
    Case("applyRosterImport", "one of the organisation", _ADMIN),
)
"""In the order of the schema."""
