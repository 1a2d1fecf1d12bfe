"""Reminders of what is due; and an index for finding those who left.

A goal has at most one reminder of a kind for each moment it was due at, so that making them again
makes none twice. What is read is `current_reminder`: a reminder of a goal that is complete by now,
or due at another time, is none any more, whenever the next task clears it away.
"""

from __future__ import annotations

from alembic import op

revision = "0011_reminders"
down_revision = "0010_note_authors"
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists reminder (
        id uuid primary key,
        person_id uuid not null references person (id) on delete cascade,
        goal_id uuid not null references goal (id) on delete cascade,
        kind text not null check (kind in ('DUE_SOON', 'OVERDUE')),
        due_at timestamptz not null,
        dismissed_at timestamptz,
        created_at timestamptz not null default now(),
        constraint reminder_goal_id_kind_due_at_key unique (goal_id, kind, due_at)
    )
    """,
    "create index if not exists reminder_person_idx on reminder (person_id, due_at, id)",
    # Neither `or replace` nor `if not exists` is known to both engines.
    "drop view if exists current_reminder",
    """
    create view current_reminder as
    select r.id, r.person_id, r.goal_id, r.kind, r.due_at, r.created_at
    from reminder as r join goal as g on g.id = r.goal_id
    where r.dismissed_at is null and not g.complete and g.due_at = r.due_at
    """,
    "create index if not exists membership_ends_at_idx on membership (ends_at)",
)

DOWNGRADE = (
    "drop index if exists membership_ends_at_idx",
    "drop view if exists current_reminder",
    "drop table if exists reminder",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
