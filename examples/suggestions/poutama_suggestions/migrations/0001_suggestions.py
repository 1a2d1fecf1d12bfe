"""The table of suggestions."""

from __future__ import annotations

from alembic import op

revision = "0001_suggestions"
down_revision = None

UPGRADE = (
    """
    create table if not exists suggestion (
        id uuid primary key,
        person_id uuid not null references person (id) on delete cascade,
        mentor_id uuid references person (id) on delete set null,
        goal_id uuid references goal (id) on delete set null,
        goal_type text not null,
        title text not null,
        title_search text not null,
        reason text not null,
        reason_search text not null,
        state text not null default 'OPEN' check (state in ('OPEN', 'ACCEPTED', 'DECLINED')),
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    )
    """,
    "create index if not exists suggestion_person_idx on suggestion (person_id, created_at, id)",
    "create index if not exists suggestion_mentor_idx on suggestion (mentor_id)",
    "create index if not exists suggestion_goal_idx on suggestion (goal_id)",
    "create index if not exists suggestion_expiry_idx on suggestion (state, created_at)",
)


def upgrade() -> None:
    """Create it, with an index for each foreign key and one for what expires."""
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table if exists suggestion")
