"""A viewer's relationship to a person, group or organisation, as SQL over `membership`.

A membership is current while it has begun, has not ended, is accepted and, where that is needed,
confirmed. That of a caregiver, or of who has opened a record, lasts until the student leaves, also
where the student returns. One subquery decides all the relationships of a rule, so that a row costs
one look at the viewer's own memberships.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from poutama.plan.nodes import Confined, HasRelationship
from poutama.plan.values import ViewerId
from poutama.schema.model import Relationship, Scope, Within
from poutama.sql.condition import Condition, Form, all_of, any_of
from poutama.sql.fragment import Parameters, name_column

ROLES = {
    Relationship.MENTOR: "MENTOR",
    Relationship.MANAGER: "MENTOR_MANAGER",
    Relationship.ADMIN: "ADMIN",
}

LEADERS = ["MENTOR_MANAGER", "ADMIN"]

ORGANISATION_CHARACTERS = 36
"""How long the id of an organisation is as text."""

OPENED_RECORD = "OPENED_RECORD"
"""The role of managers and administrators who read as those who have opened the record."""


def render_relationship(
    parameters: Parameters, name: str, has_relationship: HasRelationship, rows: Sequence[str]
) -> Condition:
    """Return the condition over the id called `name`.

    `rows`: the alias of the row that it is about, then those of the rows above it.
    """
    for each in has_relationship.confined:
        if each.within.every:
            return _held_in_every(parameters, name, has_relationship, rows, each)
    return _exists("viewer", _held(parameters, name, has_relationship, rows))


def _held_in_every(
    parameters: Parameters,
    name: str,
    has_relationship: HasRelationship,
    rows: Sequence[str],
    every: Confined,
) -> Condition:
    """Return the condition that a membership in each of the listed organisations gives it."""
    rest = tuple(each for each in has_relationship.confined if each != every)
    held = _held(parameters, name, replace(has_relationship, confined=rest), rows)
    there = Condition("viewer.organisation_id::text = member.value")
    missing = Condition(f"NOT {_exists('viewer', all_of(held, there)).text}")
    column = name_column(rows[every.above], every.within.column)
    listed = f"jsonb_array_elements_text({column}::jsonb) AS member(value)"
    return all_of(
        Condition(f"strpos({column}, '-') > 0"),
        Condition(f"NOT EXISTS (SELECT 1 FROM {listed}{missing.where})"),
    )


def render_acting_right(
    parameters: Parameters,
    name: str,
    has_relationship: HasRelationship,
    rows: Sequence[str],
    organisation: str | None = None,
) -> str:
    """Return the viewer's organisation and role, one text, by which the condition holds; or NULL.

    The first `ORGANISATION_CHARACTERS` are the organisation's id, the rest is the role. Of several
    memberships the first by that text counts; with `organisation`, the name of an id, only those in
    that organisation do.
    """
    held = _held(parameters, name, has_relationship, rows)
    if organisation is not None:
        held = all_of(held, Condition(f"viewer.organisation_id = {organisation}"))
    role = _role(name, has_relationship.relationships)
    right = f"min(viewer.organisation_id::text || {role})"
    return f"(SELECT {right} FROM membership AS viewer{held.where})"


def _role(name: str, relationships: tuple[Relationship, ...]) -> str:
    """What the viewer is by their membership; who leads may have opened the person's record."""
    if Relationship.OPENER not in relationships:
        return "viewer.role"
    opened = _leads(LEADERS)
    if not {Relationship.MANAGER, Relationship.ADMIN, Relationship.STAFF}.isdisjoint(relationships):
        opened = all_of(opened, _has_opened(name))
    return f"CASE WHEN {opened.text} THEN '{OPENED_RECORD}' ELSE viewer.role END"


def _held(
    parameters: Parameters, name: str, has_relationship: HasRelationship, rows: Sequence[str]
) -> Condition:
    """Return the condition that the membership called `viewer` gives the relationship."""
    match has_relationship.scope:
        case Scope.PERSON:
            branches = [all_of(_is_other(name), any_of(*_to_person(has_relationship, name)))]
        case Scope.GROUP:
            branches = [_belongs("group_id", name, has_relationship.relationships)]
        case Scope.ORGANISATION:
            branches = [_belongs("organisation_id", name, has_relationship.relationships)]
    own = Condition(f"viewer.person_id = {parameters.place(ViewerId(), 'uuid')}")
    confined = (_is_within(rows[each.above], each.within) for each in has_relationship.confined)
    return all_of(own, _is_current("viewer"), *confined, any_of(*branches))


def _is_other(name: str) -> Condition:
    """A person is not a mentor, manager or caregiver of themselves."""
    return Condition(f"viewer.person_id <> {name}")


def _is_within(alias: str, within: Within) -> Condition:
    column = name_column(alias, within.column)
    named = f"viewer.organisation_id = {column}"
    if within.is_list:
        named = f"strpos({column}, viewer.organisation_id::text) > 0"
    return any_of(Condition(f"{column} IS NULL"), Condition(named))


def _to_person(has_relationship: HasRelationship, name: str) -> list[Condition]:
    relationships = has_relationship.relationships
    branches = []
    student = []
    same_organisation = Condition("subject.organisation_id = viewer.organisation_id")
    same_group = Condition("subject.group_id = viewer.group_id")

    def has(*conditions: Condition) -> Condition:
        """Whether the person has a membership of which these hold."""
        theirs = Condition(f"subject.person_id = {name}")
        return _exists("subject", all_of(theirs, *conditions))

    if Relationship.CAREGIVER in relationships:
        child = Condition("viewer.child_id = subject.person_id")
        stayed = _has_stayed("subject", render_confirmation("viewer"))
        student.append(all_of(_is("viewer", "CAREGIVER"), child, same_organisation, stayed))
    if Relationship.MENTOR in relationships:
        student.append(all_of(_is("viewer", "MENTOR"), same_group))
    if leading := _roles(relationships, (Relationship.MANAGER, Relationship.ADMIN)):
        student.append(all_of(_leads(leading), same_organisation))
    if Relationship.OPENER in relationships:
        opened = _has_opened("subject.person_id")
        student.append(all_of(_leads(LEADERS), same_organisation, opened))
    if student:
        branches.append(has(_is("subject", "STUDENT"), _is_current("subject"), any_of(*student)))
    if Relationship.MENTEE in relationships:
        mentor = has(_is("subject", "MENTOR"), _is_current("subject"), same_group)
        branches.append(all_of(_is("viewer", "STUDENT"), mentor))
    if Relationship.STAFF in relationships:
        belongs = has(same_organisation, _is_current("subject"))
        branches.append(all_of(_leads(LEADERS), belongs))
    return branches


def render_is_current(alias: str) -> str:
    """Return the SQL condition that the membership of this alias is current."""
    return (
        f"{alias}.accepted_at IS NOT NULL AND {alias}.confirmed AND {alias}.begins_at <= now()"
        f" AND ({alias}.ends_at IS NULL OR {alias}.ends_at > now())"
    )


def render_confirmation(alias: str) -> str:
    """Return the SQL value that is the time at which the membership of this alias was granted."""
    return f"coalesce({alias}.confirmed_at, {alias}.accepted_at)"


def render_has_left_since(student: str, organisation: str, moment: str) -> str:
    """Return the SQL condition that the person has been away from the organisation since then.

    Then, or at the end of one of their memberships as a student since, none of those memberships
    was current; they may have returned. What a membership is now is enough to see it: none comes
    to count for a time that is past. A migration has the same text in the view `person_access`.

    Args:
        student: the id of the person.
        organisation: the id of the organisation.
        moment: since when.
    """

    def theirs(alias: str) -> str:
        # `IS TRUE` keeps the index on organisations out of it.
        return (
            f"{alias}.person_id = {student} AND ({alias}.organisation_id = {organisation}) IS TRUE"
            f" AND {alias}.role = 'STUDENT'"
        )

    def was_there(moment: str) -> str:
        return (
            f"EXISTS (SELECT 1 FROM membership AS other WHERE {theirs('other')} AND other.confirmed"
            f" AND {render_confirmation('other')} <= {moment} AND other.accepted_at <= {moment}"
            f" AND other.begins_at <= {moment}"
            f" AND (other.ends_at IS NULL OR other.ends_at > {moment}))"
        )

    return (
        f"(NOT {was_there(moment)}"
        f" OR EXISTS (SELECT 1 FROM membership AS ended WHERE {theirs('ended')}"
        f" AND ended.ends_at > {moment} AND ended.ends_at <= now()"
        f" AND NOT {was_there('ended.ends_at')}))"
    )


def _has_stayed(alias: str, moment: str) -> Condition:
    left = render_has_left_since(f"{alias}.person_id", f"{alias}.organisation_id", moment)
    return Condition(f"NOT {left}")


def _is_current(alias: str) -> Condition:
    return Condition(render_is_current(alias), Form.AND)


def _has_opened(person: str) -> Condition:
    """Whether the viewer has opened the person's record in the organisation, and it is open."""
    theirs = [
        Condition(f"opened.{column}")
        for column in (
            "opener_id = viewer.person_id",
            f"person_id = {person}",
            "organisation_id = viewer.organisation_id",
            "expires_at > now()",
            "closed_at IS NULL",
        )
    ]
    stayed = _has_stayed("opened", "opened.created_at")
    return _exists("opened", all_of(*theirs, stayed), "opened_record")


def _exists(alias: str, condition: Condition, table: str = "membership") -> Condition:
    return Condition(f"EXISTS (SELECT 1 FROM {table} AS {alias}{condition.where})")


def _belongs(column: str, name: str, relationships: tuple[Relationship, ...]) -> Condition:
    found = Condition(f"viewer.{column} = {name}")
    if Relationship.MEMBER in relationships:
        return found
    return all_of(found, _leads(_roles(relationships, tuple(ROLES))))


def _is(alias: str, role: str) -> Condition:
    return Condition(f"{alias}.role = '{role}'")


def _leads(roles: list[str]) -> Condition:
    listed = ", ".join(f"'{role}'" for role in roles)
    return Condition(f"viewer.role IN ({listed})")


def _roles(relationships: tuple[Relationship, ...], wanted: tuple[Relationship, ...]) -> list[str]:
    return [ROLES[each] for each in wanted if each in relationships]
