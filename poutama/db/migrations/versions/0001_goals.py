"""People, and their goals with tasks and notes.

Every `*_search` column holds `poutama.text.fold` of the column beside it, written by Python with
every write of that column: the oldest CockroachDB has no expression indexes, and neither engine
folds macrons the same way.

Plain SQL that runs on PostgreSQL and CockroachDB v20.2. CockroachDB commits every statement by
itself, so each one can be run again after an interruption.
"""

from __future__ import annotations

from alembic import op

revision = "0001_goals"
down_revision = None
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists person (
        id uuid primary key,
        email text not null,
        name text not null,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint person_email_key unique (email)
    )
    """,
    """
    create table if not exists goal (
        id uuid primary key,
        person_id uuid not null,
        goal_type text not null,
        title text not null,
        title_search text not null,
        information text not null,
        information_search text not null,
        complete bool not null default false,
        due_at timestamptz,
        color text,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint goal_person_id_fkey
            foreign key (person_id) references person (id) on delete cascade,
        constraint goal_goal_type_check check (
            goal_type in ('ACADEMIC', 'PERSONAL', 'CAREER', 'WELLBEING', 'CULTURAL', 'SPORTS')
        )
    )
    """,
    "create index if not exists goal_person_id_idx on goal (person_id, created_at, id)",
    """
    create table if not exists goal_task (
        id uuid primary key,
        goal_id uuid not null,
        information text not null,
        information_search text not null,
        complete bool not null default false,
        position int8 not null,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint goal_task_goal_id_fkey
            foreign key (goal_id) references goal (id) on delete cascade
    )
    """,
    "create index if not exists goal_task_goal_id_idx on goal_task (goal_id, position, id)",
    """
    create table if not exists goal_note (
        id uuid primary key,
        goal_id uuid not null,
        information text not null,
        information_search text not null,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint goal_note_goal_id_fkey
            foreign key (goal_id) references goal (id) on delete cascade
    )
    """,
    "create index if not exists goal_note_goal_id_idx on goal_note (goal_id, created_at, id)",
)

DOWNGRADE = (
    "drop table if exists goal_note",
    "drop table if exists goal_task",
    "drop table if exists goal",
    "drop table if exists person",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
