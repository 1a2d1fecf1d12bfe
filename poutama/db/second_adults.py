"""Which adults wait until a second one has confirmed them: the conditions, as SQL.

What looks at a child needs two adults: who offers a mentorship and who holds it, who invites a
caregiver and who confirms them. Two accounts of one adult are not two. In a verified organisation
an address of its own mail domains counts as an adult whom the school knows, unless the account or
the address is, or was, a student's there; any other waits for a leader who neither offered nor
holds the membership, or for the operator. No one has checked an organisation that is not verified:
its students read that, and its adults do not wait.

Called by statements of `features.groups` and `features.roster`. Confirms no one itself.
"""

from __future__ import annotations

from poutama.db.verified_organisations import render_has_domain, render_is_verified
from poutama.sql.relationship import render_is_current

STAFF = "('MENTOR', 'MENTOR_MANAGER', 'ADMIN')"


def render_is_unknown(membership: str) -> str:
    """Return the SQL condition that the membership makes staff of an adult whom a verified school
    does not know by the address that was invited: no student ever had it, or the account, there.

    Args:
        membership: the alias of its row.
    """
    organisation, email = f"{membership}.organisation_id", f"{membership}.invited_email"
    return (
        f"({membership}.role IN {STAFF} AND {render_is_verified(organisation)}"
        f" AND (NOT {render_has_domain(organisation, email)}"
        f" OR {render_has_studied(f'{membership}.person_id', organisation, email)}))"
    )


def render_has_studied(person: str, organisation: str, email: str) -> str:
    """Return the SQL condition that account or address have, or had, a student's place there, or
    that a roster listed the account as a student.

    Args:
        person: the id of the account's person.
        organisation: where.
        email: the address.
    """
    # `IS TRUE` keeps the index on organisations out of it.
    place = f"sm.role = 'STUDENT' AND (sm.organisation_id = {organisation}) IS TRUE"
    found = "EXISTS (SELECT 1 FROM membership AS sm WHERE"
    return (
        f"({found} sm.person_id = {person} AND {place})"  # noqa: S608  names
        f" OR {found} sm.invited_email = {email} AND {place})"
        f" OR EXISTS (SELECT 1 FROM roster_person AS sl WHERE sl.person_id = {person}"
        f" AND (sl.organisation_id = {organisation}) IS TRUE AND sl.student))"
    )


def render_leads(person: str, organisation: str) -> str:
    """Return the SQL condition that the person manages or administers the organisation."""
    return (
        f"EXISTS (SELECT 1 FROM membership AS lm WHERE lm.person_id = {person}"  # noqa: S608  names
        f" AND (lm.organisation_id = {organisation}) IS TRUE"
        f" AND lm.role IN ('MENTOR_MANAGER', 'ADMIN') AND {render_is_current('lm')})"
    )


def render_is_to_lead(person: str, organisation: str) -> str:
    """Return the SQL condition that the person leads it, or will once they are confirmed or begin.

    Args:
        person: the id of the person.
        organisation: where.
    """
    return (
        f"EXISTS (SELECT 1 FROM membership AS lm WHERE lm.person_id = {person}"  # noqa: S608  names
        f" AND (lm.organisation_id = {organisation}) IS TRUE"
        " AND lm.role IN ('MENTOR_MANAGER', 'ADMIN') AND lm.accepted_at IS NOT NULL"
        " AND (lm.ends_at IS NULL OR lm.ends_at > now()))"
    )


def _render_leader_mentors(membership: str) -> str:
    leads = render_is_to_lead(f"{membership}.person_id", f"{membership}.organisation_id")
    return f"({membership}.role = 'MENTOR' AND {membership}.granted_by_id IS NULL AND {leads})"


def render_needs_second_adult(membership: str) -> str:
    """Return the SQL condition that the membership waits to be confirmed once it is accepted.

    Of an adult whom the school does not know; and of a leader who becomes a mentor without another
    person's offer, as by a roster, which an administrator writes.

    Args:
        membership: the alias of its row.
    """
    return f"({render_is_unknown(membership)} OR {_render_leader_mentors(membership)})"


def render_waits_again(membership: str) -> str:
    """Return the SQL condition that a membership of staff which counts is to wait.

    Its account has become a student's, or a leader's who mentors without another person's offer,
    since it was accepted; and no second adult has confirmed it. The operator has checked founders.

    Args:
        membership: the alias of its row.
    """
    organisation = f"{membership}.organisation_id"
    studied = render_has_studied(
        f"{membership}.person_id", organisation, f"{membership}.invited_email"
    )
    return (
        f"({membership}.role IN {STAFF} AND {membership}.source <> 'FOUNDED'"
        f" AND {membership}.accepted_at IS NOT NULL AND {membership}.confirmed"
        f" AND {membership}.confirmed_at IS NULL"
        f" AND ({membership}.ends_at IS NULL OR {membership}.ends_at > now())"
        f" AND (({render_is_verified(organisation)} AND {studied})"
        f" OR {_render_leader_mentors(membership)}))"
    )
