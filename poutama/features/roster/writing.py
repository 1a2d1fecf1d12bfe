"""Doing what an import's staged rows say, each statement from one place to another.

`roster.steps` runs them, each batch in the transaction of its checkpoint: it happens once. What
has changed since the rows were matched is compared again here; what can no longer be done is left
and reported. Audit entries are those that single changes would write.
"""

from __future__ import annotations

from poutama.bulk_changes import insert_rows, update_rows
from poutama.db.second_adults import render_waits_again
from poutama.db.statements import load_sql
from poutama.db.verified_organisations import render_has_domain
from poutama.features.roster.claims import (
    render_address,
    render_is_squatted,
    render_is_taken,
    render_may_change,
)
from poutama.features.roster.enrolment import (
    render_may_enrol,
    render_mentors_as_leader,
    render_studies,
)
from poutama.features.roster.records import CONSENTS, GROUPS, IS_RENAMED, MEMBERSHIPS, PEOPLE
from poutama.features.roster.spans import render_beginning, render_span

# Of memberships that are made or taken, whose rows are all in this file.
_SPANS = f"""
SELECT x.target, {render_span("x.from_at", "x.until_at")}
FROM roster_staged_membership AS x
WHERE x.import_id = $1::uuid AND x.action IN ('ADD', 'MOVE') AND x.target IN (
    SELECT y.target FROM roster_staged_membership AS y
    WHERE y.import_id = $1::uuid AND y.place >= $2::int8 AND y.place < $3::int8
        AND y.action IN ('ADD', 'MOVE')
)
GROUP BY x.target
"""  # noqa: S608  names

_SQL = load_sql(
    __package__,
    "writing.sql",
    {
        "is_taken": render_is_taken("p.id", "s"),
        "may_change": render_may_change("p.id"),
        "is_squatted": render_is_squatted("p.id", "s.email"),
        "address": render_address("s"),
        "own_domain": render_has_domain("i.organisation_id", "s.email"),
        # An administrator writes the roster: another leader confirms that one of them mentors, and
        # that a student's account is staff.
        "waits": f"({render_mentors_as_leader('s', 'i.organisation_id')}"
        f" OR {render_studies('s', 'i.organisation_id', 'p.email')})",
        "waits_again": render_waits_again("m"),
        "is_renamed": IS_RENAMED,
        "spans": _SPANS,
        "linked_span": render_span("l.begins_at", "l.ends_at"),
        "beginning": render_beginning("t.begins_at", "t.old_beginning"),
        "may_enrol": render_may_enrol("p.id", "i.organisation_id", "p.email", "s.role"),
    },
)

WRITE_GROUPS = (
    insert_rows(GROUPS, ("id", "organisation_id", "name", "name_search"), _SQL["new_groups"]),
    update_rows(GROUPS, ("name", "name_search"), _SQL["changed_groups"]),
    _SQL["link_groups"],
    _SQL["end_links_of_groups"],
)
WRITE_PEOPLE = (
    update_rows(PEOPLE, ("email",), _SQL["freed_people"]),
    insert_rows(PEOPLE, ("id", "email", "name", "name_search"), _SQL["new_people"]),
    update_rows(MEMBERSHIPS, ("ends_at",), _SQL["lost_offers"]),
    update_rows(PEOPLE, ("name", "name_search", "email"), _SQL["changed_people"]),
    _SQL["link_people"],
    _SQL["mark_students"],
    update_rows(MEMBERSHIPS, ("confirmed", "applicant_name"), _SQL["staff_of_people"]),
    _SQL["end_links_of_people"],
    _SQL["mark_missing_people"],
)
WRITE_MEMBERSHIPS = (
    insert_rows(
        MEMBERSHIPS,
        (
            *("id", "organisation_id", "group_id", "person_id", "role", "source", "begins_at"),
            *("ends_at", "accepted_at", "invited_name", "invited_email", "confirmed"),
            *("applicant_name", "enrolled_by_id"),
        ),
        _SQL["new_memberships"],
    ),
    update_rows(
        MEMBERSHIPS,
        (
            *("accepted_at", "source", "granted_by_id", "begins_at", "ends_at", "confirmed"),
            *("confirmed_at", "confirmed_by_id", "applicant_name", "enrolled_by_id"),
        ),
        _SQL["taken_memberships"],
    ),
    insert_rows(
        CONSENTS,
        (
            *("id", "person_id", "organisation_id", "membership_id", "role", "basis"),
            *("notice_version", "given_by_id"),
        ),
        _SQL["new_consents"],
    ),
    update_rows(GROUPS, ("ended_at",), _SQL["returned_groups"]),
    _SQL["link_memberships"],
    _SQL["mark_missing_memberships"],
)
# Each after all of the above: how long a membership lasts depends on all links to it.
END_LINKS = (_SQL["end_links_of_memberships"],)
END_MEMBERSHIPS = (
    update_rows(MEMBERSHIPS, ("begins_at", "ends_at"), _SQL["changed_memberships"]),
    update_rows(MEMBERSHIPS, ("ends_at",), _SQL["ended_memberships"]),
    update_rows(MEMBERSHIPS, ("confirmed", "applicant_name"), _SQL["staff_of_memberships"]),
    update_rows(CONSENTS, ("withdrawn_at", "withdrawn_by_id"), _SQL["withdrawn_consents"]),
)
