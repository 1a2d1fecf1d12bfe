"""Whom a roster ever listed as a student: their account is not a second adult there."""

from __future__ import annotations

from alembic import op

revision = "0049_listed_students"
down_revision = "0048_account_codes"
branch_labels = None
depends_on = None

TABLES = ("roster_person", "roster_staged_person")


def upgrade() -> None:
    for table in TABLES:
        op.execute(
            f"alter table {table} add column if not exists student boolean not null default false"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table {table} drop column if exists student")
