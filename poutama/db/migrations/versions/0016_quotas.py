"""Indexes that quotas count by, and who offered a membership.

Each begins with the column that a `@quota` counts within. An invitation counts for a day against
the person who made it.
"""

from __future__ import annotations

from alembic import op

revision = "0016_quotas"
down_revision = "0015_audit_rights"
branch_labels = None
depends_on = None

UPGRADE = (
    "alter table membership add column if not exists granted_by_id uuid"
    " references person (id) on delete set null",
    "create index if not exists membership_granted_by_at_idx"
    " on membership (granted_by_id, created_at)",
    "create index if not exists membership_organisation_source_idx"
    " on membership (organisation_id, source)",
    "create index if not exists job_person_state_idx on job (person_id, state)",
    "create index if not exists job_organisation_state_idx on job (organisation_id, state)",
)
DOWNGRADE = (
    "drop index if exists job_organisation_state_idx",
    "drop index if exists job_person_state_idx",
    "drop index if exists membership_organisation_source_idx",
    "drop index if exists membership_granted_by_at_idx",
    "alter table membership drop column if exists granted_by_id",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
