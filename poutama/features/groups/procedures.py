"""Organisations, groups and memberships: what takes more than one change.

Each procedure runs in the mutation's transaction, perhaps several times over. Who may call it is
asked of the database in that transaction, by the same memberships that decide what is visible.
`docs/permissions.md` has the table.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from asyncpg import Record

from poutama.audit import record_change
from poutama.db.transaction import Transaction
from poutama.errors import BadUserInputError, ConflictError, NotFoundError
from poutama.sql.standing import render_counting
from poutama.text import fold, normalize, normalize_email
from poutama.viewer import Viewer

# Without the letters and digits that are read for one another.
CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
CODE_LENGTH = 8

_COUNTS = render_counting("membership")
_LEADS = f"""
SELECT 1 FROM membership WHERE person_id = $1::uuid AND organisation_id = $2::uuid
    AND role IN ('MENTOR_MANAGER', 'ADMIN') AND {_COUNTS}
"""  # noqa: S608  constants
_ADMINISTERS = f"""
SELECT 1 FROM membership WHERE person_id = $1::uuid AND organisation_id = $2::uuid
    AND role = 'ADMIN' AND {_COUNTS}
"""  # noqa: S608
_MENTORS = f"""
SELECT 1 FROM membership WHERE person_id = $1::uuid AND group_id = $2::uuid
    AND role = 'MENTOR' AND {_COUNTS}
"""  # noqa: S608
_ADD_ORGANISATION = """
INSERT INTO organisation (id, name, name_search, time_zone, region, retention_days)
VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::int8)
"""
_ADD_GROUP = """
INSERT INTO learning_group (id, organisation_id, name, name_search, join_code)
VALUES ($1::uuid, $2::uuid, $3::text, $4::text, $5::text)
"""
_ADD_MEMBERSHIP = """
INSERT INTO membership
    (id, organisation_id, group_id, person_id, role, child_id, source, accepted_at,
    invited_name, invited_email)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::uuid, $7::text,
    CASE WHEN $8::bool THEN now() END, $9::text, $10::text)
"""
_FIND_GROUP = "SELECT organisation_id FROM learning_group WHERE id = $1::uuid"
_FIND_CODE = "SELECT id, organisation_id FROM learning_group WHERE join_code = $1::text"
_SET_CODE = """
UPDATE learning_group SET join_code = $2::text, version = version + 1, updated_at = now()
WHERE id = $1::uuid
"""
_FIND_SAME = """
SELECT id FROM membership WHERE person_id = $1::uuid AND organisation_id = $2::uuid
    AND role = $3::text AND group_id IS NOT DISTINCT FROM $4::uuid
    AND child_id IS NOT DISTINCT FROM $5::uuid AND (ends_at IS NULL OR ends_at > now())
"""
_FIND_PERSON = "SELECT id FROM person WHERE email = $1::text"
_ADD_PERSON = "INSERT INTO person (id, email, name) VALUES ($1::uuid, $2::text, $3::text)"
# Accepted: otherwise whoever founds an organisation could make anybody anybody's caregiver.
_FIND_STUDENT = f"""
SELECT 1 FROM membership WHERE person_id = $1::uuid AND organisation_id = $2::uuid
    AND role = 'STUDENT' AND {_COUNTS}
"""  # noqa: S608
_FIND_MEMBERSHIP = """
SELECT person_id, organisation_id, group_id, role, ends_at <= now() AS ended, accepted_at
FROM membership WHERE id = $1::uuid
"""
_ACCEPT = """
UPDATE membership SET accepted_at = now(), version = version + 1, updated_at = now()
WHERE id = $1::uuid AND accepted_at IS NULL
"""
_END = """
UPDATE membership SET ends_at = now(), version = version + 1, updated_at = now()
WHERE id = $1::uuid
"""
_OTHER_ADMINS = f"""
SELECT 1 FROM membership WHERE organisation_id = $1::uuid AND id <> $2::uuid
    AND role = 'ADMIN' AND {_COUNTS} LIMIT 1
"""  # noqa: S608

Given = Mapping[str, Any]
Ids = Mapping[str, UUID]


async def create_organisation(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Found an organisation with the viewer as its administrator.

    Raises:
        BadUserInputError: the name, the time zone or the retention cannot be used.
    """
    name = _name(given["name"])
    try:
        ZoneInfo(given["timeZone"])
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _bad("timeZone", "an IANA time zone such as Pacific/Auckland") from error
    if not 1 <= given["retentionDays"] <= 36_500:
        raise _bad("retentionDays", "1 to 36500 days")
    organisation = uuid4()
    await transaction.execute(
        _ADD_ORGANISATION,
        organisation,
        name,
        fold(name),
        given["timeZone"],
        given["region"][:100],
        given["retentionDays"],
    )
    await record_change(transaction, viewer, "INSERT", "Organisation", organisation, None)
    await _add(
        transaction, viewer, viewer.person_id, organisation, "ADMIN", "FOUNDED", accepted=True
    )
    return {"organisation": organisation}


async def create_group(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Add a group with a join code to an organisation that the viewer leads.

    Raises:
        NotFoundError: there is no such organisation, or the viewer does not lead it.
    """
    name = _name(given["name"])
    organisation = given["organisationId"]
    await _require_lead(transaction, viewer, organisation, "createGroup")
    group = uuid4()
    await transaction.execute(_ADD_GROUP, group, organisation, name, fold(name), new_join_code())
    await record_change(transaction, viewer, "INSERT", "Group", group, None)
    return {"group": group}


async def renew_join_code(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Give a group a new join code.

    Raises:
        NotFoundError: there is no such group, or the viewer does not lead it.
    """
    group = given["groupId"]
    found = await transaction.fetch(_FIND_GROUP, group)
    if not found or not await _leads_group(transaction, viewer, group, found[0][0]):
        raise _missing("renewJoinCode", "group")
    await transaction.execute(_SET_CODE, group, new_join_code())
    await record_change(transaction, viewer, "UPDATE", "Group", group, None)
    return {"group": group}


async def join_group(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Make the viewer a student of the group with that code, not accepted yet; once.

    Raises:
        NotFoundError: no group has this code.
    """
    code = given["joinCode"].strip().upper()
    found = await transaction.fetch(_FIND_CODE, code)
    if not found:
        raise _missing("joinGroup", "group with that code")
    group, organisation = found[0]
    same = await transaction.fetch(
        _FIND_SAME, viewer.person_id, organisation, "STUDENT", group, None
    )
    if same:
        return {"membership": same[0][0]}
    membership = await _add(
        transaction, viewer, viewer.person_id, organisation, "STUDENT", "JOIN_CODE", group=group
    )
    return {"membership": membership}


async def invite(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Invite somebody by email, whether they are known already or not; once.

    Managers invite students, mentors and caregivers, administrators everybody.

    Raises:
        NotFoundError: the organisation, the group or the child is not there for the viewer.
        BadUserInputError: the email is none, or role, group and child do not go together.
    """
    organisation, role = given["organisationId"], given["role"]
    group, child = given.get("groupId"), given.get("childId")
    email, name = _email(given["email"]), _name(given["name"])
    await _require_invitable(transaction, viewer, given)
    person = await _find_or_add_person(transaction, email, name)
    same = await transaction.fetch(_FIND_SAME, person, organisation, role, group, child)
    if same:
        return {"membership": same[0][0]}
    membership = await _add(
        transaction,
        viewer,
        person,
        organisation,
        role,
        "INVITED",
        group=group,
        child=child,
        invited=(name, email),
    )
    return {"membership": membership}


async def accept_membership(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Accept one's own membership; accepting again changes nothing.

    Raises:
        NotFoundError: the viewer has no such membership, or it has ended.
    """
    found = await transaction.fetch(_FIND_MEMBERSHIP, given["membershipId"])
    if not found or found[0]["person_id"] != viewer.person_id or found[0]["ended"]:
        raise _missing("acceptMembership", "membership")
    membership = given["membershipId"]
    if found[0]["accepted_at"] is None:
        await transaction.execute(_ACCEPT, membership)
        await record_change(
            transaction, viewer, "UPDATE", "Membership", membership, viewer.person_id
        )
    return {"membership": membership}


async def end_membership(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """End a membership now; ending it again changes nothing.

    Everybody may end their own; mentors those of their group's students; managers those of
    students, mentors and caregivers; administrators all.

    Raises:
        NotFoundError: there is no such membership, or it is not the viewer's to end.
        ConflictError: it is the organisation's last administrator's.
    """
    membership = given["membershipId"]
    found = await transaction.fetch(_FIND_MEMBERSHIP, membership)
    if not found or not await _may_end(transaction, viewer, found[0]):
        raise _missing("endMembership", "membership")
    row = found[0]
    if not row["ended"]:
        if row["role"] == "ADMIN" and row["accepted_at"] is not None:
            others = await transaction.fetch(_OTHER_ADMINS, row["organisation_id"], membership)
            if not others:
                raise ConflictError("endMembership: an organisation keeps an administrator.")
        await transaction.execute(_END, membership)
        await record_change(
            transaction, viewer, "UPDATE", "Membership", membership, row["person_id"]
        )
    return {"membership": membership}


def new_join_code() -> str:
    """Eight letters and digits, 39 bits of chance."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


async def _may_end(transaction: Transaction, viewer: Viewer, row: Record) -> bool:
    if row["person_id"] == viewer.person_id:
        return True
    who, organisation = viewer.person_id, row["organisation_id"]
    if await transaction.fetch(_ADMINISTERS, who, organisation):
        return True
    if row["role"] in ("ADMIN", "MENTOR_MANAGER"):
        return False
    if await transaction.fetch(_LEADS, who, organisation):
        return True
    return row["role"] == "STUDENT" and bool(
        await transaction.fetch(_MENTORS, who, row["group_id"])
    )


async def _require_invitable(transaction: Transaction, viewer: Viewer, given: Given) -> None:
    """Refuse a role, group or child that the viewer may not invite somebody for."""
    organisation, role = given["organisationId"], given["role"]
    group, child = given.get("groupId"), given.get("childId")
    if (role in ("STUDENT", "MENTOR")) != (group is not None):
        raise _bad("groupId", "a group for a student or a mentor, and none for others")
    if (role == "CAREGIVER") != (child is not None):
        raise _bad("childId", "a child for a caregiver, and none for others")
    if role in ("ADMIN", "MENTOR_MANAGER"):
        if not await transaction.fetch(_ADMINISTERS, viewer.person_id, organisation):
            raise _missing("invite", "organisation")
    else:
        await _require_lead(transaction, viewer, organisation, "invite")
    if group is not None:
        found = await transaction.fetch(_FIND_GROUP, group)
        if not found or found[0][0] != organisation:
            raise _missing("invite", "group")
    if child is not None and not await transaction.fetch(_FIND_STUDENT, child, organisation):
        raise _missing("invite", "child")


async def _require_lead(
    transaction: Transaction, viewer: Viewer, organisation: UUID, field: str
) -> None:
    if not await transaction.fetch(_LEADS, viewer.person_id, organisation):
        raise _missing(field, "organisation")


async def _leads_group(
    transaction: Transaction, viewer: Viewer, group: UUID, organisation: UUID
) -> bool:
    return bool(
        await transaction.fetch(_MENTORS, viewer.person_id, group)
        or await transaction.fetch(_LEADS, viewer.person_id, organisation)
    )


async def _find_or_add_person(transaction: Transaction, email: str, name: str) -> UUID:
    found = await transaction.fetch(_FIND_PERSON, email)
    if found:
        known: UUID = found[0][0]
        return known
    person = uuid4()
    await transaction.execute(_ADD_PERSON, person, email, name)
    return person


async def _add(
    transaction: Transaction,
    viewer: Viewer,
    person: UUID,
    organisation: UUID,
    role: str,
    source: str,
    *,
    group: UUID | None = None,
    child: UUID | None = None,
    accepted: bool = False,
    invited: tuple[str, str] | tuple[None, None] = (None, None),
) -> UUID:
    membership = uuid4()
    await transaction.execute(
        _ADD_MEMBERSHIP,
        membership,
        organisation,
        group,
        person,
        role,
        child,
        source,
        accepted,
        *invited,
    )
    await record_change(transaction, viewer, "INSERT", "Membership", membership, person)
    return membership


def _name(text: str) -> str:
    name = normalize(text).strip()
    if not 1 <= len(name) <= 200:
        raise _bad("name", f"1 to 200 characters, got {len(name)}")
    return name


def _email(text: str) -> str:
    email = normalize_email(text.strip())
    if email is None or "." not in email.rpartition("@")[2]:
        raise _bad("email", "an email address")
    return email


def _bad(field: str, expected: str) -> BadUserInputError:
    return BadUserInputError(f"input.{field}: expected {expected}.", field=f"input.{field}")


def _missing(field: str, what: str) -> NotFoundError:
    return NotFoundError(f"{field}: there is no such {what}, or it is not yours to change.")
