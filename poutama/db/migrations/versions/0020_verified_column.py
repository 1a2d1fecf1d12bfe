"""The table of verified organisations goes: `organisation.verified` has taken its place."""

from __future__ import annotations

from alembic import op

revision = "0020_verified_column"
down_revision = "0019_consent"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("drop table if exists verified_organisation")


def downgrade() -> None:
    op.execute(
        """
        create table if not exists verified_organisation (
            organisation_id uuid primary key references organisation (id) on delete cascade,
            verified_at timestamptz not null default now()
        )
        """
    )
    op.execute(
        """
        insert into verified_organisation (organisation_id, verified_at)
        select id, coalesce(verified_at, now()) from organisation where verified
        on conflict do nothing
        """
    )
