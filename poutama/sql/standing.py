"""What a viewer is to a person, a group or an organisation, as SQL over `membership`.

A membership counts while it has begun, has not ended and is accepted. One subquery answers for
all the standings asked about, so that a row costs one look at the viewer's own memberships.
"""

from __future__ import annotations

from poutama.plan.nodes import Stands
from poutama.plan.values import ViewerId
from poutama.schema.model import Scope, Standing
from poutama.sql.condition import Condition, Form, all_of, any_of
from poutama.sql.fragment import Parameters

ROLES = {
    Standing.MENTOR: "MENTOR",
    Standing.MANAGER: "MENTOR_MANAGER",
    Standing.ADMIN: "ADMIN",
}


def render_standing(parameters: Parameters, name: str, stands: Stands) -> Condition:
    """A condition over the id called `name`."""
    match stands.scope:
        case Scope.PERSON:
            branches = _to_person(stands.standings, name)
        case Scope.GROUP:
            branches = [_belongs("group_id", name, stands.standings)]
        case Scope.ORGANISATION:
            branches = [_belongs("organisation_id", name, stands.standings)]
    own = Condition(f"viewer.person_id = {parameters.place(ViewerId(), 'uuid')}")
    return _exists("viewer", all_of(own, _counts("viewer"), any_of(*branches)))


def _to_person(standings: tuple[Standing, ...], name: str) -> list[Condition]:
    branches = []
    student = []
    same_organisation = Condition("subject.organisation_id = viewer.organisation_id")
    same_group = Condition("subject.group_id = viewer.group_id")

    def has(*conditions: Condition) -> Condition:
        """Whether the person has a membership of which these hold."""
        theirs = Condition(f"subject.person_id = {name}")
        return _exists("subject", all_of(theirs, *conditions))

    if Standing.CAREGIVER in standings:
        child = Condition("viewer.child_id = subject.person_id")
        student.append(all_of(_is("viewer", "CAREGIVER"), child, same_organisation))
    if Standing.MENTOR in standings:
        student.append(all_of(_is("viewer", "MENTOR"), same_group))
    if leading := _roles(standings, (Standing.MANAGER, Standing.ADMIN)):
        student.append(all_of(_leads(leading), same_organisation))
    if student:
        branches.append(has(_is("subject", "STUDENT"), _counts("subject"), any_of(*student)))
    if Standing.MENTEE in standings:
        mentor = has(_is("subject", "MENTOR"), _counts("subject"), same_group)
        branches.append(all_of(_is("viewer", "STUDENT"), mentor))
    if Standing.STAFF in standings:
        belongs = has(same_organisation, _counts("subject"))
        branches.append(all_of(_leads(["MENTOR_MANAGER", "ADMIN"]), belongs))
    if Standing.KEEPER in standings:
        belonged = has(same_organisation, Condition("subject.accepted_at IS NOT NULL"))
        branches.append(all_of(_leads(["ADMIN"]), belonged))
    return branches


def render_counting(alias: str) -> str:
    """The condition under which the membership of that name counts now."""
    return (
        f"{alias}.accepted_at IS NOT NULL AND {alias}.begins_at <= now()"
        f" AND ({alias}.ends_at IS NULL OR {alias}.ends_at > now())"
    )


def _counts(alias: str) -> Condition:
    return Condition(render_counting(alias), Form.AND)


def _exists(alias: str, condition: Condition) -> Condition:
    return Condition(f"EXISTS (SELECT 1 FROM membership AS {alias}{condition.where})")


def _belongs(column: str, name: str, standings: tuple[Standing, ...]) -> Condition:
    found = Condition(f"viewer.{column} = {name}")
    if Standing.MEMBER in standings:
        return found
    return all_of(found, _leads(_roles(standings, tuple(ROLES))))


def _is(alias: str, role: str) -> Condition:
    return Condition(f"{alias}.role = '{role}'")


def _leads(roles: list[str]) -> Condition:
    listed = ", ".join(f"'{role}'" for role in roles)
    return Condition(f"viewer.role IN ({listed})")


def _roles(standings: tuple[Standing, ...], wanted: tuple[Standing, ...]) -> list[str]:
    return [ROLES[each] for each in wanted if each in standings]
