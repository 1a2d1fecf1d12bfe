"""Who belongs where in the demo school: rows of organisations, groups and memberships.

Called by `demo.loader`. As deterministic as `demo.school`: who is where depends on their number
alone. Reads no clock: a membership that has not begun begins in a year far away.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from poutama.demo.calendar import OPENED
from poutama.demo.group_assignment import (
    DAY,
    EVENING,
    SUMMER,
    Group,
    MembershipState,
    groups_mentored,
    groups_of,
    has_caregiver,
    membership_state_of,
)
from poutama.demo.school import (
    ADMIN_EMAILS,
    MANAGER_EMAILS,
    SchoolRows,
    TableRow,
    caregiver_email,
    derive_name,
    identify,
    mentor_email,
    person_id,
    student_email,
)
from poutama.text import fold

# name, time zone, region, days that data is kept
ORGANISATIONS = {
    DAY: ("Tīrawolden College", "Pacific/Auckland", "ap-southeast-2", 730),
    EVENING: ("Zandmere Evening School", "Pacific/Chatham", "ap-southeast-2", 365),
}
LEFT = OPENED + timedelta(days=21)
NEVER = datetime(2099, 2, 2, tzinfo=UTC)


def organisation_id(number: int) -> UUID:
    return identify(f"organisation/{number}")


def group_id(group: Group) -> UUID:
    return identify(f"organisation/{group.organisation}/group/{group.number}")


def write_organisations(rows: SchoolRows) -> None:
    """Add both organisations, without members."""
    for number, (name, zone, region, days) in ORGANISATIONS.items():
        identity = organisation_id(number)
        rows.organisation.append(
            (identity, name, fold(name), zone, region, days, 1, OPENED, OPENED)
        )


def write_group(rows: SchoolRows, group: Group) -> None:
    """Add a group, without members."""
    organisation = organisation_id(group.organisation)
    name = group.name
    ended = group == SUMMER
    rows.learning_group.append(
        (
            *(group_id(group), organisation, name, fold(name)),
            *((None, LEFT, LEFT) if ended else (group.join_code, NEVER, None)),
            *((2, OPENED, LEFT) if ended else (1, OPENED, OPENED)),
        )
    )


def write_leaders(rows: SchoolRows) -> None:
    """Add the memberships of those who lead an organisation."""
    for number in ORGANISATIONS:
        admin, manager = ADMIN_EMAILS[number - 1], MANAGER_EMAILS[number - 1]
        rows.membership.append(_membership(admin, "ADMIN", number, source="FOUNDED"))
        rows.membership.append(_membership(manager, "MENTOR_MANAGER", number))
    led = _membership(mentor_email(1), "MENTOR", DAY, group=SUMMER, state=MembershipState.ENDED)
    rows.membership.append(led)


def write_mentoring(rows: SchoolRows, mentor: int) -> None:
    """Add the memberships of a mentor."""
    for group in groups_mentored(mentor):
        row = _membership(mentor_email(mentor), "MENTOR", group.organisation, group=group)
        rows.membership.append(row)


def write_learning(rows: SchoolRows, student: int) -> None:
    """Add the memberships of a student, and that of their caregiver, if they have one."""
    for group in groups_of(student):
        row = _membership(
            student_email(student),
            "STUDENT",
            group.organisation,
            group=group,
            source="JOIN_CODE",
            state=membership_state_of(student),
        )
        rows.membership.append(row)
    if has_caregiver(student):
        email, child = caregiver_email(student), person_id(student_email(student))
        rows.membership.append(_membership(email, "CAREGIVER", DAY, child=child))


def _membership(
    email: str,
    role: str,
    organisation: int,
    *,
    group: Group | None = None,
    child: UUID | None = None,
    source: str = "INVITED",
    state: MembershipState = MembershipState.CURRENT,
) -> TableRow:
    if state is MembershipState.NOT_BEGUN:
        source = "ROSTER"  # a join code never begins later
    where = "" if group is None else f"/group/{group.number}"
    invited = source == "INVITED"
    ended = state is MembershipState.ENDED
    return (
        identify(f"{email}/membership/{role}/{organisation}{where}"),
        organisation_id(organisation),
        None if group is None else group_id(group),
        *(person_id(email), role, child),
        *((derive_name(email), email) if invited else (None, None)),
        source,
        NEVER if state is MembershipState.NOT_BEGUN else OPENED,
        LEFT if ended else None,
        None if state is MembershipState.NOT_ACCEPTED else OPENED,
        *((2, OPENED, LEFT) if ended else (1, OPENED, OPENED)),
    )
