"""Memberships, offers and consents of random schools, and the moments that they hold.

`tests.strategies.schools` builds worlds with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis.strategies import DrawFn

from tests.reference.policy import Row
from tests.strategies.drawing import NAMES, TEXTS, chance, choose

CURRENT: Row = {"begins": -600, "ends": None, "accepted": -500}
STATES: tuple[Row, ...] = (
    *[CURRENT] * 7,
    {**CURRENT, "ends": 300},
    {**CURRENT, "ends": -40},
    {**CURRENT, "accepted": None},
    {**CURRENT, "accepted": None, "expires": 40},
    {**CURRENT, "accepted": None, "expires": -40},
    {**CURRENT, "accepted": None, "ends": -40, "declined": -40},
    {**CURRENT, "begins": 40},
)
"""What a membership can be like, in hours from now."""
SOURCES = {
    True: ("INVITED", "INVITED", "JOIN_CODE", "JOIN_CODE", "ROSTER"),
    False: ("INVITED", "INVITED", "ROSTER"),
}
"""How a student's membership comes about, and how others'."""
ROLES = ("CAREGIVER", "CAREGIVER", "STUDENT", "MENTOR", "MENTOR_MANAGER", "ADMIN", "ADMIN")


@dataclass(slots=True)
class MembershipBuilder:
    """Draws rows that have ids of one school."""

    draw: DrawFn
    now: datetime
    made: int = 0

    def roles(self) -> list[str]:
        """An administrator, and whatever else."""
        return [
            "ADMIN",
            *(choose(self.draw, *ROLES) for _ in range(choose(self.draw, 6, 3, 4, 5, 7))),
        ]

    def row(self, kind: str) -> Row:
        if kind == "AuditEntry":
            return {"id": self.new_id()}
        if kind in ("JobRowError", "RosterChange", "Reminder"):
            return {"id": self.new_id(), "createdAt": self.moment()}
        return {
            "id": self.new_id(),
            "version": choose(self.draw, 1, 2),
            "updatedAt": self.moment(),
            "createdAt": self.moment(),
        }

    def new_id(self) -> UUID:
        """A new id, in no order, and in none that tells types apart."""
        self.made += 1
        return UUID(int=choose(self.draw, 7, 1, 5, 3) << 120 | self.made)

    def membership(
        self, role: str, groups: list[Row], people: list[Row], organisations: list[Row]
    ) -> Row:
        state = choose(self.draw, *STATES)
        person = choose(self.draw, *people)
        group = choose(self.draw, *groups) if role in ("STUDENT", "MENTOR") else None
        organisation = group["organisationId"] if group else choose(self.draw, *organisations)["id"]
        child = choose(self.draw, *people)["id"] if role == "CAREGIVER" else None
        over = group and state["ends"] != -40 and group["endedAt"]
        # Some invitations are to addresses that no person has signed in with.
        waits = state["accepted"] is None and chance(self.draw, 30)
        known = None if waits else person["email"]
        granter, confirmer, ender, enroller = (choose(self.draw, *people, None) for _ in range(4))
        confirmed = chance(self.draw, {"CAREGIVER": 80, "STUDENT": 92}.get(role, 94))
        source = choose(self.draw, *SOURCES[role == "STUDENT"])
        return {
            **self.row("Membership"),
            "personId": None if waits else person["id"],
            "organisationId": organisation,
            "groupId": group and group["id"],
            "childId": child,
            "role": role,
            "source": source,
            "invitedName": choose(self.draw, None, *NAMES),
            "invitedEmail": choose(self.draw, None, "kia.ora@school.example", known),
            "beginsAt": self.hours(state["begins"]),
            "endsAt": over or self.hours(state["ends"]),
            "acceptedAt": self.hours(state["accepted"]),
            "expiresAt": self.expiry(source, group, state.get("expires")),
            "declinedAt": self.hours(state.get("declined")),
            "grantedById": granter and granter["id"],
            "enrolledById": enroller and enroller["id"] if source == "ROSTER" else None,
            "confirmed": confirmed,
            "confirmedAt": self.hours(
                choose(self.draw, None, -400, -400, -0.5) if confirmed else None
            ),
            "confirmedById": confirmer and confirmer["id"] if confirmed else None,
            "applicantName": None if confirmed else choose(self.draw, None, *NAMES),
            "endedById": ender and ender["id"] if over or state["ends"] else None,
        }

    def returns(self, memberships: list[Row]) -> list[Row]:
        """Of some students who were away for a while, most with caregivers, the membership before:
        caregivers and openers whom they had then have lost them."""
        cared = {(each["childId"], each["organisationId"]) for each in memberships}
        earlier = []
        for study in memberships:
            if study["role"] != "STUDENT" or not self.is_current(study):
                continue
            place = (study["personId"], study["organisationId"])
            likely = (False, True, False) if place in cared else (False,) * 9 + (True,)
            if choose(self.draw, *likely):
                ended = {"endsAt": self.hours(-1.5), "confirmed": True, "confirmedAt": None}
                earlier.append({**study, **self.row("Membership"), **ended})
                study["acceptedAt"] = self.hours(-1)
        return earlier

    def offer(self, groups: list[Row], people: list[Row], organisations: list[Row]) -> Row:
        """A membership that its person has not answered: every world has one."""
        groups = [each for each in groups if not each["endedAt"]] or groups
        made = self.membership("STUDENT", groups, people, organisations)
        (group,) = (each for each in groups if each["id"] == made["groupId"])
        return {
            **made,
            "personId": choose(self.draw, *people)["id"],
            "acceptedAt": None,
            "endsAt": None,
            "declinedAt": None,
            "expiresAt": self.expiry(made["source"], group, choose(self.draw, None, 40)),
        }

    def expiry(self, source: str, group: Row | None, hours: int | None) -> datetime | None:
        """With the code that it came by, which most groups have not renewed."""
        if source == "JOIN_CODE" and group is not None and chance(self.draw, 75):
            expires: datetime = group["joinCodeExpiresAt"]
            return expires
        return self.hours(hours)

    def care(self, made: Row, studies: list[Row]) -> None:
        """Most children study somewhere, and most of those where they are cared for."""
        if made["role"] == "CAREGIVER" and studies and chance(self.draw, 90):
            now = [each for each in studies if self.is_current(each)]
            study = choose(self.draw, *(now or studies))
            made["childId"] = study["personId"]
            if chance(self.draw, 80):
                made["organisationId"] = study["organisationId"]

    def is_current(self, membership: Row) -> bool:
        begun = membership["acceptedAt"] is not None and membership["beginsAt"] <= self.now
        return begun and (membership["endsAt"] is None or membership["endsAt"] > self.now)

    def consents(self, memberships: list[Row], people: list[Row]) -> list[Row]:
        """Of some memberships, some of which are gone."""
        found = [
            self.consent(choose(self.draw, *memberships), people)
            for _ in range(choose(self.draw, 2, 1, 3))
        ]
        return [each for each in found if each["personId"]]

    def consent(self, membership: Row, people: list[Row]) -> Row:
        """Of a membership, which may be gone; given by the person or by their school."""
        withdrawn = choose(self.draw, None, self.hours(-30))
        giver, ender = choose(self.draw, *people, None), choose(self.draw, *people, None)
        return {
            **self.row("Consent"),
            "personId": membership["personId"],
            "organisationId": membership["organisationId"],
            "membershipId": choose(self.draw, membership["id"], membership["id"], None),
            "role": membership["role"],
            "basis": choose(self.draw, "PERSON", "SCHOOL"),
            "noticeVersion": choose(self.draw, None, "2026-11"),
            "notice": choose(self.draw, None, *TEXTS),
            "givenAt": self.moment(),
            "givenById": giver and giver["id"],
            "withdrawnAt": withdrawn,
            "withdrawnById": ender and ender["id"] if withdrawn else None,
        }

    def moment(self) -> datetime:
        return self.now - timedelta(hours=choose(self.draw, 100, 200, 300))

    def hours(self, hours: float | None) -> datetime | None:
        return None if hours is None else self.now + timedelta(hours=hours)
