"""What a viewer is to a person, a group or an organisation, as SQL over `membership`.

A membership counts while it has begun, has not ended and is accepted. One subquery answers for
all the standings asked about, so that a row costs one look at the viewer's own memberships.
"""

from __future__ import annotations

from poutama.plan.nodes import Stands
from poutama.plan.values import ViewerId
from poutama.schema.model import Scope, Standing
from poutama.sql.fragment import Parameters

ROLES = {
    Standing.MENTOR: "MENTOR",
    Standing.MANAGER: "MENTOR_MANAGER",
    Standing.ADMIN: "ADMIN",
}


def render_standing(parameters: Parameters, name: str, stands: Stands, aliases: str) -> str:
    """A condition over the id called `name`; `aliases` tells subqueries of one statement apart."""
    viewer, subject = f"v{aliases}", f"s{aliases}"
    own = (
        f"{viewer}.person_id = {parameters.place(ViewerId(), 'uuid')} AND {render_counting(viewer)}"
    )
    match stands.scope:
        case Scope.PERSON:
            branches = _to_person(stands.standings, viewer, subject, name)
        case Scope.GROUP:
            branches = [f"{viewer}.group_id = {name}{_with_role(stands.standings, viewer)}"]
        case Scope.ORGANISATION:
            branches = [f"{viewer}.organisation_id = {name}{_with_role(stands.standings, viewer)}"]
    either = " OR ".join(f"({branch})" for branch in branches)
    return f"EXISTS (SELECT 1 FROM membership AS {viewer} WHERE {own} AND ({either}))"


def _to_person(standings: tuple[Standing, ...], viewer: str, subject: str, name: str) -> list[str]:
    branches = []
    student = []
    if Standing.CAREGIVER in standings:
        child = f"{viewer}.child_id = {subject}.person_id"
        within = _same_organisation(viewer, subject)
        student.append(f"{viewer}.role = 'CAREGIVER' AND {child} AND {within}")
    if Standing.MENTOR in standings:
        student.append(f"{viewer}.role = 'MENTOR' AND {subject}.group_id = {viewer}.group_id")
    if leading := _roles(standings, (Standing.MANAGER, Standing.ADMIN)):
        student.append(f"{_leads(viewer, leading)} AND {_same_organisation(viewer, subject)}")
    if student:
        either = " OR ".join(f"({each})" for each in student)
        counted = f"{subject}.role = 'STUDENT' AND {render_counting(subject)}"
        branches.append(_exists(subject, name, f"{counted} AND ({either})"))
    if Standing.MENTEE in standings:
        mentors = f"{subject}.role = 'MENTOR' AND {render_counting(subject)}"
        same = f"{subject}.group_id = {viewer}.group_id"
        mentor = _exists(subject, name, f"{mentors} AND {same}")
        branches.append(f"{viewer}.role = 'STUDENT' AND {mentor}")
    if Standing.STAFF in standings:
        leads = _leads(viewer, ["MENTOR_MANAGER", "ADMIN"])
        belongs = f"{_same_organisation(viewer, subject)} AND {render_counting(subject)}"
        branches.append(f"{leads} AND {_exists(subject, name, belongs)}")
    if Standing.KEEPER in standings:
        belonged = f"{_same_organisation(viewer, subject)} AND {subject}.accepted_at IS NOT NULL"
        branches.append(f"{_leads(viewer, ['ADMIN'])} AND {_exists(subject, name, belonged)}")
    return branches


def render_counting(alias: str) -> str:
    """The condition under which the membership of that name counts now."""
    return (
        f"{alias}.accepted_at IS NOT NULL AND {alias}.begins_at <= now()"
        f" AND ({alias}.ends_at IS NULL OR {alias}.ends_at > now())"
    )


def _exists(subject: str, name: str, condition: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM membership AS {subject}"
        f" WHERE {subject}.person_id = {name} AND {condition})"
    )


def _same_organisation(viewer: str, subject: str) -> str:
    return f"{subject}.organisation_id = {viewer}.organisation_id"


def _leads(viewer: str, roles: list[str]) -> str:
    listed = ", ".join(f"'{role}'" for role in roles)
    return f"{viewer}.role IN ({listed})"


def _roles(standings: tuple[Standing, ...], wanted: tuple[Standing, ...]) -> list[str]:
    return [ROLES[each] for each in wanted if each in standings]


def _with_role(standings: tuple[Standing, ...], viewer: str) -> str:
    if Standing.MEMBER in standings:
        return ""
    return f" AND {_leads(viewer, _roles(standings, tuple(ROLES)))}"
