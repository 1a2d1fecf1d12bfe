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
from poutama.db.verified_organisations import render_is_verified


def render_is_taken(person: str, row: str) -> str:
    """Return the SQL condition that the address is another person's, as far as is known.

    Another row of a roster stands or stood for the person, here or in another verified
    organisation, or the person has left, as student or staff; and no administrator has decided that
    they are the same.

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
