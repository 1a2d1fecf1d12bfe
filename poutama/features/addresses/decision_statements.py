"""The statements of the feature, which stand in `addresses.sql`."""

from __future__ import annotations

from poutama.db.address_conflicts import (
    DIFFERENT_PEOPLE,
    ROSTER,
    SAME_PERSON,
    render_deciders,
    render_has_left,
)
from poutama.db.statements import load_sql
from poutama.db.verified_organisations import render_has_domain, render_is_verified

_SQL = load_sql(
    __package__,
    "addresses.sql",
    {
        "deciders": render_deciders("c.person_id"),
        "has_left": render_has_left("p.id"),
        "is_verified": render_is_verified("c.importer_id"),
        "has_domain": render_has_domain("c.importer_id", "c.email"),
        "different_people": f"'{DIFFERENT_PEOPLE}'",
        "roster": f"'{ROSTER}'",
        "same_person": f"'{SAME_PERSON}'",
    },
)
FIND, RESOLVE_ALIKE = _SQL["find"], _SQL["resolve_alike"]
FIND_UNACCEPTED, UNLINK = _SQL["find_unaccepted"], _SQL["unlink"]
FIND_BOUND, UNBIND, BIND = _SQL["find_bound"], _SQL["unbind"], _SQL["bind"]
FIND_FREE, RESOLVE_FREED = _SQL["find_free"], _SQL["resolve_freed"]
