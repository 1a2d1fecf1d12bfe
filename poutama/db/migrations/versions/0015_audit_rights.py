"""In whose right a person looked: the organisation of an audit entry, and its name at that time.

No foreign key leads to the organisation: an entry outlives it. Entries from before have none, and
are seen by the person alone.
"""

from __future__ import annotations

from alembic import op

revision = "0015_audit_rights"
down_revision = "0014_opened_records"
branch_labels = None
depends_on = None

UPGRADE = (
    "alter table audit_entry add column if not exists organisation_id uuid",
    "alter table audit_entry add column if not exists organisation_name text",
)

DOWNGRADE = (
    "alter table audit_entry drop column if exists organisation_name",
    "alter table audit_entry drop column if exists organisation_id",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
