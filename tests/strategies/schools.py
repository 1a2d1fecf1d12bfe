"""Schools: people with every relationship to one another, and goals that others may see.

Memberships overlap, have ended, have not begun or were never accepted; a person mentors in one
organisation and studies in another. Times are hours away from `now`, so that it does not matter
when within an hour a question is asked. Values come from small pools, so that rows are alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.reference.computed import COUNTS, compute
from tests.reference.policy import LEADERS, Row, World
from tests.strategies.drawing import NAMES, TEXTS, chance, choose
from tests.strategies.memberships import MembershipBuilder


class School(dict[str, list[Row]]):
    """A world, as `tests.reference.policy` has them; too large to be printed."""

    def __repr__(self) -> str:
        return f"a school of {sum(map(len, self.values()))} rows"


@st.composite
def schools(draw: DrawFn, now: datetime, *, unused_groups: bool = False) -> World:
    """Worlds; with `unused_groups` some have a group to which no person ever belonged."""
    return School(_SchoolBuilder(draw, now).build(unused_groups=unused_groups))


@dataclass(slots=True)
class _SchoolBuilder(MembershipBuilder):
    """Draws a whole school."""

    def build(self, *, unused_groups: bool) -> World:
        people = list(self._rows("Person", 4, 7))
        organisations = list(self._rows("Organisation", 1, 3))
        groups = list(self._rows("Group", 1, 3, organisationId=organisations))
        joined = groups
        if unused_groups and len(groups) > 1 and chance(self.draw, 40):
            joined = groups[:-1]
        memberships = self._memberships(joined, people, organisations)
        known = [each for each in memberships if each["personId"]]
        goals, notes = self._written(people, organisations, memberships)
        inside = {"goalId": goals}
        places: dict[str, list[Any]] = {"organisationId": organisations}
        imports = list(self._rows("RosterImport", 2, 4, **places, jobId=[None], checkJobId=[None]))
        jobs = self._jobs(people, organisations)
        return {
            "Person": people,
            "Organisation": organisations,
            "Group": groups,
            "Membership": memberships,
            "Consent": self.consents(memberships, people),
            "Goal": goals,
            "GoalTask": list(self._rows("GoalTask", 2, 8, **inside)),
            "GoalNote": notes,
            "Evidence": self._all_evidence(people, goals, notes),
            "Job": jobs,
            "JobRowError": list(self._rows("JobRowError", 2, 5, jobId=jobs)),
            "Reminder": [self._reminder(goal) for goal in goals if chance(self.draw, 60)],
            "RosterImport": imports,
            "RosterChange": list(self._rows("RosterChange", 2, 4, importId=imports)),
            "OpenedRecord": list(self._opened_records(known)),
            "PrivacyRequest": list(self._privacy_requests(known, people, organisations, jobs)),
            "AuditEntry": self._audit_entries(people, organisations),
            "AddressConflict": self._address_conflicts(people, organisations),
        }

    def _memberships(
        self, groups: list[Row], people: list[Row], organisations: list[Row]
    ) -> list[Row]:
        """A mentor and two students for each group, an offer, and others."""
        memberships = [
            self.membership(role, [group], people, organisations)
            for group in groups
            for role in ("MENTOR", "STUDENT", "STUDENT")
        ]
        memberships.append(self.offer(groups, people, organisations))
        studies = [each for each in memberships if each["role"] == "STUDENT" and each["personId"]]
        for role in self.roles():
            made = self.membership(role, groups, people, organisations)
            self.care(made, studies)
            memberships.append(made)
        return memberships + self.returns(memberships)

    def _privacy_requests(
        self, memberships: list[Row], people: list[Row], organisations: list[Row], jobs: list[Row]
    ) -> Iterator[Row]:
        """Most are of a person who belongs to the organisation, where there is an administrator;
        to a verified one, where there is such a person."""
        led = {each["organisationId"] for each in memberships if each["role"] == "ADMIN"}
        verified = {each["id"] for each in organisations if each["verified"]}
        places = [each for each in memberships if each["organisationId"] in led] or memberships
        places = [
            each
            for each in places
            if each["organisationId"] in verified
            and each["acceptedAt"]
            and each["confirmed"]
            and not each["endsAt"]
        ] or places
        for _ in range(choose(self.draw, 3, 2, 4)):
            place = choose(self.draw, *places)
            state = choose(self.draw, "OPEN", "OPEN", "OPEN", "ACCEPTED", "REFUSED", "DONE")
            job = choose(self.draw, *jobs, None) if state == "ACCEPTED" else None
            is_decided = state != "OPEN"
            yield {
                **self.row("PrivacyRequest"),
                "personId": choose(self.draw, *[place["personId"]] * 4, people[0]["id"], None),
                "organisationId": choose(self.draw, *[place["organisationId"]] * 5, None),
                "jobId": job and job["id"], "kind": choose(self.draw, "ERASURE", "ACCESS"),
                "state": state, "note": choose(self.draw, *TEXTS), "dueAt": self.hours(400),
                "decidedAt": self.hours(-20) if is_decided else None,
                "deciderName": choose(self.draw, *NAMES) if is_decided else None,
                "reason": choose(self.draw, *TEXTS) if state == "REFUSED" else None,
                "doneAt": self.hours(-10) if state == "DONE" else None,
                "receipt": choose(self.draw, *TEXTS) if state == "DONE" else None,
                "receiptCode": choose(self.draw, None, f"code-{self.made}"),
                "reminder": choose(self.draw, None, "DUE_SOON", "OVERDUE"),
            }  # fmt: skip

    def _written(
        self, people: list[Row], organisations: list[Row], memberships: list[Row]
    ) -> tuple[list[Row], list[Row]]:
        """Goals and notes, with those whom they are for."""
        goals = list(self._rows("Goal", 4, 8, personId=people))
        for goal in goals:
            goal["organisationIds"] = self._chosen(organisations)
        made = self._rows("GoalNote", 2, 8, goalId=goals, authorId=[*people, None])
        return goals, [{**note, **self._audience(note, goals, memberships)} for note in made]

    def _chosen(self, organisations: list[Row]) -> tuple[UUID, ...] | None:
        """Most goals are for all organisations, some for one, or for none."""
        one = choose(self.draw, *organisations)["id"]
        return choose(self.draw, None, None, None, (one,), (one,), ())

    def _audience(self, note: Row, goals: list[Row], memberships: list[Row]) -> Row:
        """Whom a note is for, and whose it is: mostly of where the goal's student studies."""
        (student,) = (each["personId"] for each in goals if each["id"] == note["goalId"])
        places = [each["organisationId"] for each in memberships if each["personId"] == student]
        others = [each["organisationId"] for each in memberships[:2]]
        wrote = choose(self.draw, None, *places, *places, *places, *others)
        audience = choose(self.draw, "CAREGIVERS", "STUDENT", "STAFF")
        return {"audience": audience, "organisationId": wrote}

    def _audit_entries(self, people: list[Row], organisations: list[Row]) -> list[Row]:
        linked: dict[str, list[Any]] = {"subjectId": [*people, None], "actorId": people}
        return list(self._rows("AuditEntry", 3, 7, **linked, organisationId=[*organisations, None]))

    def _jobs(self, people: list[Row], organisations: list[Row]) -> list[Row]:
        asked: dict[str, list[Any]] = {
            "personId": people,
            "organisationId": [*organisations, None],
            "subjectId": [*people, None],
        }
        jobs = list(self._rows("Job", 2, 5, **asked))
        return [{**job, "readOrganisationIds": self._chosen(organisations)} for job in jobs]

    def _opened_records(self, memberships: list[Row]) -> Iterator[Row]:
        """Most are of a student of an organisation that the opener leads; some are over."""
        able = [
            (leader, study)
            for leader in memberships
            for study in memberships
            if leader["role"] in LEADERS
            and study["role"] == "STUDENT"
            and leader["organisationId"] == study["organisationId"]
        ]
        now = [pair for pair in able if all(map(self.is_current, pair))]
        for _ in range(choose(self.draw, 4, 3, 5, 2)):
            leader, study = (choose(self.draw, *memberships) for _ in range(2))
            if able and chance(self.draw, 90):
                leader, study = choose(self.draw, *(now if now and chance(self.draw, 70) else able))
            begun, ends = choose(self.draw, (-2, 20), (-2, 20), (-2, 20), (-30, -10))
            yield {
                **self.row("OpenedRecord"),
                "personId": study["personId"],
                "openerId": choose(self.draw, *[leader["personId"]] * 9, None),
                "organisationId": leader["organisationId"],
                "openerName": choose(self.draw, *NAMES),
                "reason": choose(self.draw, *TEXTS),
                "otherAdministrators": choose(self.draw, 0, 1),
                "createdAt": self.hours(begun),
                "expiresAt": self.hours(ends),
                "closedAt": choose(self.draw, None, None, None, None, self.hours(-1)),
            }

    def _rows(self, kind: str, least: int, most: int, **links: list[Any]) -> Iterator[Row]:
        """Some rows of a type, each linked to some of the others."""
        for _ in range(self.draw(st.integers(least, most))):
            linked = {key: choose(self.draw, *rows) for key, rows in links.items()}
            yield {
                **self.row(kind),
                **{key: row and row["id"] for key, row in linked.items()},
                **getattr(self, f"_{kind.lower()}")(),
            }

    def _person(self) -> Row:
        return {"email": f"{self.made}@school.example", "name": choose(self.draw, *NAMES)}

    def _organisation(self) -> Row:
        return {
            "name": choose(self.draw, *NAMES),
            "timeZone": "Pacific/Auckland",
            "region": "ap-southeast-2",
            "retentionDays": choose(self.draw, 730, 90),
            "verified": choose(self.draw, True, True, False),
        }

    def _group(self) -> Row:
        """Some have ended, with their memberships."""
        ended = self.hours(choose(self.draw, *[None] * 8, -40))
        return {
            "name": choose(self.draw, *NAMES),
            "joinCode": None if ended else f"CODE{self.made}",
            "joinCodeExpiresAt": ended or self.hours(choose(self.draw, 700, 700, 700, -20)),
            "joinApproval": chance(self.draw, 30),
            "endedAt": ended,
        }

    def _goal(self) -> Row:
        return {
            "goalType": choose(self.draw, "ACADEMIC", "SPORTS"),
            "audience": choose(self.draw, "CAREGIVERS", "CAREGIVERS", "MENTORS", "ME"),
            "title": choose(self.draw, *TEXTS),
            "information": choose(self.draw, *TEXTS),
            **self._completion(),
            "dueAt": choose(self.draw, None, self.hours(-30), self.hours(30)),
            "color": choose(self.draw, None, "#3366cc"),
        }

    def _completion(self) -> Row:
        complete, since = choose(self.draw, (False, 0), (True, 0), (True, -40))
        return {"complete": complete, "completedAt": self.hours(since) if since else None}

    def _goaltask(self) -> Row:
        return {
            "information": choose(self.draw, *TEXTS),
            **self._completion(),
            "position": choose(self.draw, 0, 1, 2),
        }

    def _goalnote(self) -> Row:
        return {"information": choose(self.draw, *TEXTS)}

    def _job(self) -> Row:
        key = choose(self.draw, None, f"key-{self.made}")
        return compute("Job", {"resultKey": key}) | {
            "kind": choose(self.draw, "EXPORT", "ROSTER_CHECK"),
            "state": choose(self.draw, "QUEUED", "SUCCEEDED", "FAILED"),
            "done": choose(self.draw, 0, 1),
            "total": choose(self.draw, None, 1),
            "attempts": choose(self.draw, 0, 1),
            "failure": choose(self.draw, None, *TEXTS),
            "cancelRequested": choose(self.draw, False, True),
            "readAs": choose(self.draw, "STAFF", "STAFF_AND_CAREGIVER", "CAREGIVER", None),
            "input": "{}",
            "resultKey": key,
            "startedAt": choose(self.draw, None, self.hours(-30)),
            "finishedAt": choose(self.draw, None, self.hours(-20)),
        }

    def _jobrowerror(self) -> Row:
        return {
            "file": choose(self.draw, "users.csv", "orgs.csv"),
            "line": choose(self.draw, 0, 1, 2),
            "field": choose(self.draw, "role", ""),
            "code": choose(self.draw, "MISSING", "UNKNOWN"),
            "message": choose(self.draw, *TEXTS),
            "position": choose(self.draw, 0, 1, 2),
        }

    def _reminder(self, goal: Row) -> Row:
        """Some were dismissed, and some are of a time that the goal is no longer due at."""
        return {
            **self.row("Reminder"),
            "personId": goal["personId"],
            "goalId": goal["id"],
            "kind": choose(self.draw, "DUE_SOON", "OVERDUE"),
            "dueAt": choose(self.draw, goal["dueAt"] or self.hours(-30), self.hours(30)),
            "dismissedAt": choose(self.draw, None, None, self.hours(-10)),
        }

    def _rosterimport(self) -> Row:
        state = choose(self.draw, "CHECKED", "UPLOADING", "CHECKING", "APPLIED", "APPLYING")
        counts = dict.fromkeys(COUNTS)
        if state not in ("UPLOADING", "CHECKING"):
            counts = {name: choose(self.draw, 0, 1, 5) for name in COUNTS}
        checked = self.hours(-30) if counts["rowsRead"] is not None else None
        row = {
            "name": "roster.zip", "mediaType": "application/zip", "bytes": choose(self.draw, 1, 2),
            "sha256": "00" * 32, "uploadKey": f"key-{self.made}" if state == "UPLOADING" else None,
            "schools": None, "managers": choose(self.draw, False, True), "state": state, **counts,
            "noticeVersion": choose(self.draw, None, "v1"), "source": None,
            "checkedAt": checked, "appliedAt": self.hours(-20) if state == "APPLIED" else None,
        }  # fmt: skip
        return row | compute("RosterImport", row)

    def _rosterchange(self) -> Row:
        return {
            "kind": choose(self.draw, "GROUP", "PERSON"),
            "action": choose(self.draw, "ADD", "END"),
            "line": choose(self.draw, 0, 1),
            "sourcedId": choose(self.draw, "a", "b"),
            "sentence": choose(self.draw, *TEXTS),
            "position": choose(self.draw, 0, 1, 2),
        }

    def _all_evidence(self, people: list[Row], goals: list[Row], notes: list[Row]) -> list[Row]:
        number = choose(self.draw, 3, 2, 4, 1)
        return [self._evidence(people, goals, notes) for _ in range(number)]

    def _evidence(self, people: list[Row], goals: list[Row], notes: list[Row]) -> Row:
        """Of a goal or of one of its notes; the goal of some, or the note, is gone."""
        note = choose(self.draw, None, *notes)
        goal = choose(self.draw, *goals, None)
        uploader = choose(self.draw, *people, None)
        key = f"key-{self.made}"
        row: Row = {
            **self.row("Evidence"),
            "goalId": note["goalId"] if note else goal and goal["id"],
            "noteId": note and choose(self.draw, note["id"], None),
            "addedTo": "NOTE" if note else "GOAL",
            "uploaderId": uploader and uploader["id"],
            "title": choose(self.draw, *TEXTS),
            "altText": choose(self.draw, *TEXTS),
            "fileName": choose(self.draw, "Tūī.jpg", "a.pdf"),
            "mediaType": choose(self.draw, "image/jpeg", "application/pdf"),
            "seconds": choose(self.draw, None, 5, 300),
            "bytes": choose(self.draw, 1, 2),
            "sha256": "00" * 32,
            "state": choose(self.draw, "READY", "PENDING", "REJECTED"),
            "rejection": None, "stem": key,
            "uploadKey": None, "objectKey": None, "thumbnailKey": None, "thumbnailType": None,
            "organisationId": None, "jobId": None,
        }  # fmt: skip
        match row["state"]:
            case "PENDING":
                row |= {"uploadKey": key}
            case "READY":
                row |= {"objectKey": key}
                if chance(self.draw, 50):
                    row |= {"thumbnailKey": key}
            case "REJECTED":
                row |= {"rejection": choose(self.draw, *TEXTS)}
        return row | compute("Evidence", row)

    def _address_conflicts(self, people: list[Row], organisations: list[Row]) -> list[Row]:
        number = choose(self.draw, 2, 1, 3)
        return [self._address_conflict(people, organisations) for _ in range(number)]

    def _address_conflict(self, people: list[Row], organisations: list[Row]) -> Row:
        """Some are decided; the person of some has another address by then."""
        person = choose(self.draw, *people)
        decision = choose(self.draw, None, None, None, "SAME_PERSON", "DIFFERENT_PEOPLE")
        proposer = choose(self.draw, None, *people, None)
        decider = choose(self.draw, *people, None) if decision else None
        return {
            **self.row("AddressConflict"),
            "organisationId": choose(self.draw, *organisations)["id"],
            "personId": person["id"],
            "personName": person["name"],
            "personSourcedId": None,
            "email": choose(self.draw, person["email"], person["email"], "old@school.example"),
            "kind": choose(self.draw, "SIGN_IN", "ROSTER"),
            "source": "https://issuer.example",
            "claimant": f"claimant-{self.made}",
            "claimedName": choose(self.draw, None, *NAMES),
            "proposal": proposer and "SAME_PERSON",
            "proposedAt": proposer and self.hours(-30),
            "proposedById": proposer and proposer["id"],
            "decision": decision,
            "decidedById": decider and decider["id"],
            "decidedAt": self.hours(-20) if decision else None,
        }

    def _auditentry(self) -> Row:
        return {
            "at": self.moment(),
            "action": choose(self.draw, "READ", "UPDATE"),
            "kind": choose(self.draw, "Goal", "Membership"),
            "rowId": choose(self.draw, None, UUID(int=self.made)),
            "audience": choose(self.draw, "PERSON", "PERSON", "STAFF"),
            "actorName": choose(self.draw, *NAMES),
            "organisationName": choose(self.draw, *NAMES, None),
            "actorRole": (None, "MENTOR", "ADMIN", "OPENED_RECORD")[self.made % 4],
        }
