"""What an import would change: its staged rows, compared with what there is.

`roster.steps` runs these statements from place to place; they write into staged rows alone, and
running one again gives the same again, for the data there is by then. Groups come first, then
people, then memberships, which need both.

Every statement takes the import, and the place from which and the place before which; those that
look for what is absent take ids instead of places, and put what they find after the last place.

What must hold, whatever the file says:

- A person is known by the school's id, else by email. An email names at most one person. One that
  several rows have names none of them: each is a person without an address, and who has it and has
  not signed in loses it. So no address that two people share leads to a sign-in.
- Without an address a person is known by the school's id, else by the username, where the row that
  made them has the same username and name and ends with this import.
- An email does not lead to a person whom another id stands or stood for, here or in another
  verified organisation, nor to one who has left: schools give addresses to newcomers. Such a row
  is refused, and administrators decide (`db.address_conflicts`): about an address of a verified
  mail domain, those whose domain it is.
- A row with an address of others' mail domains is refused, and claims nothing. The owner's own row
  takes the address from a person whom others' rosters made, and who has never signed in.
- Only who was made by the roster of a verified organisation, belongs there or has never signed in,
  and belongs to no other one, is shown by the name they have, and gets another one; another email
  only if the person has never signed in, and only one of the organisation's own mail domains. A
  file can never take over a person, nor hand one over.
- A profile is shared by the school's word alone only within organisations that are verified, for
  people with addresses of their mail domains that their own roster made, or who are their students
  already; not for those who have left, or belong elsewhere (`roster.enrolment`). Others are asked.
- An organisation that is not verified cannot learn from an import who has an account.
"""

from __future__ import annotations

from poutama.db.address_conflicts import (
    RECORD,
    REOPEN,
    ROSTER,
    render_concerns,
    render_decides,
)
from poutama.db.statements import load_sql
from poutama.db.verified_organisations import render_has_domain
from poutama.features.roster.claims import (
    render_address,
    render_belongs,
    render_is_foreign,
    render_is_made,
    render_is_squatted,
    render_is_taken,
    render_may_change,
)


def _is_wanted(alias: str) -> str:
    """Whether a row is to be a person."""
    return (
        f"NOT {alias}.refused AND NOT {alias}.removed AND ({alias}.used OR NOT {alias}.in_family)"
    )


# The person without an address whom a row of the same username and name made that this import ends:
# a school that changes its system has other ids for the people of the older ones.
_BY_USERNAME = f"""CASE WHEN {render_address("r")} = '' AND r.username <> '' THEN (
    SELECT CASE WHEN count(*) = 1 THEN min(u.person_id::text)::uuid END
    FROM roster_import AS ui JOIN roster_person AS u
            ON u.organisation_id = ui.organisation_id AND u.username = r.username
        JOIN person AS up ON up.id = u.person_id
        LEFT JOIN roster_staged_person AS o
            ON o.import_id = r.import_id AND o.sourced_id = u.sourced_id
    WHERE ui.id = r.import_id AND u.made AND NOT u.ended AND up.email IS NULL AND up.name = r.name
        AND (o.removed OR (o.sourced_id IS NULL AND ui.ends_users))
) END"""  # noqa: S608  names

_SQL = load_sql(
    __package__,
    "matching.sql",
    {
        "wanted": _is_wanted("s"),
        "other_wanted": _is_wanted("o"),
        "is_taken": render_is_taken("e.id", "t"),
        "is_made": render_is_made("p.id"),
        "may_change": render_may_change("p.id"),
        "belongs": render_belongs("p.id"),
        "is_squatted": render_is_squatted("q.id", "t.address"),
        "is_foreign": render_is_foreign("e.id", "t.address", render_is_taken("e.id", "t")),
        "address": render_address("r"),
        "by_username": _BY_USERNAME,
        "claims": render_has_domain("i.organisation_id", "s.email"),
        "concerns_owner": render_concerns("verified_domain", "d", "s.target"),
        "owner_decides": render_decides("verified_domain", "d", "s.target"),
        "own_domain": render_has_domain("i.organisation_id", "t.address"),
        "member_decides": render_decides("membership", "d", "s.target"),
        "listed_decides": render_decides("roster_person", "d", "s.target"),
        "roster": f"'{ROSTER}'",
        "record": RECORD,
        "reopen": REOPEN,
    },
)
MATCH_GROUPS, END_GROUPS = _SQL["match_groups"], _SQL["end_groups"]
MARK_SHARED, MATCH_PEOPLE = _SQL["mark_shared"], _SQL["match_people"]
REFUSE_RIVALS = _SQL["refuse_rivals"]
RECORD_CONFLICTS = (
    _SQL["drop_conflicts"],
    _SQL["record_conflicts_of_members"],
    _SQL["record_conflicts_of_listed"],
    _SQL["record_conflicts_of_owners"],
)
END_PEOPLE = _SQL["end_people"]
