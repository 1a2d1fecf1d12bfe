"""The statements of the feature, which stand in `accounts.sql`."""

from __future__ import annotations

from poutama.bulk_changes import BulkTable, insert_rows, update_rows
from poutama.db.statements import load_sql
from poutama.db.verified_organisations import render_is_verified
from poutama.sql.relationship import render_has_left_since, render_is_current

CODES = BulkTable(kind="AccountCode", table="account_code", subject="person_id")


def _render_may_claim(person: str, organisation: str) -> str:
    """The condition that a code may lead to the person: a verified organisation's roster made them,
    they have no address, have never signed in, and no one claims an address that they had.

    An address leads to another sign-in, which would come to an account that who used the code has.
    """
    return f"""({render_is_verified(organisation)}
    AND EXISTS (
        SELECT 1 FROM roster_person AS r WHERE r.person_id = {person}
            AND (r.organisation_id = {organisation}) IS TRUE AND r.made
    )
    AND EXISTS (SELECT 1 FROM person AS h WHERE h.id = {person} AND h.email IS NULL)
    AND NOT EXISTS (SELECT 1 FROM identity AS n WHERE n.person_id = {person})
    AND NOT EXISTS (
        SELECT 1 FROM address_conflict AS o WHERE o.person_id = {person} AND o.decision IS NULL
    ))"""  # noqa: S608  names


_STUDENT = f"m.role = 'STUDENT' AND {render_is_current('m')}"
_MAKE = load_sql(
    __package__,
    "accounts.sql",
    {
        "is_student": _STUDENT,
        "may_claim": _render_may_claim("p.id", "m.organisation_id"),
        "still_may_claim": _render_may_claim("c.person_id", "c.organisation_id"),
        "has_left_since": render_has_left_since("c.person_id", "c.organisation_id", "c.created_at"),
    },
)
FIND_STUDENTS = _MAKE["find_students"]
END_CODES = update_rows(CODES, ("ended_at",), _MAKE["end_codes"])
ADD_CODES = insert_rows(
    CODES,
    ("id", "organisation_id", "person_id", "made_by_id", "digest", "expires_at"),
    _MAKE["new_codes"],
)
FIND_CODE = _MAKE["find_code"]
FIND_BOUND, BIND = _MAKE["find_bound"], _MAKE["bind"]
USE_CODE = update_rows(CODES, ("used_at",), _MAKE["used_code"])
PURGE = (_MAKE["purge_codes"], _MAKE["purge_sign_ins"])
