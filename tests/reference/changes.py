"""What each mutation does to the rows, said as plainly as Python can.

`tests/db/test_changes.py` compares a real database with these worlds. Who may do it, says
`tests.reference.rights`. New ids are any ids, and `now` is any moment: the comparison knows.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from poutama.schema.directives import snake_case
from tests.reference.fresh import NEW
from tests.reference.policy import Policy, Row, World
from tests.reference.rights import may_do


class Refused(Exception):  # noqa: N818  an outcome
    """The mutation is refused, and with it all of the operation; the argument is its code."""


@dataclass(frozen=True, slots=True)
class Step:
    """One root field of a mutation operation."""

    mutation: str
    given: Row


@dataclass(frozen=True, slots=True)
class Done:
    """What a payload is about: the type, and the rows that are equally right."""

    kind: str
    ids: frozenset[UUID]


def do(world: World, viewer: UUID, now: datetime, steps: list[Step]) -> tuple[World, list[Done]]:
    """The world after the steps, all or none of them.

    Raises:
        Refused: nothing happens.
    """
    doing = Doing(deepcopy(dict(world)), viewer, now)
    return doing.world, [doing.do(step) for step in steps]


@dataclass(slots=True)
class Doing:
    """Does one step after the other to a world of its own."""

    world: dict[str, list[Row]]
    viewer: UUID
    now: datetime
    policy: Policy = field(init=False)

    def __post_init__(self) -> None:
        self.policy = Policy(self.world, self.viewer, self.now)

    def do(self, step: Step) -> Done:
        done: Done = getattr(self, snake_case(step.mutation))(step.given)
        return done

    # Goals.

    def create_goal(self, given: Row) -> Done:
        values = {key: value for key, value in given.items() if key not in ("tasks", "notes")}
        goal = self.add("Goal", personId=self.viewer, **values)
        for position, task in enumerate(given.get("tasks") or ()):
            self.add("GoalTask", goalId=goal["id"], position=position, **task)
        for note in given.get("notes") or ():
            self.add("GoalNote", goalId=goal["id"], authorId=self.viewer, **note)
        self.record("INSERT", "Goal", goal["id"], self.viewer)
        return about("Goal", goal)

    def update_goal(self, given: Row) -> Done:
        return self.update("updateGoal", "Goal", given, "goalId")

    def delete_goal(self, given: Row) -> Done:
        goal = self.changeable("deleteGoal", "Goal", given, "goalId")
        for note in self.all("GoalNote", goalId=goal["id"]):
            self.lose("Evidence", "noteId", note)
        self.lose("Evidence", "goalId", goal)
        for kind in ("GoalTask", "GoalNote", "Reminder"):
            self.remove(kind, *self.all(kind, goalId=goal["id"]))
        return self.delete("Goal", goal)

    def create_goal_task(self, given: Row) -> Done:
        goal = self.permitted("createGoalTask", self.find("Goal", given["goalId"]))
        taken = [each["position"] for each in self.all("GoalTask", goalId=goal["id"])]
        task = self.add("GoalTask", position=max(taken, default=-1) + 1, **given)
        self.record("INSERT", "GoalTask", task["id"], self.viewer)
        return about("GoalTask", task)

    def update_goal_task(self, given: Row) -> Done:
        return self.update("updateGoalTask", "GoalTask", given, "taskId")

    def delete_goal_task(self, given: Row) -> Done:
        task = self.changeable("deleteGoalTask", "GoalTask", given, "taskId")
        for other in self.all("GoalTask", goalId=task["goalId"]):
            if other["position"] > task["position"]:
                other["position"] -= 1
        return self.delete("GoalTask", task)

    def reorder_goal_tasks(self, given: Row) -> Done:
        goal = self.permitted("reorderGoalTasks", self.find("Goal", given["goalId"]))
        tasks = {each["id"]: each for each in self.all("GoalTask", goalId=goal["id"])}
        if sorted(given["taskIds"]) != sorted(tasks):
            raise Refused("BAD_USER_INPUT")
        for position, id_ in enumerate(given["taskIds"]):
            if tasks[id_]["position"] != position:
                self.touch(tasks[id_], position=position)
        self.record("UPDATE", "Goal", goal["id"], self.viewer)
        return about("Goal", goal)

    def create_goal_note(self, given: Row) -> Done:
        goal = self.permitted("createGoalNote", self.find("Goal", given["goalId"]))
        note = self.add("GoalNote", authorId=self.viewer, **given)
        self.record("INSERT", "GoalNote", note["id"], goal["personId"])
        return about("GoalNote", note)

    def update_goal_note(self, given: Row) -> Done:
        return self.update("updateGoalNote", "GoalNote", given, "noteId")

    def delete_goal_note(self, given: Row) -> Done:
        note = self.changeable("deleteGoalNote", "GoalNote", given, "noteId")
        self.lose("Evidence", "noteId", note)
        return self.delete("GoalNote", note)

    # Evidence.

    def add_evidence(self, given: Row) -> Done:
        goal = self.permitted("addEvidence", self.find("Goal", given["goalId"]))
        if given.get("noteId") and self.find("GoalNote", given["noteId"])["goalId"] != goal["id"]:
            raise Refused("NOT_FOUND")
        studies = self.policy.current("STUDENT", of=self.viewer)
        first = min(studies, key=lambda each: (each["beginsAt"], each["id"]), default=None)
        made = self.add("Evidence", **{
            "noteId": None, "altText": "", "uploaderId": self.viewer, "stem": "new",
            "uploadKey": "new", "organisationId": first and first["organisationId"], **given,
        })  # fmt: skip
        self.record("INSERT", "Evidence", made["id"], self.viewer)
        return about("Evidence", made)

    def finish_evidence(self, given: Row) -> Done:
        made = self.changeable("finishEvidence", "Evidence", given, "evidenceId")
        if made["state"] == "PENDING" and made["jobId"] is None:
            asked = json.dumps({"evidence": str(made["id"]), "stem": made["stem"]})
            who = {"personId": self.viewer, "subjectId": self.viewer}
            job = self.add("Job", kind="EVIDENCE", input=asked, **who)
            self.touch(made, jobId=job["id"])
            self.record("UPDATE", "Evidence", made["id"], self.viewer)
        return about("Evidence", made)

    def update_evidence(self, given: Row) -> Done:
        return self.update("updateEvidence", "Evidence", given, "evidenceId")

    def delete_evidence(self, given: Row) -> Done:
        made = self.changeable("deleteEvidence", "Evidence", given, "evidenceId")
        self.delete("Evidence", made)
        return Done("Goal", frozenset([made["goalId"]]))

    # Organisations and groups.

    def create_organisation(self, given: Row) -> Done:
        usual = {"timeZone": "Pacific/Auckland", "region": "ap-southeast-2", "retentionDays": 730}
        made = self.add("Organisation", **{**usual, **given})
        self.record("INSERT", "Organisation", made["id"], None)
        self.join(
            self.viewer, organisationId=made["id"], role="ADMIN", source="FOUNDED",
            acceptedAt=self.now,
        )  # fmt: skip
        return about("Organisation", made)

    def update_organisation(self, given: Row) -> Done:
        return self.update("updateOrganisation", "Organisation", given, "organisationId")

    def create_group(self, given: Row) -> Done:
        self.permitted("createGroup", self.find("Organisation", given["organisationId"]))
        group = self.add("Group", joinCode="new", **given)
        self.record("INSERT", "Group", group["id"], None)
        return about("Group", group)

    def update_group(self, given: Row) -> Done:
        return self.update("updateGroup", "Group", given, "groupId")

    def delete_group(self, given: Row) -> Done:
        group = self.changeable("deleteGroup", "Group", given, "groupId")
        self.remove("Membership", *self.all("Membership", groupId=group["id"]))
        return self.delete("Group", group)

    def renew_join_code(self, given: Row) -> Done:
        group = self.permitted("renewJoinCode", self.find("Group", given["groupId"]))
        self.touch(group, joinCode="new")
        self.record("UPDATE", "Group", group["id"], None)
        return about("Group", group)

    # Memberships.

    def join_group(self, given: Row) -> Done:
        groups = self.all("Group", joinCode=given["joinCode"].strip().upper())
        if not groups:
            raise Refused("NOT_FOUND")
        place = {"organisationId": groups[0]["organisationId"], "groupId": groups[0]["id"]}
        return self.join(self.viewer, role="STUDENT", source="JOIN_CODE", **place)

    def invite(self, given: Row) -> Done:
        role, group, child = given["role"], given.get("groupId"), given.get("childId")
        fits = (role in ("STUDENT", "MENTOR")) == (group is not None)
        if not fits or (role == "CAREGIVER") != (child is not None):
            raise Refused("BAD_USER_INPUT")
        place = {"organisationId": given["organisationId"], "groupId": group, "childId": child}
        self.permitted("invite", {**place, "role": role})
        if group and self.find("Group", group)["organisationId"] != given["organisationId"]:
            raise Refused("NOT_FOUND")
        studies = self.policy.current("STUDENT", of=child) if child else ()
        if child and given["organisationId"] not in [each["organisationId"] for each in studies]:
            raise Refused("NOT_FOUND")
        email = given["email"].lower()
        known = self.all("Person", email=email)
        person = known[0] if known else self.add("Person", email=email, name=given["name"])
        invited = {"invitedName": given["name"], "invitedEmail": email}
        return self.join(person["id"], role=role, source="INVITED", **place, **invited)

    def accept_membership(self, given: Row) -> Done:
        found = self.find("Membership", given["membershipId"])
        self.permitted("acceptMembership", found)
        if found["acceptedAt"] is None:
            self.touch(found, acceptedAt=self.now)
            self.record("UPDATE", "Membership", found["id"], found["personId"])
        return about("Membership", found)

    def end_membership(self, given: Row) -> Done:
        found = self.find("Membership", given["membershipId"])
        self.permitted("endMembership", found)
        if not self.policy.is_over(found):
            admins = self.all("Membership", organisationId=found["organisationId"], role="ADMIN")
            others = [each for each in admins if each is not found and self.policy.counts(each)]
            if found["role"] == "ADMIN" and found["acceptedAt"] and not others:
                raise Refused("CONFLICT")
            self.touch(found, endsAt=self.now)
            self.record("UPDATE", "Membership", found["id"], found["personId"])
        return about("Membership", found)

    # Jobs.

    def cancel_job(self, given: Row) -> Done:
        job = self.permitted("cancelJob", self.find("Job", given["jobId"]))
        if job["state"] == "QUEUED" and not job["cancelRequested"]:
            self.touch(job, cancelRequested=True, state="CANCELLED", finishedAt=self.now)
            self.record("UPDATE", "Job", job["id"], job["personId"])
        return about("Job", job)

    def dismiss_reminder(self, given: Row) -> Done:
        found = self.find("Reminder", given["reminderId"])
        self.permitted("dismissReminder", found)
        if found["dismissedAt"] is None:
            found["dismissedAt"] = self.now
            self.record("UPDATE", "Reminder", found["id"], self.viewer)
        return Done("Goal", frozenset([found["goalId"]]))

    def export_journey(self, given: Row) -> Done:
        person = self.find("Person", given.get("personId") or self.viewer)
        self.permitted("exportJourney", person)
        who = {"personId": self.viewer, "subjectId": person["id"]}
        asked = self.all("Job", kind="EXPORT", state="QUEUED", cancelRequested=False, **who)
        if asked:
            return Done("Job", frozenset(job["id"] for job in asked))
        wish = {"personId": str(person["id"]), "asOf": "new", "folder": "new"}
        job = self.add("Job", kind="EXPORT", input=json.dumps(wish), **who)
        if person["id"] != self.viewer:
            self.record("READ", "Journey", None, person["id"])
        return about("Job", job)

    # Rosters.

    def start_roster_import(self, given: Row) -> Done:
        self.permitted("startRosterImport", self.find("Organisation", given["organisationId"]))
        made = self.add("RosterImport", **{
            "uploadKey": "new", "mediaType": "application/zip", "noticeVersion": None, **given,
        })  # fmt: skip
        self.record("INSERT", "RosterImport", made["id"], None)
        return about("RosterImport", made)

    def check_roster_import(self, given: Row) -> Done:
        found = self.find("RosterImport", given["importId"])
        self.permitted("checkRosterImport", found)
        if found["state"] == "CHECKING":
            return about("RosterImport", found)
        if found["state"] not in ("UPLOADING", "CHECKED"):
            raise Refused("CONFLICT")
        return self.begin(found, "ROSTER_CHECK", "CHECKING", {})

    def apply_roster_import(self, given: Row) -> Done:
        found = self.changeable("applyRosterImport", "RosterImport", given, "importId")
        most = given.get("allowEndingPercent", 20)
        others = self.all("RosterImport", organisationId=found["organisationId"], state="APPLYING")
        if found["state"] != "CHECKED" or (found["endingPercent"] or 0) > most or others:
            raise Refused("CONFLICT")
        return self.begin(found, "ROSTER_APPLY", "APPLYING", {"allowEndingPercent": most})

    def begin(self, found: Row, kind: str, state: str, asked: Row) -> Done:
        wish = json.dumps({"import": str(found["id"]), **asked})
        who = {"personId": self.viewer, "subjectId": None, "input": wish}
        job = self.add("Job", kind=kind, **who, organisationId=found["organisationId"])
        checks = {"checkJobId": job["id"]} if state == "CHECKING" else {}
        self.touch(found, state=state, jobId=job["id"], uploadKey=None, **checks)
        self.record("UPDATE", "RosterImport", found["id"], None)
        return about("RosterImport", found)

    # What they are made of.

    def all(self, of: str, /, **values: Any) -> list[Row]:
        return [row for row in self.world[of] if values.items() <= row.items()]

    def find(self, kind: str, id_: UUID | None) -> Row:
        for row in self.all(kind, id=id_):
            return row
        raise Refused("NOT_FOUND")

    def permitted(self, mutation: str, about: Row) -> Row:
        """The row, if the viewer may do this to it; nobody is told that there is one otherwise."""
        if not may_do(self.policy, mutation, about):
            raise Refused("NOT_FOUND")
        return about

    def changeable(self, mutation: str, kind: str, given: Row, key: str) -> Row:
        row = self.find(kind, given[key])
        within = kind in ("GoalTask", "Evidence")
        self.permitted(mutation, self.find("Goal", row["goalId"]) if within else row)
        if given.get("expectedVersion") not in (None, row["version"]):
            raise Refused("CONFLICT")
        return row

    def update(self, mutation: str, kind: str, given: Row, key: str) -> Done:
        row = self.changeable(mutation, kind, given, key)
        changed = {name: to for name, to in given.items() if name not in (key, "expectedVersion")}
        if changed:
            self.touch(row, **changed)
            self.record("UPDATE", kind, row["id"], self.subject_of(kind, row))
        return about(kind, row)

    def delete(self, kind: str, row: Row) -> Done:
        self.record("DELETE", kind, row["id"], self.subject_of(kind, row))
        self.remove(kind, row)
        return about(kind, row)

    def remove(self, kind: str, *gone: Row) -> None:
        self.world[kind][:] = [row for row in self.world[kind] if row not in gone]

    def lose(self, kind: str, key: str, gone: Row) -> None:
        for row in self.all(kind, **{key: gone["id"]}):
            row[key] = None

    def add(self, of: str, /, **values: Any) -> Row:
        made = {"version": 1, "updatedAt": self.now, "createdAt": self.now}
        row = {"id": uuid4(), **made, **NEW.get(of, {}), **values}
        self.world[of].append(row)
        return row

    def touch(self, row: Row, **values: Any) -> None:
        row |= {**values, "version": row["version"] + 1, "updatedAt": self.now}

    def join(self, person: UUID, **values: Any) -> Done:
        """A membership, unless there is one like it that has not ended."""
        keys = ("organisationId", "role", "groupId", "childId")
        same = {"personId": person} | {key: values.get(key) for key in keys}
        lasting = [row for row in self.all("Membership", **same) if not self.policy.is_over(row)]
        if lasting and values["source"] != "FOUNDED":
            return Done("Membership", frozenset(row["id"] for row in lasting))
        made = self.add("Membership", personId=person, beginsAt=self.now, **values)
        self.record("INSERT", "Membership", made["id"], person)
        return about("Membership", made)

    def subject_of(self, kind: str, row: Row) -> UUID | None:
        match kind:
            case "Goal":
                owner: UUID = row["personId"]
                return owner
            case "GoalTask" | "GoalNote" | "Evidence":
                return self.subject_of("Goal", self.find("Goal", row["goalId"]))
        return None

    def record(self, action: str, kind: str, row: UUID | None, subject: UUID | None) -> None:
        who = self.find("Person", self.viewer)
        self.world["AuditEntry"].append({
            "id": uuid4(), "at": self.now, "action": action, "kind": kind, "rowId": row,
            "subjectId": subject, "actorId": self.viewer, "actorName": who["name"],
        })  # fmt: skip


def about(kind: str, row: Row) -> Done:
    return Done(kind, frozenset([row["id"]]))
