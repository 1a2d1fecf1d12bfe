"""Links of rosters keep the dates that their rows give, and staged rows what they would end.

Several rows may stand for one membership, which lasts from the first of their beginnings to the
last of their ends: also where a file has but some of them.
"""

from __future__ import annotations

from alembic import op

revision = "0030_roster_dates"
down_revision = "0029_job_readings"
branch_labels = None
depends_on = None

COLUMNS = (
    ("roster_membership", "begins_at", "timestamptz"),
    ("roster_membership", "ends_at", "timestamptz"),
    ("roster_staged_membership", "from_at", "timestamptz"),
    ("roster_staged_membership", "until_at", "timestamptz"),
    ("roster_staged_membership", "ending", "text"),
)


def upgrade() -> None:
    for table, column, kind in COLUMNS:
        op.execute(f"alter table {table} add column if not exists {column} {kind}")


def downgrade() -> None:
    for table, column, _ in reversed(COLUMNS):
        op.execute(f"alter table {table} drop column if exists {column}")
