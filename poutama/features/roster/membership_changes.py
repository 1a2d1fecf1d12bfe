"""Which memberships an import adds, changes and ends; `roster.matching` says how it is run.

A membership's id is made of the import and of what it is, so that two enrolments of one student
in one class, as terms give them, are one membership. It lasts as long as any of them does.
"""

from __future__ import annotations

from poutama.db.statements import load_sql
from poutama.db.verified_organisations import render_has_domain
from poutama.features.roster.claims import render_address
from poutama.features.roster.enrolment import (
    OTHER_DOMAIN,
    OWN_DECISION,
    render_has_declined,
    render_is_schools_own,
    render_is_unreachable,
    render_person_decides,
)
from poutama.features.roster.spans import render_beginning, render_span
from poutama.sql.relationship import render_is_current

# Those that rows from one place to another add, change or leave.
_TOUCHED = """
SELECT x.target FROM roster_staged_membership AS x
WHERE x.import_id = $1::uuid AND x.place >= $2::int8 AND x.place < $3::int8
    AND (x.action IN ('ADD', 'CHANGE', 'MOVE') OR (x.action = 'SAME' AND x.until_at <= now()))
UNION ALL SELECT x.previous FROM roster_staged_membership AS x
WHERE x.import_id = $1::uuid AND x.place >= $2::int8 AND x.place < $3::int8
    AND x.previous IS NOT NULL
"""
# Of the person as they are by this import.
_ADDRESS = "CASE WHEN p.id IS NULL OR a.takes_email THEN a.listed_email ELSE p.email END"
# A student whom this import makes, or the organisation's roster has made.
_OWN = (
    f"(a.role = 'STUDENT' AND (({render_is_unreachable('a.person_id', _ADDRESS)} AND a.made)"
    f" OR {render_is_schools_own('a.person_id', 'a.organisation_id', _ADDRESS)}))"
)
_SQL = load_sql(
    __package__,
    "membership_changes.sql",
    {
        "touched": _TOUCHED,
        "span": render_span("r.from_at", "r.until_at"),
        "beginning": render_beginning("c.begins_at", "m.begins_at"),
        "counts": render_is_current("b"),
        "address": _ADDRESS,
        "has_domain": render_has_domain("a.organisation_id", _ADDRESS),
        "is_own": _OWN,
        "is_unreachable": render_is_unreachable("a.person_id", _ADDRESS),
        "listed_address": render_address("sp"),
        "has_declined": render_has_declined("h.person_id", "h.organisation_id", "h.address", "$4"),
        "decides": render_person_decides("a.person_id", "a.organisation_id"),
        "other_domain": f"'{OTHER_DOMAIN}'",
        "own_decision": f"'{OWN_DECISION}'",
    },
)
MATCH_MEMBERSHIPS, END_MEMBERSHIPS = _SQL["match_memberships"], _SQL["end_memberships"]
COMBINE_MEMBERSHIPS = (_SQL["combine_memberships"], _SQL["hold_memberships"])
