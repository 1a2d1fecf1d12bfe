"""Who may see what, said so that a school's privacy officer can check it. Nothing else decides.

`tests/db/test_permissions.py` compares every answer of the engine with what these few rules allow.
They are written from what was promised to schools, over plain rows, and share no word with the
SQL. A row is what its GraphQL type shows, with the ids of what it belongs to besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

Row: TypeAlias = dict[str, Any]
World: TypeAlias = Mapping[str, list[Row]]
"""Type -> its rows, for every viewer together."""

LEADERS = ("MENTOR_MANAGER", "ADMIN")
PART_OF = {
    "GoalTask": ("Goal", "goalId"),
    "RosterChange": ("RosterImport", "importId"),
}
"""What is seen by those who see what it is a part of."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one viewer may see of a world at one moment."""

    world: World
    viewer: UUID
    now: datetime

    def may_see(self, kind: str, row: Row) -> bool:
        """Whether the viewer may know that this row exists."""
        parts = {
            "Goal": self.may_see_goal,
            "GoalNote": self.may_see_note,
            "Evidence": self.may_see_evidence,
            "JobRowError": self.may_see_row_error,
            "PersonAccess": self.may_see_access,
        }
        if kind in parts:
            return parts[kind](row)
        if kind in PART_OF:
            whole, key = PART_OF[kind]
            return any(
                self.may_see(whole, each) for each in self.world[whole] if each["id"] == row[key]
            )
        return self.may_see_whole(kind, row)

    def may_see_whole(self, kind: str, row: Row) -> bool:
        """As `may_see`, of what is not a part of something else."""
        match kind:
            case "Person":
                return self.may_see_person(row["id"])
            case "Organisation":
                return self.belongs_to(row["id"])
            case "Group":
                return self.is_in_group(row["id"]) or self.leads(row["organisationId"])
            case "GroupProgress" | "StudentAccount":
                # A group's sums, and whether a student has signed in: for those who teach or lead.
                group = row.get("groupId", row["id"])
                return self.mentors(group) or self.leads(row["organisationId"])
            case "Membership" | "Consent":
                return self.may_see_membership(row)
            case "Reminder" | "Invitation":
                return bool(row["personId"] == self.viewer)
            case "Job" | "RosterImport" | "OpenedRecord" | "PrivacyRequest":
                # A job is also seen by who asked for it, an opened record by the student and
                # by who opened it; an import is the organisation's.
                own = self.viewer in (row.get("personId"), row.get("openerId"))
                return own or self.leads(row["organisationId"], "ADMIN")
            case "AddressConflict":
                # Administrators decide, and managers confirm what one of them has decided.
                roles = LEADERS if row["proposal"] else ("ADMIN",)
                return self.leads(row["organisationId"], *roles)
            case "AuditEntry":
                # The person sees all but what is for staff, an administrator what was done in the
                # right of their own organisation.
                own = row["subjectId"] == self.viewer and row["audience"] == "PERSON"
                return own or self.leads(row["organisationId"], "ADMIN")
        raise LookupError(kind)

    def may_see_field(self, kind: str, row: Row, field: str) -> bool:
        """Whether the viewer may see the value, of a row that they may see."""
        match kind, field:
            case "Person", "email":
                # One's own, and those of people in an organisation one leads.
                return row["id"] == self.viewer or self.has_on_the_books(row["id"])
            case "Membership", "invitedName" | "invitedEmail":
                return self.leads(row["organisationId"])
            case "Membership", "applicantName":
                # Of who waits: those who may confirm them need to know who it is.
                return row["childId"] == self.viewer or (
                    self.mentors(row["groupId"]) or self.leads(row["organisationId"])
                )
            case "AddressConflict", "personName":
                # A school that the person has left does not learn what they are called since.
                return row["personId"] != self.viewer and any(
                    self.counts(each) and self.leads(each["organisationId"])
                    for each in self.world["Membership"]
                    if each["personId"] == row["personId"]
                    and each["organisationId"] == row["organisationId"]
                )
            case "Group", "joinCode" | "joinCodeExpiresAt":
                return self.mentors(row["id"]) or self.leads(row["organisationId"])
            case "Goal", "organisationIds":
                # Which others the student belongs to, and trusts less, is the student's affair.
                return bool(row["personId"] == self.viewer)
            case "Evidence", "uploadForm":
                return bool(row["uploaderId"] == self.viewer)
            case "Job", "resultUrl":
                # What was made of a person's data is for those who may still see that data in all
                # the rights in which it was read.
                return self.may_still_read(row) or self.leads(row["organisationId"], "ADMIN")
            case "Job", "readOrganisationIds":
                return bool(row["personId"] == self.viewer)
        return True

    def may_still_read(self, job: Row) -> bool:
        """Whether a job is about the viewer, or they have every right now in which it was read.

        What was read as the staff of two organisations is not for the staff of one.
        """
        student, places = job["subjectId"], job["readOrganisationIds"]
        if student is None or student == self.viewer:
            return student is not None
        as_staff = bool(places) and set(places) <= self.works_with(student)
        if job["readAs"] == "STAFF":
            return as_staff
        cares = self.is_caregiver_of(student)
        return cares and (job["readAs"] == "CAREGIVER" or (job["readAs"] is not None and as_staff))

    def may_see_row_error(self, row: Row) -> bool:
        """Lines of a school's file: for its administrators of now, not for the job's requester."""
        return any(
            self.leads(job["organisationId"], "ADMIN")
            for job in self.world["Job"]
            if job["id"] == row["jobId"]
        )

    def may_see_goal(self, goal: Row) -> bool:
        """The student all; the others what the student shows them: by audience and organisation."""
        student, audience = goal["personId"], goal["audience"]
        if student == self.viewer:
            return True
        cares = audience == "CAREGIVERS" and self.is_caregiver_of(student)
        return cares or bool(self.organisations_that_see(goal))

    def organisations_that_see(self, goal: Row) -> set[UUID]:
        """Those as whose staff the viewer sees a goal of another."""
        return {each for each in self.works_with(goal["personId"]) if self.is_shown_to(goal, each)}

    def is_shown_to(self, goal: Row, organisation: UUID) -> bool:
        """Whether the student shows a goal to the mentors of an organisation."""
        chosen = goal["organisationIds"]
        return goal["audience"] != "ME" and (chosen is None or organisation in chosen)

    def may_see_note(self, note: Row) -> bool:
        """Of those who see the goal: staff of the organisation that wrote it, and whom it is for.

        A note of the student's own belongs to none: all staff who see the goal read it.
        """
        audience, wrote = note["audience"], note["organisationId"]
        for goal in self.world["Goal"]:
            if goal["id"] != note["goalId"]:
                continue
            if goal["personId"] == self.viewer:
                return bool(audience != "STAFF")
            staff = self.organisations_that_see(goal)
            if wrote in staff or (wrote is None and staff):
                return True
            cares = goal["audience"] == "CAREGIVERS" and self.is_caregiver_of(goal["personId"])
            return cares and bool(audience == "CAREGIVERS")
        return False

    def may_see_evidence(self, evidence: Row) -> bool:
        """The student all of theirs; the others that of goals and of notes that they see."""
        goals = [each for each in self.world["Goal"] if each["id"] == evidence["goalId"]]
        if any(each["personId"] == self.viewer for each in goals):
            return True
        if evidence["addedTo"] == "GOAL":
            return any(map(self.may_see_goal, goals))
        return any(
            self.may_see_note(each)
            for each in self.world["GoalNote"]
            if each["id"] == evidence["noteId"]
        )

    def may_see_goals_of(self, student: UUID) -> bool:
        """The student, and those who look after the student: they see what the student shows them.

        Those who lead an organisation do not, unless they have opened the student's record.
        """
        return (
            student == self.viewer
            or self.is_caregiver_of(student)
            or bool(self.works_with(student))
        )

    def works_with(self, student: UUID) -> set[UUID]:
        """The organisations in which the viewer mentors the student, or has opened the record."""
        if student == self.viewer:
            return set()
        return {
            study["organisationId"]
            for study in self.current("STUDENT", of=student)
            if self.mentors(study["groupId"]) or self.has_opened(student, study["organisationId"])
        }

    def has_opened(self, student: UUID, organisation: UUID) -> bool:
        """Leads the organisation now, and has opened the record there, which is still open."""
        return self.leads(organisation) and any(
            self.is_open(each) and self.has_stayed(student, organisation, each["createdAt"])
            for each in self.world["OpenedRecord"]
            if each["openerId"] == self.viewer
            and each["personId"] == student
            and each["organisationId"] == organisation
        )

    def is_open(self, opened: Row) -> bool:
        return opened["closedAt"] is None and bool(opened["expiresAt"] > self.now)

    def may_see_person(self, person: UUID) -> bool:
        """Whose goals one sees, who mentors one, and who is on the books of those who lead.

        Students are on the books of those who lead, so that these need no opened record for it.
        """
        mine = {study["groupId"] for study in self.current("STUDENT", of=self.viewer)}
        theirs = {work["groupId"] for work in self.current("MENTOR", of=person)}
        return self.may_see_goals_of(person) or bool(mine & theirs) or self.has_on_the_books(person)

    def may_see_access(self, row: Row) -> bool:
        """The person all of it; others what is of the organisation in which they look after the
        person. That a record is opened is for the person and the administrators alone: a caregiver
        need not know that a school looks into what a child wrote."""
        person, place = row["personId"], row["organisationId"]
        if person == self.viewer or self.leads(place, "ADMIN"):
            return True
        studies = [
            study
            for study in self.current("STUDENT", of=person)
            if study["organisationId"] == place
        ]
        return row["reason"] != "OPENED_RECORD" and any(
            self.leads(place)
            or self.mentors(study["groupId"])
            or any(
                self.cares_for(care, person) and care["organisationId"] == place
                for care in self.current("CAREGIVER", of=self.viewer)
            )
            for study in studies
        )

    def may_see_membership(self, row: Row) -> bool:
        """One's own and those of one's caregivers, those of a group one mentors, those of an
        organisation one leads; the consents that belong to them are for those who lead."""
        return (
            self.viewer in (row["personId"], row.get("childId"))
            or self.mentors(row.get("groupId"))
            or self.leads(row["organisationId"])
        )

    def roles_towards(self, person: UUID | None, organisation: UUID | None) -> set[str]:
        """What an entry of the audit may say that the viewer was when they had to do with data of
        this person in the right of that organisation."""
        if person == self.viewer:
            return {"SELF"}
        held = {
            each["role"]
            for each in self.world["Membership"]
            if each["personId"] == self.viewer
            and each["organisationId"] == organisation
            and self.counts(each)
        }
        if organisation is None:
            return set()
        opened = person is not None and self.has_opened(person, organisation)
        return held | ({"OPENED_RECORD"} if opened else set())

    def is_caregiver_of(self, child: UUID) -> bool:
        """For an organisation, as long as the child studies there."""
        schools = {study["organisationId"] for study in self.current("STUDENT", of=child)}
        return any(
            self.cares_for(care, child) and care["organisationId"] in schools
            for care in self.current("CAREGIVER", of=self.viewer)
        )

    def cares_for(self, care: Row, child: UUID) -> bool:
        """Whether the child has studied there ever since the caregiver was confirmed."""
        confirmed = care["confirmedAt"] or care["acceptedAt"]
        place = care["organisationId"]
        return care["childId"] == child and self.has_stayed(child, place, confirmed)

    def has_stayed(self, student: UUID, organisation: UUID, since: datetime | None) -> bool:
        """Then, and whenever a membership there ended since, one counted: they were never away."""
        if since is None:
            return False
        studies = [
            each
            for each in self.world["Membership"]
            if each["personId"] == student
            and each["organisationId"] == organisation
            and each["role"] == "STUDENT"
        ]
        ends = [each["endsAt"] for each in studies if each["endsAt"] is not None]
        moments = [since, *(end for end in ends if since < end <= self.now)]
        return all(any(self.counted(each, moment) for each in studies) for moment in moments)

    def counted(self, membership: Row, moment: datetime) -> bool:
        """Whether a membership gave rights at a moment of the past."""
        if membership["acceptedAt"] is None or not membership["confirmed"]:
            return False
        begins = (membership["beginsAt"], membership["acceptedAt"], membership["confirmedAt"])
        ends = membership["endsAt"]
        return all(each is None or each <= moment for each in begins) and (
            ends is None or ends > moment
        )

    def mentors(self, group: UUID | None) -> bool:
        return any(work["groupId"] == group for work in self.current("MENTOR", of=self.viewer))

    def leads(self, organisation: UUID | None, *roles: str) -> bool:
        """As manager or administrator: both see all of their organisation, and no other."""
        return any(
            work["organisationId"] == organisation
            for work in self.current(*(roles or LEADERS), of=self.viewer)
        )

    def is_in_group(self, group: UUID) -> bool:
        return any(
            each["groupId"] == group for each in self.current("STUDENT", "MENTOR", of=self.viewer)
        )

    def belongs_to(self, organisation: UUID | None) -> bool:
        return any(
            each["organisationId"] == organisation
            for each in self.world["Membership"]
            if each["personId"] == self.viewer and self.counts(each)
        )

    def has_on_the_books(self, person: UUID) -> bool:
        """A membership that counts now in an organisation the viewer leads: no name before
        they accept."""
        return any(
            self.leads(each["organisationId"])
            for each in self.world["Membership"]
            if each["personId"] == person and self.counts(each)
        )

    def current(self, *roles: str, of: UUID) -> list[Row]:
        """The person's memberships in these roles that count now."""
        return [
            each
            for each in self.world["Membership"]
            if each["personId"] == of and each["role"] in roles and self.counts(each)
        ]

    def counts(self, membership: Row) -> bool:
        """Accepted, confirmed where it must be, begun and not over: or it gives no right."""
        accepted = membership["acceptedAt"] is not None and membership["confirmed"]
        begun = membership["beginsAt"] <= self.now
        return accepted and begun and not self.is_over(membership)

    def is_offered(self, membership: Row) -> bool:
        """Offered, and neither answered nor expired: the person may still accept it."""
        accepted = membership["acceptedAt"] is not None
        expires = membership["expiresAt"]
        expired = expires is not None and expires <= self.now
        return not (accepted or expired or self.is_over(membership))

    def is_over(self, membership: Row) -> bool:
        return membership["endsAt"] is not None and membership["endsAt"] <= self.now
