"""The types whose rows an import changes; a test holds them to the schema."""

from __future__ import annotations

from poutama.bulk_changes import BulkTable, update_rows
from poutama.db.statements import load_sql

GROUPS = BulkTable(kind="Group", table="learning_group", searchable=("name",))
PEOPLE = BulkTable(kind="Person", table="person", searchable=("name",), subject="id")
MEMBERSHIPS = BulkTable(
    kind="Membership", table="membership", subject="person_id", also=("child_id",)
)
CONSENTS = BulkTable(kind="Consent", table="consent", subject="person_id")
IMPORTS = BulkTable(kind="RosterImport", table="roster_import")

_SQL = load_sql(__package__, "imports.sql")
LOAD = _SQL["load"]

SET_SOURCE = update_rows(IMPORTS, ("source", "accepts"), _SQL["with_source"], audited=False)
SET_ENDINGS = update_rows(
    IMPORTS,
    ("rows_read", "ends_classes", "ends_users", "ends_roles", "ends_enrollments"),
    _SQL["with_endings"],
    audited=False,
)
COUNTS = (
    "groups_added",
    "groups_changed",
    "groups_ended",
    "people_added",
    "people_changed",
    "people_ended",
    "memberships_added",
    "invited_other_domain",
    "invited_own_decision",
    "memberships_changed",
    "memberships_ended",
    "memberships_before",
)
SET_COUNTS = update_rows(IMPORTS, COUNTS, _SQL["with_counts"], audited=False)
SET_REPORT = update_rows(IMPORTS, ("report_key",), _SQL["with_report"], audited=False)
FINISH_CHECK = update_rows(IMPORTS, ("state", "checked_at", "rows_refused"), _SQL["checked_import"])
FINISH_APPLICATION = update_rows(IMPORTS, ("state", "applied_at"), _SQL["applied_import"])
EXPIRE = update_rows(
    IMPORTS, ("state", "upload_key", "report_key"), _SQL["expired_import"], audited=False
)
IS_RENAMED = """(g.name <> s.name
        AND NOT (coalesce(s.bare, false) AND strpos(g.name, s.name || ' (') = 1))"""
"""Whether the group `g` gets the name of the staged row `s`: one that a file without schools names
keeps the school that it has in its name."""
