"""The page docs/permissions.md: the compiled rules in plain words, and the table of mutations.

Called by the command line, and by the test that holds the page. The rules come from the very model
that requests are compiled with, so the page cannot say anything else than what is done.
"""

from __future__ import annotations

from collections.abc import Iterator

from poutama.reference.rights import CASES, Caller
from poutama.schema.model import (
    Action,
    Audience,
    Entity,
    Model,
    Relation,
    Rule,
    Scope,
    Standing,
    Through,
)

OPENING = """\
# Who may see and change what

Nothing is visible or may be changed unless a rule below says so. The rules stand in the schema
files, beside the types (`@visible`, `@change`, `@restricted`), and are compiled into every
statement: they hold by whatever way a row is reached, be it a root field, a relation, an id, a
mutation's payload, a filter, an order or a count. What somebody may not see is, for them, not
there: asking for it gives the same answer, to the byte, as asking for an id that never was.

Somebody is a mentor, a manager, an admin, a caregiver or a member *now*, through a membership that
has begun, has not ended and was accepted. Students are those with such a membership themselves:
a student who has joined by a code and not accepted yet shares nothing, and one who has left shares
nothing any more.

A field that fewer people see than its row is null for all others, and cannot be filtered or
sorted by.

Who else returns or counts somebody's goals is written down for that person (`auditConnection`), in
the very statement that reads them. What a filter looks at without returning it is not, nor are a
group's sums (`progress`): mentors can ask which of their students have a goal of a certain kind,
and no entry says so. They see those goals anyway.

This page is written by `poutama permissions`.

## Types
"""

MUTATIONS = """\

## Mutations

Seen from one student, in a group of an organisation. *Stranger*: signed in, and a member of
nothing. *Mentor*: of the student's group. *Mentor who has left*: was it until lately. *Manager*
and *admin*: of the student's organisation. *Caregiver*: of the student.

Whoever is not signed in is told `UNAUTHENTICATED`; everybody else without a tick is told
`NOT_FOUND`, as of an id that never was, and nothing is changed. An organisation keeps an admin:
ending the last one's membership is a `CONFLICT`.

"""

_WORDS = {
    Scope.PERSON: {
        Standing.SELF: "the person",
        Standing.MENTOR: "mentors of a group the person is a student of",
        Standing.MANAGER: "managers of an organisation the person is a student of",
        Standing.ADMIN: "admins of an organisation the person is a student of",
        Standing.CAREGIVER: "the person's caregivers in an organisation the person is a student of",
        Standing.MENTEE: "students of a group the person mentors",
        Standing.STAFF: "managers and admins of an organisation the person belongs to",
        Standing.KEEPER: "admins of an organisation the person belongs or belonged to",
    },
    Scope.GROUP: {Standing.MEMBER: "its members", Standing.MENTOR: "its mentors"},
    Scope.ORGANISATION: {
        Standing.MEMBER: "its members",
        Standing.MANAGER: "its managers",
        Standing.ADMIN: "its admins",
    },
}
_CHANGES = (Action.INSERT, Action.UPDATE, Action.DELETE)


def render_permissions_page(model: Model) -> str:
    """The text of `docs/permissions.md`."""
    types = "".join(_type(model, entity) for entity in model.entities.values())
    return OPENING + types + MUTATIONS + "".join(_mutations())


def _type(model: Model, entity: Entity) -> str:
    rows = [*_rows(model, entity, "see", entity.rule)]
    for column in entity.values:
        if column.restricted is not None:
            rows += _rows(model, entity, f"see `{column.field}`", column.restricted)
    for action in _CHANGES:
        if (rule := entity.changes.get(action)) is not None:
            rows += _rows(model, entity, action.value, rule)
    silent = [action.value for action in _CHANGES if action not in entity.changes]
    if silent:
        rows.append(f"| {', '.join(silent)} | | nobody, but as the table of mutations says |\n")
    audited = "\nWho else reads them is written down.\n" if entity.subject is not None else ""
    return f"\n### {entity.name}\n\n| to | by its | |\n|---|---|---|\n{''.join(rows)}{audited}"


def _rows(model: Model, entity: Entity, what: str, rule: Rule) -> Iterator[str]:
    for alternative in rule.alternatives:
        match alternative:
            case Audience(scope, column, standings):
                by, who = _named(model, entity, column), _who(scope, standings)
            case Through(relation, to):
                by, who = f"`{relation.name}`", "whoever may see it"
                if to is not None:
                    who = f"of those who may see it: {_who(Scope.PERSON, to)}"
        yield f"| {what} | {by} | {who} |\n"


def _named(model: Model, entity: Entity, column: str) -> str:
    """The field that leads to what the column names; or the one that leads from there to here."""
    if column == "id":
        return "self"
    for field in entity.fields.values():
        if isinstance(field, Relation) and field.key == column:
            return f"`{field.name}`"
    for other in model.entities.values():
        for field in other.fields.values():
            if isinstance(field, Relation) and (field.target, field.key) == (entity.name, column):
                return f"`{other.name}` (`{field.name}`)"
    return f"`{column}`"


def _who(scope: Scope, standings: tuple[Standing, ...]) -> str:
    return "; ".join(_WORDS[scope][standing] for standing in standings)


def _mutations() -> Iterator[str]:
    yield f"| mutation | of | {' | '.join(Caller)} |\n"
    yield "|---|---|" + ":-:|" * len(Caller) + "\n"
    for case in CASES:
        ticks = " | ".join("✓" if caller in case.allowed else "" for caller in Caller)
        yield f"| `{case.mutation}` | {case.about} | {ticks} |\n"
