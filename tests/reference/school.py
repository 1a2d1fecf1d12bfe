"""The whole API said as plainly as Python can: graphql-core's executor over rows and a policy.

`tests/db/test_permissions.py` compares the engine's answers with these. Every row that is reached,
by whatever way, is asked about first: `see` is the only door to the world. Filters, counts, orders
and pages then work on what came through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from graphql import (
    DocumentNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
    get_named_type,
    is_leaf_type,
)

from tests.reference.derived_rows import (
    accesses,
    offer,
    progress,
    reminds,
    student_accounts,
)
from tests.reference.listings import Listing, name_list, order_terms, read_window
from tests.reference.policy import Policy, Row
from tests.reference.resolvers import compare, describe_missing, has_words

ONE = {
    "Goal": {"owner": ("Person", "personId")},
    "GoalTask": {"goal": ("Goal", "goalId")},
    "GoalNote": {
        "goal": ("Goal", "goalId"),
        "author": ("Person", "authorId"),
        "organisation": ("Organisation", "organisationId"),
    },
    "Reminder": {"goal": ("Goal", "goalId")},
    "Evidence": {"goal": ("Goal", "goalId"), "note": ("GoalNote", "noteId")},
    "Group": {
        "organisation": ("Organisation", "organisationId"),
        "progress": ("GroupProgress", "id"),
    },
    "Membership": {
        "organisation": ("Organisation", "organisationId"),
        "group": ("Group", "groupId"),
        "person": ("Person", "personId"),
        "child": ("Person", "childId"),
        "grantedBy": ("Person", "grantedById"),
        "confirmedBy": ("Person", "confirmedById"),
        "endedBy": ("Person", "endedById"),
        "enrolledBy": ("Person", "enrolledById"),
        "invitation": ("Invitation", "id"),
        "account": ("StudentAccount", "id"),
    },
    "PersonAccess": {
        "person": ("Person", "personId"),
        "organisation": ("Organisation", "organisationId"),
        "holder": ("Person", "holderId"),
        "membership": ("Membership", "membershipId"),
    },
    "Consent": {
        "person": ("Person", "personId"),
        "organisation": ("Organisation", "organisationId"),
        "membership": ("Membership", "membershipId"),
        "givenBy": ("Person", "givenById"),
        "withdrawnBy": ("Person", "withdrawnById"),
    },
    "Job": {
        "person": ("Person", "personId"),
        "organisation": ("Organisation", "organisationId"),
        "subject": ("Person", "subjectId"),
    },
    "JobRowError": {"job": ("Job", "jobId")},
    "RosterImport": {
        "organisation": ("Organisation", "organisationId"),
        "job": ("Job", "jobId"),
        "checkJob": ("Job", "checkJobId"),
    },
    "RosterChange": {"import": ("RosterImport", "importId")},
    "OpenedRecord": {
        "person": ("Person", "personId"),
        "opener": ("Person", "openerId"),
        "organisation": ("Organisation", "organisationId"),
    },
    "PrivacyRequest": {
        "person": ("Person", "personId"),
        "organisation": ("Organisation", "organisationId"),
        "job": ("Job", "jobId"),
    },
    "AddressConflict": {
        "organisation": ("Organisation", "organisationId"),
        "person": ("Person", "personId"),
        "proposedBy": ("Person", "proposedById"),
        "decidedBy": ("Person", "decidedById"),
    },
}
"""Type -> field -> the type it leads to, and which of the row's own values names the row."""

MANY = {
    "Person": {
        "goals": ("Goal", "personId"),
        "memberships": ("Membership", "personId"),
        "consents": ("Consent", "personId"),
        "access": ("PersonAccess", "personId"),
        "granted": ("Membership", "grantedById"),
        "confirmations": ("Membership", "confirmedById"),
        "audit": ("AuditEntry", "subjectId"),
        "reminders": ("Reminder", "personId"),
        "openedRecords": ("OpenedRecord", "personId"),
        "privacyRequests": ("PrivacyRequest", "personId"),
    },
    "Goal": {
        "tasks": ("GoalTask", "goalId"),
        "notes": ("GoalNote", "goalId"),
        "evidence": ("Evidence", "goalId"),
    },
    "GoalNote": {"evidence": ("Evidence", "noteId")},
    "Organisation": {
        "groups": ("Group", "organisationId"),
        "memberships": ("Membership", "organisationId"),
        "jobs": ("Job", "organisationId"),
        "rosterImports": ("RosterImport", "organisationId"),
        "openedRecords": ("OpenedRecord", "organisationId"),
        "privacyRequests": ("PrivacyRequest", "organisationId"),
        "addressConflicts": ("AddressConflict", "organisationId"),
    },
    "Job": {"rowErrors": ("JobRowError", "jobId")},
    "RosterImport": {"changes": ("RosterChange", "importId")},
    "Group": {"members": ("Membership", "groupId")},
}
"""Type -> field -> the type it lists, and which of their values names this row."""

BY_MEMBERSHIPS = {
    ("Group", "people"): ("Person", "id", "members", None),
    ("Group", "goals"): ("Goal", "personId", "members", "STUDENT"),
    ("Organisation", "people"): ("Person", "id", "memberships", None),
    ("Organisation", "goals"): ("Goal", "personId", "memberships", "STUDENT"),
}
"""What belongs to the people of memberships: its type, which of its values names the person, the
memberships, and their role."""

SEARCHED = {
    "Goal": ("title", "information"),
    "GoalTask": ("information",),
    "GoalNote": ("information",),
    "Evidence": ("title",),
    "Person": ("name",),
    "Organisation": ("name",),
    "Group": ("name",),
}
DEFAULT_ORDER = {
    "Person": ["NAME_ASC"],
    "GoalTask": ["POSITION_ASC"],
    "Organisation": ["NAME_ASC"],
    "Group": ["NAME_ASC"],
    "AuditEntry": ["AT_DESC"],
    "Reminder": ["DUE_AT_ASC"],
    "Job": ["CREATED_AT_DESC"],
    "JobRowError": ["POSITION_ASC"],
    "RosterImport": ["CREATED_AT_DESC"],
    "AddressConflict": ["CREATED_AT_DESC"],
    "RosterChange": ["POSITION_ASC"],
    "OpenedRecord": ["CREATED_AT_DESC"],
    "PrivacyRequest": ["DUE_AT_ASC"],
    "Consent": ["GIVEN_AT_DESC"],
    "PersonAccess": ["SINCE_DESC"],
}
UNLISTED = {"Group": "endedAt"}
"""Type -> the field whose rows lists leave out, where it has a value and nothing else is said."""
OWN = ("Goal", "Job")
"""Types of which Query lists one's own."""
DEFAULT_PAGE = 50


class VisibleRow(dict[str, Any]):
    """A row as one viewer sees it; what it leads to is looked up when it is asked for."""

    def __init__(self, kind: str, row: Row, policy: Policy) -> None:
        super().__init__(
            (name, value if policy.may_see_field(kind, row, name) else None)
            for name, value in row.items()
        )
        self.kind = kind
        self.policy = policy

    def __missing__(self, field: str) -> Any:
        if field in ONE.get(self.kind, {}):
            kind, key = ONE[self.kind][field]
            found = [row for row in see(self.policy, kind) if row["id"] == self[key]]
            return found[0] if found else None
        if (self.kind, field) in BY_MEMBERSHIPS:
            return self.of_members(*BY_MEMBERSHIPS[self.kind, field])
        kind, key = MANY[self.kind][field]
        return [row for row in see(self.policy, kind) if row[key] == self["id"]]

    def of_members(
        self, kind: str, key: str, memberships: str, role: str | None
    ) -> list[VisibleRow]:
        """What belongs to the people whose memberships here the viewer sees and that count now."""
        people = {
            each["personId"]
            for each in self[memberships]
            if self.policy.counts(each) and role in (None, each["role"])
        }
        return [row for row in see(self.policy, kind) if row[key] in people]


def see(policy: Policy, kind: str) -> Iterator[VisibleRow]:
    """The rows of a type that the viewer may see."""
    match kind:
        case "GroupProgress":
            rows = progress(policy)
        case "StudentAccount":
            rows = student_accounts(policy)
        case "Invitation":
            rows = [
                offer(policy, row) for row in policy.world["Membership"] if policy.is_offered(row)
            ]
        case "PersonAccess":
            rows = list(accesses(policy))
        case "Reminder":
            rows = [row for row in policy.world[kind] if reminds(policy, row)]
        case _:
            rows = policy.world[kind]
    return (VisibleRow(kind, row, policy) for row in rows if policy.may_see(kind, row))


def answer_change(
    schema: GraphQLSchema,
    document: DocumentNode,
    policy: Policy,
    variables: Row,
    changed: VisibleRow | str,
    values: Row,
) -> Row:
    """The data that a mutation of one root field is answered with, given the row it is about.

    Of a mutation of several inputs: with the one result that this row is; or with that error.
    `values`: what else is in the payload, by field.
    """
    failed = isinstance(changed, str)

    def resolve_change(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if info.parent_type is schema.mutation_type:
            return PAYLOAD
        if source is PAYLOAD and info.field_name == "results":
            return [PAYLOAD]
        if source is PAYLOAD and info.field_name == "error":
            return {"code": changed, "message": ANY, "field": ANY} if failed else None
        if source is PAYLOAD and failed:
            return None
        if source is PAYLOAD and info.field_name in values:
            return values[info.field_name]
        if source is PAYLOAD:
            assert not isinstance(changed, str)
            return changed["id"] if is_leaf_type(get_named_type(info.return_type)) else changed
        return resolve(source, info, **arguments)

    result = execute_sync(
        schema, document, variable_values=variables, context_value=policy,
        field_resolver=resolve_change,
    )  # fmt: skip
    if result.errors:
        raise AssertionError(result.errors)
    assert result.data is not None
    return result.data


PAYLOAD = object()
ANY = "any"
"""What an error of an input says, and about which field."""


def answer(schema: GraphQLSchema, document: DocumentNode, policy: Policy) -> Row:
    """What the policy's viewer is answered with: data, and what of the rows named is not found."""
    result = execute_sync(schema, document, context_value=policy, field_resolver=resolve)
    assert result.data is not None, result.errors
    missing = [describe_missing(error) for error in result.errors or ()]
    return {"errors": missing, "data": result.data} if missing else {"data": result.data}


def resolve(
    source: VisibleRow | Row | None, info: GraphQLResolveInfo[Any], **arguments: Any
) -> Any:
    """Every field of every type."""
    name = info.field_name
    kind = get_named_type(info.return_type).name.removesuffix("Connection")
    if source is None:
        found = root(info.context, name, kind, arguments)
    else:
        found = source[name.removesuffix("Connection")] if name not in source else source[name]
    if "orderBy" not in info.parent_type.fields[name].args:
        return found
    listing = list_of(name_list(info), kind, arguments.get("orderBy"))
    hidden = UNLISTED.get(kind) if not arguments.get("includeEnded") else None
    rows = [row for row in found if fits(row, arguments.get("filter") or {})]
    rows = [row for row in rows if hidden is None or row[hidden] is None]
    connection = name.endswith("Connection")
    window = read_window(info, listing, arguments, DEFAULT_PAGE if connection else None)
    return listing.page(rows, window) if connection else listing.cut(rows, window)


def list_of(name: str, kind: str, orders: list[str] | None) -> Listing:
    """A list of this type, as it is sorted."""
    terms = order_terms(orders or DEFAULT_ORDER.get(kind, ["CREATED_AT_ASC"]))
    return Listing(name, terms, SEARCHED.get(kind, ()))


def root(policy: Policy, name: str, kind: str, arguments: Row) -> Any:
    """A field of Query: who asks, one by its id, or all that may be seen."""
    named: UUID | None = next((id_ for key, id_ in arguments.items() if key.endswith("Id")), None)
    if name == "me":
        named = policy.viewer
    seen = list(see(policy, kind))
    if named is not None:
        seen = [row for row in seen if row["id"] == named]
    elif kind in OWN:
        seen = [row for row in seen if row["personId"] == policy.viewer]
    if name.endswith(("s", "Connection")):
        return seen
    if not seen:
        raise LookupError(f"{kind} not found, or you may not see it.")
    return seen[0]


# Filters: two-valued, and only what may be seen counts.


def fits(row: VisibleRow, condition: Row) -> bool:
    return all(holds(row, name, wanted) for name, wanted in condition.items())


def holds(row: VisibleRow, name: str, wanted: Any) -> bool:
    """One entry of a filter."""
    match name:
        case "and":
            return all(fits(row, part) for part in wanted)
        case "or":
            return any(fits(row, part) for part in wanted)
        case "not":
            return not fits(row, wanted)
        case "search":
            return has_words([row[field] for field in SEARCHED[row.kind]], wanted)
    match row[name]:
        case list() as rows:
            return all(has(rows, quantifier, part) for quantifier, part in wanted.items())
        case VisibleRow() as related:
            return fits(related, wanted)
        case None if name in ONE.get(row.kind, {}):
            return False
        case value:
            return all(compare(value, key, operand) for key, operand in wanted.items())


def has(rows: list[VisibleRow], quantifier: str, condition: Row) -> bool:
    found = [fits(row, condition) for row in rows]
    return {"some": any(found), "none": not any(found), "every": all(found)}[quantifier]
