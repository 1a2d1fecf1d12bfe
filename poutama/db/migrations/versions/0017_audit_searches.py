"""Searches in the audit: that a person's rows were compared with a filter."""

from __future__ import annotations

from alembic import op

revision = "0017_audit_searches"
down_revision = "0016_quotas"
branch_labels = None
depends_on = None

# PostgreSQL and CockroachDB name a column's check differently.
UPGRADE = (
    "alter table audit_entry drop constraint if exists audit_entry_action_check",
    "alter table audit_entry drop constraint if exists check_action",
    "alter table audit_entry drop constraint if exists audit_entry_known_action",
    "alter table audit_entry add constraint audit_entry_known_action"
    " check (action in ('READ', 'SEARCH', 'INSERT', 'UPDATE', 'DELETE'))",
)

DOWNGRADE = (
    "alter table audit_entry drop constraint if exists audit_entry_known_action",
    "delete from audit_entry where action = 'SEARCH'",
    "alter table audit_entry add constraint audit_entry_action_check"
    " check (action in ('READ', 'INSERT', 'UPDATE', 'DELETE'))",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
