"""What an import would change: its staged rows, compared with what there is.

`roster.steps` runs these statements from place to place; they write into staged rows alone, and
running one again gives the same again, for the data there is by then. Groups come first, then
people, then memberships, which need both.

Every statement takes the import, and the place from which and the place before which; those that
look for what is absent take ids instead of places, and put what they find after the last place.

What must hold, whatever the file says:

- A person is known by the school's id, else by email. An email names at most one person, and one
  that two rows claim names no one: both are refused.
- Only who was made by the roster of a verified organisation, and belongs to no other one, gets
  another name; another email only if the person has never signed in. A file can never take
  over a person.
- A profile is shared by the school's word alone only within organisations that are verified, for
  people that their own roster made, or who are their students already. Others are asked.
- An organisation that is not verified cannot learn from an import who has an account.
"""

from __future__ import annotations

from poutama.db.statements import load_sql


def _is_wanted(alias: str) -> str:
    """Whether a row is to be a person."""
    return (
        f"NOT {alias}.refused AND NOT {alias}.removed AND ({alias}.used OR NOT {alias}.in_family)"
    )


_SQL = load_sql(
    __package__, "matching.sql", {"wanted": _is_wanted("s"), "other_wanted": _is_wanted("o")}
)
MATCH_GROUPS, END_GROUPS = _SQL["match_groups"], _SQL["end_groups"]
MATCH_PEOPLE, REFUSE_RIVALS = _SQL["match_people"], _SQL["refuse_rivals"]
END_PEOPLE = _SQL["end_people"]
