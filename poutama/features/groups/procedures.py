"""The mutations of organisations and groups that are more than one change, and joining a group.

Who may call them is declared beside each mutation in `groups.graphql`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

import msgspec

from poutama.changes import NOW, ColumnValue, explain_conflict
from poutama.db.verified_organisations import render_is_verified
from poutama.errors import BadUserInputError, ConflictError, ForbiddenError, NotFoundError
from poutama.features.groups.join_codes import new_join_code, render_waits
from poutama.features.groups.memberships import MembershipPayload, Role
from poutama.procedure import ProcedureContext

NAME_IS_SHOWN = (
    "The organisation has invitations that were not answered, and they show its name; end them"
    " first (endMembership)."
)
GROUP_NAME_IS_SHOWN = (
    "The group has invitations that were not answered, and they show its name; end them first"
    " (endMembership), or ask those who run the service to verify the organisation."
)
NAME_IS_VERIFIED = (
    "The name of a verified organisation cannot be changed: it is what was checked. Ask those who"
    " run the service to verify the organisation under the new name."
)
GROUP_IS_KEPT = (
    "The group is kept, because people belong to it, belonged to it or were invited: what they"
    " consented to, declined and left rests on that. To put it away, end it (endGroup)."
)
GROUP_HAS_ENDED = "The group has ended; no person joins it. Make another group (createGroup)."

_HAS_ENDED = "SELECT 1 FROM learning_group WHERE id = $1::uuid AND ended_at IS NOT NULL"
_FIND_ORGANISATION = "SELECT verified, version FROM organisation WHERE id = $1::uuid"
_FIND_OPEN_OFFER = """
SELECT 1 FROM membership WHERE organisation_id = $1::uuid AND source = 'INVITED'
    AND ($2::uuid IS NULL OR group_id = $2::uuid)
    AND accepted_at IS NULL AND (ends_at IS NULL OR ends_at > now())
    AND (expires_at IS NULL OR expires_at > now()) LIMIT 1
"""
_FIND_GROUP = """
SELECT g.version, g.organisation_id, o.verified
FROM learning_group AS g JOIN organisation AS o ON o.id = g.organisation_id WHERE g.id = $1::uuid
"""
_FIND_CODE = f"""
SELECT g.id, g.organisation_id, g.join_code_expires_at, {render_waits("$2::uuid", "g")} AS waits
FROM learning_group AS g WHERE g.join_code = $1::text AND g.join_code_expires_at > now()
"""  # noqa: S608  constants
_FIND_ANY = "SELECT 1 FROM membership WHERE group_id = $1::uuid LIMIT 1"
# `older`: joined by a code that the group has renewed since.
_FIND_SAME = f"""
SELECT id, source = 'JOIN_CODE' AND accepted_at IS NULL
    AND expires_at IS DISTINCT FROM $3::timestamptz AS older
FROM membership WHERE person_id = $1::uuid AND group_id = $2::uuid
    AND role = 'STUDENT' AND (ends_at IS NULL OR ends_at > now())
    AND (accepted_at IS NOT NULL OR expires_at IS NULL OR expires_at > now())
    AND (accepted_at IS NOT NULL OR source = 'JOIN_CODE' OR {render_is_verified("organisation_id")})
ORDER BY created_at, id
"""  # noqa: S608  constants


class OrganisationPayload(msgspec.Struct, frozen=True):
    """The organisation."""

    organisation: UUID


class GroupPayload(msgspec.Struct, frozen=True):
    """The group."""

    group: UUID


class CreateOrganisationInput(msgspec.Struct, frozen=True, rename="camel"):
    """What the organisation is called, where it is, and how long it keeps data, in days."""

    name: str
    time_zone: str
    region: str
    retention_days: int
    id: UUID | None = None


class UpdateOrganisationInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which organisation, and what it is called from now on."""

    organisation_id: UUID
    name: str | None = None
    expected_version: int | None = None


class CreateGroupInput(msgspec.Struct, frozen=True, rename="camel"):
    """In which organisation, what it is called, and whether joining it waits for approval."""

    organisation_id: UUID
    name: str
    join_approval: bool
    id: UUID | None = None


class UpdateGroupInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which group, what it is called, and whether joining it waits for approval."""

    group_id: UUID
    name: str | None = None
    join_approval: bool | None = None
    expected_version: int | None = None


class DeleteGroupInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which group, and the version that it is expected to have."""

    group_id: UUID
    expected_version: int | None = None


class DeleteGroupPayload(msgspec.Struct, frozen=True, rename="camel"):
    """The group that is gone, and the organisation that it belonged to."""

    deleted_group_id: UUID
    organisation: UUID


class RenewJoinCodeInput(msgspec.Struct, frozen=True, rename="camel"):
    """Of which group, and in how many days the code expires."""

    group_id: UUID
    days: int | None = None


class JoinGroupInput(msgspec.Struct, frozen=True, rename="camel"):
    """The code that the group gives out."""

    join_code: str


HOST_ZONES = frozenset({"Factory", "localtime"})
"""What a host's database of zones names besides places: another host has another time there."""


@cache
def _time_zones() -> frozenset[str]:
    """Read once, because it walks through the database; a name must not become a path into it."""
    return frozenset(available_timezones()) - HOST_ZONES


async def create_organisation(
    context: ProcedureContext, input: CreateOrganisationInput
) -> OrganisationPayload:
    """Found an organisation with the caller as its administrator.

    Raises:
        BadUserInputError: an unknown time zone.
    """
    if input.time_zone not in _time_zones():
        expected = "an IANA time zone such as Pacific/Auckland"
        raise BadUserInputError.at("input.timeZone", expected)
    organisation = await context.changes.insert(
        "Organisation",
        {
            "name": input.name.strip(),
            "timeZone": input.time_zone,
            "region": input.region,
            "retentionDays": input.retention_days,
        },
        row=input.id,
    )
    await context.changes.insert(
        "Membership",
        {
            "organisation": organisation,
            "person": context.viewer.person_id,
            "role": Role.ADMIN,
            "source": "FOUNDED",
            "acceptedAt": NOW,
        },
    )
    return OrganisationPayload(organisation)


async def update_organisation(
    context: ProcedureContext, input: UpdateOrganisationInput
) -> OrganisationPayload:
    """Rename an organisation that is not verified.

    Raises:
        ConflictError: it has another version than expected, or open offers, which show its name.
        ForbiddenError: it is verified: under another name it would be taken for another school.
    """
    organisation, expected = input.organisation_id, input.expected_version
    (row,) = await context.transaction.fetch(_FIND_ORGANISATION, organisation)
    if expected not in (None, row["version"]):
        raise explain_conflict(expected, row["version"])
    if input.name is not None:
        if row["verified"]:
            raise ForbiddenError(NAME_IS_VERIFIED)
        if await context.transaction.fetch(_FIND_OPEN_OFFER, organisation, None):
            raise ConflictError(NAME_IS_SHOWN)
        await context.changes.update("Organisation", organisation, {"name": input.name})
    return OrganisationPayload(organisation)


async def create_group(context: ProcedureContext, input: CreateGroupInput) -> GroupPayload:
    """Add a group with a join code to an organisation."""
    group = await context.changes.insert(
        "Group",
        {
            "organisation": input.organisation_id,
            "name": input.name.strip(),
            "joinApproval": input.join_approval,
            **_new_join_code(context, None),
        },
        row=input.id,
    )
    return GroupPayload(group)


async def update_group(context: ProcedureContext, input: UpdateGroupInput) -> GroupPayload:
    """Change a group's name, or whether joining it waits for approval; what is absent stays.

    Raises:
        ConflictError: it has another version than expected; or its name is to change, an offer of
            it, which shows the name, is open, and its organisation is not verified.
    """
    group, expected = input.group_id, input.expected_version
    (row,) = await context.transaction.fetch(_FIND_GROUP, group)
    if expected not in (None, row["version"]):
        raise explain_conflict(expected, row["version"])
    values: dict[str, ColumnValue] = {}
    if input.name is not None:
        place = (row["organisation_id"], group)
        if not row["verified"] and await context.transaction.fetch(_FIND_OPEN_OFFER, *place):
            raise ConflictError(GROUP_NAME_IS_SHOWN)
        values["name"] = input.name
    if input.join_approval is not None:
        values["joinApproval"] = input.join_approval
    if values:
        await context.changes.update("Group", group, values)
    return GroupPayload(group)


async def delete_group(context: ProcedureContext, input: DeleteGroupInput) -> DeleteGroupPayload:
    """Delete a group that has no memberships, ended ones and offers included.

    Raises:
        ConflictError: it has another version than expected, or memberships.
    """
    if await context.transaction.fetch(_FIND_ANY, input.group_id):
        raise ConflictError(GROUP_IS_KEPT)
    (row,) = await context.transaction.fetch(_FIND_GROUP, input.group_id)
    await context.changes.delete("Group", input.group_id, expected_version=input.expected_version)
    return DeleteGroupPayload(input.group_id, row["organisation_id"])


async def renew_join_code(context: ProcedureContext, input: RenewJoinCodeInput) -> GroupPayload:
    """Give a group a new join code.

    Raises:
        ConflictError: it has ended.
    """
    if await context.transaction.fetch(_HAS_ENDED, input.group_id):
        raise ConflictError(GROUP_HAS_ENDED)
    await context.changes.update("Group", input.group_id, _new_join_code(context, input.days))
    return GroupPayload(input.group_id)


async def join_group(context: ProcedureContext, input: JoinGroupInput) -> MembershipPayload:
    """Make the caller a student of the group with that code, not accepted yet; once.

    It can be accepted as long as the code is valid. A student who was removed from a group of the
    organisation, by a person or by a roster, is not admitted by the code alone: the membership
    waits to be confirmed, as in a group that admits by approval. Accepting it looks again.

    Raises:
        NotFoundError: no group has this code, or it has expired.
    """
    code, person = input.join_code.strip().upper(), context.viewer.person_id
    found = await context.transaction.fetch(_FIND_CODE, code, person)
    if not found:
        raise NotFoundError("No group has this join code, or the code has expired.")
    group, organisation, expires, waits = found[0]
    same = await context.transaction.fetch(_FIND_SAME, person, group, expires)
    for row in same:
        if row["older"]:
            await context.changes.update("Membership", row["id"], {"expiresAt": expires})
    if same:
        return MembershipPayload(same[0]["id"])
    membership = await context.changes.insert(
        "Membership",
        {
            "organisation": organisation,
            "group": group,
            "person": person,
            "role": Role.STUDENT,
            "source": "JOIN_CODE",
            "confirmed": not waits,
            "expiresAt": expires,
        },
    )
    return MembershipPayload(membership)


def _new_join_code(context: ProcedureContext, days: int | None) -> dict[str, ColumnValue]:
    """What a group's new code sets."""
    lifetime = timedelta(days=days or context.settings.join_code_days)
    return {"joinCode": new_join_code(), "joinCodeExpiresAt": datetime.now(UTC) + lifetime}
