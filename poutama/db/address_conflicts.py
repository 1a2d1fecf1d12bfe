"""Addresses that belong to one person and are claimed by another: when, and who decides.

`db.identity` records the conflict of a sign-in, rosters those of their rows by the same fragments
of SQL, and the feature `addresses` resolves them. Never merges, moves or frees anything itself.
"""

from __future__ import annotations

from poutama.db.verified_organisations import (
    render_domain,
    render_has_domain,
    render_is_verified,
)
from poutama.sql.relationship import render_is_current

SIGN_IN, ROSTER = "SIGN_IN", "ROSTER"
"""What claims: `source` and `claimant` are an issuer and its subject, or the id of the organisation
that imported (as `importer_id` is) and the sourcedId of its row."""
DIFFERENT_PEOPLE, SAME_PERSON = "DIFFERENT_PEOPLE", "SAME_PERSON"

RECORD = (
    "INSERT INTO address_conflict"
    " (id, organisation_id, person_id, email, kind, importer_id, source, claimant, claimed_name)"
)
"""The conflicts that the query after it returns; `REOPEN` follows the query."""
REOPEN = """
ON CONFLICT (organisation_id, person_id, kind, source, claimant) DO UPDATE SET
    email = excluded.email, claimed_name = excluded.claimed_name, decision = NULL,
    decided_by = NULL, decided_at = NULL, proposal = NULL, proposed_by = NULL, proposed_at = NULL,
    version = address_conflict.version + 1,
    created_at = now(), updated_at = now()
WHERE address_conflict.decision IS NOT NULL OR address_conflict.email <> excluded.email
    OR address_conflict.claimed_name IS DISTINCT FROM excluded.claimed_name
"""
"""A conflict that is open stays as it is while the claim does; of another claim it says the new
one, and what was proposed about the earlier one is gone. One that was decided and comes up again is
open again."""


def render_has_left(person: str) -> str:
    """Return the SQL condition that the person of this id belonged somewhere, and no longer does.

    They belong where a membership that they accepted has not ended, or where the roster of a
    verified organisation lists them. An invitation changes nothing: anyone may send one.
    """
    member = (
        f"SELECT 1 FROM membership AS hm WHERE hm.person_id = {person}"  # noqa: S608  names
        " AND hm.accepted_at IS NOT NULL"
    )
    listed = (
        f"SELECT 1 FROM roster_person AS hr WHERE hr.person_id = {person}"  # noqa: S608
        f" AND {render_is_verified('hr.organisation_id')}"
    )
    return (
        f"((EXISTS ({member}) OR EXISTS ({listed}))"
        f" AND NOT EXISTS ({member} AND (hm.ends_at IS NULL OR hm.ends_at > now()))"
        f" AND NOT EXISTS ({listed} AND NOT hr.ended))"
    )


def render_is_claimed(person: str, email: str) -> str:
    """Return the SQL condition that another account or row claims the person's address, undecided.

    A roster's row claims addresses of its organisation's own mail domains alone.

    Args:
        person: the id of the person who has the address.
        email: the address, normalised.
    """
    return (
        "EXISTS (SELECT 1 FROM address_conflict AS ac"  # noqa: S608  names
        f" WHERE ac.person_id = {person} AND ac.email = {email} AND ac.decision IS NULL"
        f" AND (ac.kind = '{SIGN_IN}' OR {render_has_domain('ac.importer_id', 'ac.email')}))"
    )


DECIDING_TABLES = ("membership", "roster_person", "verified_domain")
"""The tables whose rows say which organisations know a person, or whose their address is."""


def render_concerns(table: str, row: str, person: str) -> str:
    """Return the SQL condition that a row of a deciding table is about the person."""
    if table == "verified_domain":
        domain = render_domain("dp.email")
        return f"{row}.domain = (SELECT {domain} FROM person AS dp WHERE dp.id = {person})"  # noqa: S608
    return f"{row}.person_id = {person}"


def _render_may_decide(organisation: str, person: str) -> str:
    """The organisation is verified, and the address not of a mail domain of others alone."""
    owners = (
        f"SELECT bool_or(ow.organisation_id = {organisation}) FROM verified_domain AS ow"  # noqa: S608
        f" WHERE {render_concerns('verified_domain', 'ow', person)}"
    )
    return f"({render_is_verified(organisation)} AND coalesce(({owners}), true))"


def render_decides(table: str, row: str, person: str) -> str:
    """Return the SQL condition that a row of the table names an organisation that decides.

    Its administrators decide about the address of the person. The organisations are verified, and
    where the address is of a verified mail domain, it is theirs: those that the person belongs to;
    if there are none, those they once belonged to; else those whose mail domain it is, and, of a
    person who has never signed in, those that have invited or imported them. An invitation gives no
    say over the account of a person who has not accepted it.

    Args:
        table: one of `DECIDING_TABLES`.
        row: the alias of its row, which is about the person (`render_concerns`).
        person: the id of the person.
    """
    entitled = _render_may_decide(f"{row}.organisation_id", person)
    unused = f"NOT EXISTS (SELECT 1 FROM identity AS n WHERE n.person_id = {person})"  # noqa: S608
    elsewhere = (
        f"SELECT 1 FROM membership AS e WHERE e.person_id = {person}"  # noqa: S608
        f" AND {_render_may_decide('e.organisation_id', person)}"
    )
    if table == "verified_domain":
        return f"({entitled} AND NOT EXISTS ({elsewhere} AND e.accepted_at IS NOT NULL))"
    if table == "roster_person":
        return f"({entitled} AND {unused} AND NOT EXISTS ({elsewhere}))"
    current = f"NOT EXISTS ({elsewhere} AND {render_is_current('e')})"
    return f"""({entitled} AND (
    ({render_is_current(row)})
    OR ({row}.accepted_at IS NOT NULL AND {current})
    OR ({unused} AND NOT EXISTS ({elsewhere} AND e.accepted_at IS NOT NULL))
))"""


def render_deciders(person: str) -> str:
    """Return a query for the organisations that decide about this person's address."""
    return " UNION ".join(
        f"SELECT d.organisation_id FROM {table} AS d"  # noqa: S608  names
        f" WHERE {render_concerns(table, 'd', person)} AND {render_decides(table, 'd', person)}"
        for table in DECIDING_TABLES
    )
