"""Whose data a row is, and in which right the viewer has to do with it, as columns of an entry.

`sql.audit` and `sql.audit_changes` call it. Never decides whether there is an entry.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from poutama.plan.nodes import HasRelationship, Subject
from poutama.schema.model import RELATIONSHIPS, Relationship, Scope
from poutama.sql.acting_right import name_organisation, name_role, render_right
from poutama.sql.fragment import Parameters, name_column, quote_name
from poutama.sql.predicate import Conditions
from poutama.sql.relationship import render_acting_right

SELF = "SELF"
"""The role of the person whose data it is."""

OPERATOR = "OPERATOR"
"""The role of those who run the service, by a command or the clock: `poutama.schedule.SYSTEM`."""

ANY = tuple(sorted(each for each in RELATIONSHIPS[Scope.PERSON] if each is not Relationship.SELF))
"""All that a viewer can be to another person."""

NO_PERSON = f"'{UUID(int=0)}'::uuid"


def render_person(alias: str, subject: Subject) -> str:
    """The id of the person whose data the row called `alias` is."""
    if not subject.path:
        return name_column(alias, subject.column)
    (relation, target), *rest = subject.path
    assert relation.key is not None
    inner = f"through_{len(rest) + 1}"
    found = render_person(inner, replace(subject, path=tuple(rest)))
    return (
        f"(SELECT {found} FROM {quote_name(target.table)} AS {inner}"
        f" WHERE {inner}.id = {name_column(alias, relation.key)})"
    )


def render_right_to(
    conditions: Conditions, alias: str, subject: Subject, person: str | None
) -> str | None:
    """In whose right; where the row has no organisation, in whose right to `person`."""
    if subject.organisation is None:
        return render_right(conditions, alias, subject.right)
    named = render_right_in(conditions, alias, subject, name_column(alias, subject.organisation))
    if person is None or subject.organisation_required:
        return named
    return f"coalesce({named}, {render_any_right(conditions.parameters, person)})"


def render_right_in(conditions: Conditions, alias: str, subject: Subject, organisation: str) -> str:
    """The right in that organisation; where none is found there, the organisation alone."""
    acting = render_right(conditions, alias, subject.right, organisation=organisation)
    return f"coalesce({acting}, {organisation}::text)"


def render_any_right(parameters: Parameters, person: str) -> str:
    """The right in which the viewer is anything to the person."""
    any_right = HasRelationship(Scope.PERSON, "id", ANY)
    return render_acting_right(parameters, person, any_right, ())


def render_right_cells(acting: str, role: str | None = None) -> str:
    """The columns of an entry about the right: the organisation, its name, and the role."""
    organisation = name_organisation(acting)
    name = f"(SELECT named.name FROM organisation AS named WHERE named.id = {organisation})"
    return f"{organisation}, {name}, {role or name_role(acting)}"


def render_actor(viewer: str) -> str:
    """The name that the viewer has now."""
    return f"(SELECT actor.name FROM person AS actor WHERE actor.id = {viewer})"
