"""The terms of a class bound the memberships of enrolments that have no dates of their own.

Links of classes keep them: a file of enrolments alone comes without its terms.
"""

from __future__ import annotations

from alembic import op

revision = "0034_roster_terms"
down_revision = "0033_job_rights"
branch_labels = None
depends_on = None

TABLES = ("roster_group", "roster_staged_group")
COLUMNS = ("begins_at", "ends_at")


def upgrade() -> None:
    for table in TABLES:
        for column in COLUMNS:
            op.execute(f"alter table {table} add column if not exists {column} timestamptz")


def downgrade() -> None:
    for table in TABLES:
        for column in COLUMNS:
            op.execute(f"alter table {table} drop column if exists {column}")
