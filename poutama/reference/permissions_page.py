"""The page docs/permissions.md: the rules and permissions of the schema files in plain words.

Called by the command line, and by the test that holds the page. The rules come from the very model
that requests are compiled with, so the page cannot say anything else than what is done.
"""

from __future__ import annotations

from collections.abc import Iterator

from poutama.schema.audited import AuditedReads
from poutama.schema.model import (
    Action,
    Audience,
    Column,
    Entity,
    Grant,
    Model,
    Relation,
    Relationship,
    RowIs,
    Rule,
    Scope,
    Through,
)

OPENING = """\
# Who may see and change what

Nothing is visible or may be changed unless a rule below says so. The rules stand in the schema
files, beside the types (`@visible`, `@change`, `@restricted`), and are compiled into every
statement: they hold by whatever way a row is reached, be it a root field, a relation, an id, a
mutation's payload, a filter, an order or a count. What a viewer may not see is, for them, not
there: asking for it gives the same answer, to the byte, as asking for an id that never was.

A person is a mentor, a manager, an admin, a caregiver or a member *now*, through a membership that
has begun, has not ended, was accepted and, where that is needed, confirmed: a caregiver's by the
child or a second adult, a student's in a group that admits by approval by those who lead it.
Students are those with such a membership themselves: a student who has joined by a code and not
accepted yet shares nothing, and one who has left shares nothing. To oneself one is the person,
never a mentor, manager, admin or caregiver: a rule that leaves the person out leaves them out
whatever else they are.

A field that fewer people see than its row is null for all others, and cannot be filtered or
sorted by.

Who else reads or changes a person's data is written down for that person (`auditConnection`), in
the very statement that does it, as the lines below each type say. Reading again within a quarter of
an hour is the same entry. A group's sums (`progress`) are not written down.

This page is generated from the schema files: `make docs`.

## Types
"""

MUTATIONS = """\

## Mutations

A mutation that inserts, updates or deletes one row follows the rules of the row's type above. Any
other is a procedure, and says beside it in the schema files (`@permit`) who may call it: for each
field of its input that is named here, one of the lines must hold, and the row must be one that the
caller sees. A field that is left out is not asked about. Rows are looked at in the transaction in
which the procedure runs, before it does.

A caller who is not signed in gets `UNAUTHENTICATED`; any other who may not gets `NOT_FOUND`, as
for an id that never was, and nothing is changed. An organisation keeps an admin: ending the last
one's membership is a `CONFLICT`.

| mutation | input | who | only |
|---|---|---|---|
"""

_WORDS = {
    Scope.PERSON: {
        Relationship.SELF: "the person",
        Relationship.MENTOR: "mentors of a group the person is a student of",
        Relationship.MANAGER: "managers of an organisation the person is a student of",
        Relationship.ADMIN: "admins of an organisation the person is a student of",
        Relationship.CAREGIVER: (
            "the person's caregivers in an organisation the person has been a student of since"
        ),
        Relationship.MENTEE: "students of a group the person mentors",
        Relationship.STAFF: "managers and admins of an organisation the person belongs to",
        Relationship.OPENER: (
            "managers and admins of an organisation the person is a student of, while they have"
            " opened the person's record there and the person has not left since"
        ),
    },
    Scope.GROUP: {
        Relationship.MEMBER: "its members",
        Relationship.MENTOR: "its mentors",
    },
    Scope.ORGANISATION: {
        Relationship.MEMBER: "its members",
        Relationship.MANAGER: "its managers",
        Relationship.ADMIN: "its admins",
    },
}
_CHANGES = (Action.INSERT, Action.UPDATE, Action.DELETE)


def render_permissions_page(model: Model) -> str:
    """The text of `docs/permissions.md`."""
    types = "".join(_type(model, entity) for entity in model.entities.values())
    return OPENING + types + MUTATIONS + "".join(_mutations(model))


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
        rows.append(f"| {', '.join(silent)} | | only by the mutations in the next table |\n")
    table = f"| to | by its | |\n|---|---|---|\n{''.join(rows)}"
    return f"\n### {entity.name}\n\n{table}{_audit(entity)}"


def _audit(entity: Entity) -> str:
    """What of a type's rows the audit writes down."""
    audit = entity.audit
    if audit is None:
        return ""
    who = {
        AuditedReads.ALL: "who else reads, counts or searches them",
        AuditedReads.SHOWN: "who else is shown them",
        AuditedReads.NONE: "",
    }[audit.reads]
    if audit.person is None and audit.through is None:
        text = "Who reads them is not audited"
    elif audit.part:
        text = f"Who changes them is audited; reading them is reading the `{audit.through}`"
    else:
        text = f"Who changes them{who and ', and '}{who}{who and ','} is audited"
    if audit.unless:
        text += f", except for {_who(Scope.PERSON, tuple(map(Relationship, audit.unless)))}"
    if audit.also:
        fields = (f"`{_name_column(entity, column)}`" for column in (audit.person, *audit.also))
        text += f", for each of {' and '.join(fields)}"
    return f"\n{text}{audit.reason and ': '}{audit.reason.rstrip('.')}.\n"


def _name_column(entity: Entity, column: str | None) -> str | None:
    """The field that leads to the person in the column, if there is one."""
    for field in entity.fields.values():
        if isinstance(field, Relation) and field.key == column:
            return field.name
    return column


def _rows(model: Model, entity: Entity, what: str, rule: Rule) -> Iterator[str]:
    for alternative in rule.alternatives:
        by, who = _alternative(model, entity, alternative)
        yield f"| {what} | {by} | {who} |\n"


def _alternative(model: Model, entity: Entity, alternative: Audience | Through) -> tuple[str, str]:
    """The field that leads to those who may, and who they are."""
    only = _conditions(model, entity, alternative)
    match alternative:
        case Audience(scope, column, relationships):
            return _named(model, entity, column), _who(scope, relationships) + only
        case Through(relation, None):
            return f"`{relation.name}`", f"those who may see it{only}"
        case Through(relation, to):
            assert to is not None
            who = _who(Scope.PERSON, to)
            return f"`{relation.name}`", f"of those who may see it: {who}{only}"


def _conditions(model: Model, entity: Entity, alternative: Audience | Through) -> str:
    """What else must hold: what the row is, and where the relationship comes from."""
    parts = [_condition(each) for each in alternative.row_is]
    found = f"; only where {' and '.join(parts)}" if parts else ""
    if (within := alternative.within) is not None:
        named = _named(model, entity, within.column)
        some = "some" if within.is_list else "one"
        if within.every:
            found += f"; by memberships in each of its {named}, of which it has one at least"
        else:
            found += f"; by memberships in its {named} only, where it has {some}"
    return found


def _condition(row_is: RowIs) -> str:
    return f"`{row_is.column.field}` is {' or '.join(row_is.values)}"


def _named(model: Model, entity: Entity, column: str) -> str:
    """The field that leads to what the column names; or the one that leads from there to here."""
    if column == "id":
        return "self"
    for field in entity.fields.values():
        if isinstance(field, Relation) and field.key == column:
            return f"`{field.name}`"
        if isinstance(field, Column) and field.is_list and field.name == column:
            return f"`{field.field}`"
    for other in model.entities.values():
        for field in other.fields.values():
            if isinstance(field, Relation) and (field.target, field.key) == (entity.name, column):
                return f"`{other.name}` (`{field.name}`)"
    return f"`{column}`"


def _who(scope: Scope, relationships: tuple[Relationship, ...]) -> str:
    return "; ".join(_WORDS[scope][relationship] for relationship in relationships)


def _mutations(model: Model) -> Iterator[str]:
    for name, mutation in model.mutations.items():
        if mutation.action is not Action.PROCEDURE:
            assert mutation.entity is not None
            yield f"| `{name}` | | {mutation.action.value} of {mutation.entity}: see there | |\n"
            continue
        if mutation.everyone:
            only = ", for what the input does not name" if mutation.permissions else ""
            also = ", also accounts that are not people yet" if mutation.new_sign_in else ""
            yield f"| `{name}` | | everyone who is signed in{only}{also} | |\n"
        for permission in mutation.permissions:
            entity = model.entities[permission.entity]
            for grant in permission.grants:
                named = f"`{permission.input}`: {entity.name}"
                for alternative in grant.rule.alternatives:
                    by, who = _alternative(model, entity, alternative)
                    only = _only(model, entity, grant)
                    yield f"| `{name}` | {named} | {_by(by)}: {who} | {only} |\n"


def _by(field: str) -> str:
    return "by itself" if field == "self" else f"by its {field}"


def _only(model: Model, entity: Entity, grant: Grant) -> str:
    conditions = [f"its {_condition(each)}" for each in grant.row_is]
    conditions += [f"`{each.input}` is {' or '.join(each.values)}" for each in grant.input_is]
    conditions += [f"not by its {_named(model, entity, column)}" for column in grant.not_by]
    return "; ".join(conditions)
