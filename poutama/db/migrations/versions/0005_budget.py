"""What a person has left of their cost budget: a token bucket each, filled as it is looked at.

`level` may be below zero: what processes let somebody run up is entered afterwards. `granted` is
the outcome of the latest charge, so that one statement can both decide and tell.
"""

from __future__ import annotations

from alembic import op

revision = "0005_budget"
down_revision = "0004_groups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table if not exists person_budget (
            person_id uuid primary key references person (id) on delete cascade,
            level float8 not null,
            granted boolean not null,
            settled_at timestamptz not null
        )
        """
    )


def downgrade() -> None:
    op.execute("drop table if exists person_budget")
