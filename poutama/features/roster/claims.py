"""Whose a row of a roster is: when it does not get the person who has its address, or names them.

`roster.matching` asks before it shows what an import changes, `roster.writing` again before it
links the row to the person.
"""

from __future__ import annotations

from poutama.db.address_conflicts import (
    ROSTER,
    SAME_PERSON,
    render_has_left,
)
from poutama.db.verified_organisations import (
    render_has_domain,
    render_is_of_others,
    render_is_verified,
)
from poutama.sql.relationship import render_is_current


def render_address(row: str) -> str:
    """Return the SQL value that is the address of a staged row's person alone, or empty.

    Args:
        row: the alias of the staged row.
    """
    return f"CASE WHEN {row}.shared THEN '' ELSE {row}.email END"


def render_is_taken(person: str, row: str) -> str:
    """Return the SQL condition that the address is another person's, as far as is known.

    Another row of a roster stands or stood for the person, here or in another verified
    organisation, or the person has left, as student or staff; and it was not decided of the row, as
    it is now, that they are the same.

    Args:
        person: the id of the person who has the address.
        row: the alias of the staged row; `i` is that of its import.
    """
    return f"""(
    EXISTS (
        SELECT 1 FROM roster_person AS c
        WHERE c.person_id = {person}
            AND (c.organisation_id <> i.organisation_id OR c.sourced_id <> {row}.sourced_id)
            AND (c.organisation_id = i.organisation_id
                OR (i.accepts AND {render_is_verified("c.organisation_id")}))
    ) OR (i.accepts AND {render_has_left(person)})
) AND NOT EXISTS (
    SELECT 1 FROM address_conflict AS a
    WHERE a.person_id = {person} AND a.source = i.organisation_id::text
        AND a.claimant = {row}.sourced_id AND a.kind = '{ROSTER}' AND a.decision = '{SAME_PERSON}'
        AND a.claimed_name = {row}.name
)"""  # noqa: S608  names and constants


def render_is_made(person: str) -> str:
    """Return the SQL condition that the organisation's own roster made the person, by any row.

    A school that changes its system has other ids for the people whom it made by the older ones:
    the new rows correct names and addresses. Only the rows that made them enrol without asking.

    Args:
        person: the id of the person; the alias of the import is `i`.
    """
    return f"""EXISTS (
        SELECT 1 FROM roster_person AS pm
        WHERE pm.person_id = {person} AND (pm.organisation_id = i.organisation_id) IS TRUE
            AND pm.made
    )"""  # noqa: S608  names


def render_belongs(person: str) -> str:
    """Return the SQL condition that the person has a current membership of the import's
    organisation, which is `i`.
    """
    # `IS TRUE` keeps the index on organisations out of it.
    return f"""EXISTS (
        SELECT 1 FROM membership AS bm WHERE bm.person_id = {person}
            AND (bm.organisation_id = i.organisation_id) IS TRUE AND {render_is_current("bm")}
    )"""  # noqa: S608  names


def render_may_change(person: str) -> str:
    """Return the SQL condition that the import may show and change the person's name and address.

    The organisation's own roster made them; they belong there, or have never signed in; and they
    belong to no other organisation. What another one only offers counts for nothing.

    Args:
        person: the id of the person; the alias of the import is `i`.
    """
    return f"""({render_is_made(person)}
    AND ({render_belongs(person)}
        OR NOT EXISTS (SELECT 1 FROM identity AS mi WHERE mi.person_id = {person}))
    AND NOT EXISTS (
        SELECT 1 FROM membership AS em WHERE em.person_id = {person}
            AND em.organisation_id <> i.organisation_id AND em.accepted_at IS NOT NULL
            AND (em.ends_at IS NULL OR em.ends_at > now())
    ))"""  # noqa: S608  names


def render_is_foreign(person: str, email: str, taken: str) -> str:
    """Return the SQL condition that the address is another organisation's to give, by its domain.

    Such a row is used for a person who belongs to the organisation by their own acceptance alone.

    Args:
        person: the id of the person who has the address, or null.
        email: the address; the alias of the import is `i`.
        taken: `render_is_taken` of the person.
    """
    known = f"({person} IS NOT NULL AND {render_belongs(person)} AND NOT ({taken}))"
    return f"({render_is_of_others('i.organisation_id', email)} AND NOT {known})"


def render_is_squatted(person: str, email: str) -> str:
    """Return the SQL condition that others' rosters have made the person of the import's address.

    The address is of the organisation's own mail domain; the person has never signed in or accepted
    anything, and no roster of an organisation that has the domain lists them. They lose it.

    Args:
        person: the id of the person who has the address.
        email: the address; the alias of the import is `i`.
    """
    return f"""(i.accepts AND {render_has_domain("i.organisation_id", email)}
    AND NOT EXISTS (SELECT 1 FROM identity AS si WHERE si.person_id = {person})
    AND NOT EXISTS (
        SELECT 1 FROM membership AS sm
        WHERE sm.person_id = {person} AND sm.accepted_at IS NOT NULL
    )
    AND EXISTS (SELECT 1 FROM roster_person AS sr WHERE sr.person_id = {person} AND sr.made)
    AND NOT EXISTS (
        SELECT 1 FROM roster_person AS sr WHERE sr.person_id = {person}
            AND {render_has_domain("sr.organisation_id", email)}
    ))"""  # noqa: S608  names
