"""Where the files of exports lie, until they are deleted.

A row is there before the first file, and goes after the last one. It refers to its job without a
foreign key: a job that is erased with its person leaves files behind, and this row finds them.
"""

from __future__ import annotations

from alembic import op

revision = "0008_exports"
down_revision = "0007_evidence"
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists export_folder (
        folder text primary key,
        job_id uuid not null,
        created_at timestamptz not null default now()
    )
    """,
)

DOWNGRADE = ("drop table if exists export_folder",)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
