"""Whom an import enrols without asking them, and why it invites the others.

`roster.membership_changes` decides it for the staged memberships, `roster.writing` again when it
writes them.
"""

from __future__ import annotations

from poutama.db.second_adults import STAFF, render_has_studied, render_is_to_lead
from poutama.db.verified_organisations import render_has_domain, render_is_verified

OTHER_DOMAIN, OWN_DECISION = "OTHER_DOMAIN", "OWN_DECISION"
"""Why a person is invited. The last one has several reasons, and does not say which: a school does
not learn from an import where else a person belongs."""


def render_person_decides(person: str, organisation: str) -> str:
    """Return the SQL condition that the person decides about memberships of the organisation.

    They belong to another organisation, or have ended a membership there themselves and accepted
    none since. Memberships that are offered elsewhere count for nothing: anyone may offer them.
    """
    elsewhere = (
        f"SELECT 1 FROM membership AS om WHERE om.person_id = {person}"  # noqa: S608  names
        f" AND om.organisation_id <> {organisation} AND om.accepted_at IS NOT NULL"
        " AND (om.ends_at IS NULL OR om.ends_at > now())"
    )
    # `IS TRUE` keeps the index on organisations out of it.
    accepted = (
        f"SELECT 1 FROM membership AS am WHERE am.person_id = {person}"  # noqa: S608
        f" AND (am.organisation_id = {organisation}) IS TRUE AND am.accepted_at > xm.ends_at"
    )
    ended = (
        f"SELECT 1 FROM membership AS xm WHERE xm.person_id = {person}"  # noqa: S608
        f" AND (xm.organisation_id = {organisation}) IS TRUE AND xm.ended_by_id = {person}"
        f" AND NOT EXISTS ({accepted})"
    )
    return f"(EXISTS ({elsewhere}) OR EXISTS ({ended}))"


def render_is_unreachable(person: str, email: str) -> str:
    """Return the SQL condition that no sign-in leads to the person: no address, and no account.

    Args:
        person: the id of the person, who may not be there yet.
        email: the address, null or empty where there is none.
    """
    return (
        f"(coalesce({email}, '') = '' AND NOT EXISTS"  # noqa: S608  names
        f" (SELECT 1 FROM identity AS ui WHERE ui.person_id = {person}))"
    )


def render_is_schools_own(person: str, organisation: str, email: str) -> str:
    """Return the SQL condition that the organisation alone leads to the account of a student whom
    its roster made without an address: by a code, which no one has used yet.
    """
    made = (
        f"SELECT 1 FROM roster_person AS rp WHERE rp.person_id = {person}"  # noqa: S608  names
        f" AND (rp.organisation_id = {organisation}) IS TRUE AND rp.made"
    )
    return f"({render_is_unreachable(person, email)} AND EXISTS ({made}))"


def render_may_enrol(person: str, organisation: str, email: str, role: str) -> str:
    """Return the SQL condition that the organisation may enrol the person who has this address."""
    own = render_is_schools_own(person, organisation, email)
    return (
        f"({render_is_verified(organisation)}"
        f" AND ({render_has_domain(organisation, email)} OR ({role} = 'STUDENT' AND {own}))"
        f" AND NOT {render_person_decides(person, organisation)})"
    )


def render_studies(membership: str, organisation: str, email: str) -> str:
    """Return the SQL condition that staged staff study there, by this file, or ever did.

    Args:
        membership: the alias of the staged membership, of the import that is the first parameter.
        organisation: where.
        email: the address of its person.
    """
    # Of other rows the membership is there. Not correlated: read once, not for each of the staff.
    listed = (
        f"{membership}.person_id IN (SELECT xs.person_id FROM roster_staged_membership AS xs"  # noqa: S608
        " WHERE xs.import_id = $1::uuid AND xs.role = 'STUDENT' AND xs.action IN ('ADD', 'MOVE')"
        " AND xs.person_id IS NOT NULL"
        " UNION ALL SELECT xl.target FROM roster_staged_person AS xl"
        " WHERE xl.import_id = $1::uuid AND xl.student AND xl.action IN ('ADD', 'CHANGE', 'SAME')"
        " AND xl.target IS NOT NULL)"
    )
    studied = render_has_studied(f"{membership}.person_id", organisation, email)
    return f"CASE WHEN {membership}.role IN {STAFF} THEN {listed} OR {studied} ELSE false END"


def render_mentors_as_leader(membership: str, organisation: str) -> str:
    """Return the SQL condition that a staged membership makes a mentor of who leads there, also by
    the same file.

    Args:
        membership: the alias of the staged membership.
        organisation: where.
    """
    leads = render_is_to_lead(f"{membership}.person_id", organisation)
    listed = (
        f"{membership}.person_id IN (SELECT xs.person_id FROM roster_staged_membership AS xs"  # noqa: S608
        " WHERE xs.import_id = $1::uuid AND xs.role = 'MENTOR_MANAGER'"
        " AND xs.action IN ('ADD', 'MOVE') AND xs.person_id IS NOT NULL)"
    )
    return f"CASE WHEN {membership}.role = 'MENTOR' THEN {leads} OR {listed} ELSE false END"


def render_has_declined(person: str, organisation: str, email: str, days: str) -> str:
    """Return the SQL condition that the person or the address declined an offer lately.

    Args:
        person: the id of the person.
        organisation: whose offer.
        email: the address.
        days: how many days count, a parameter.
    """
    lately = (
        f"(dm.organisation_id = {organisation}) IS TRUE"
        f" AND dm.declined_at > now() - {days}::int8 * interval '1 day'"
    )
    found = "EXISTS (SELECT 1 FROM membership AS dm WHERE"
    return (
        f"({found} dm.person_id = {person} AND {lately})"
        f" OR {found} dm.invited_email = {email} AND {lately}))"
    )
