"""Jobs, and the rows of people's files that a job could not use.

`steps` counts the steps that have committed: by it a worker whose commit's outcome is unknown
finds out. `sent_at` is when a message was last sent for the job: the sweep goes by it.
"""

from __future__ import annotations

from alembic import op

revision = "0006_jobs"
down_revision = "0005_budget"
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists job (
        id uuid primary key,
        kind text not null,
        person_id uuid not null references person (id) on delete cascade,
        organisation_id uuid references organisation (id) on delete cascade,
        subject_id uuid references person (id) on delete cascade,
        input jsonb not null,
        checkpoint jsonb not null default '{}',
        state text not null default 'QUEUED' check (
            state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')
        ),
        done int8 not null default 0,
        total int8,
        steps int8 not null default 0,
        attempts int8 not null default 0,
        not_before timestamptz not null default now(),
        lease_id uuid,
        lease_until timestamptz,
        cancel_requested boolean not null default false,
        failure text,
        result_key text,
        result_name text not null default '',
        result_type text not null default '',
        sent_at timestamptz not null default now(),
        started_at timestamptz,
        finished_at timestamptz,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint job_lease_check check (
            (state = 'RUNNING') = (lease_id is not null)
            and (lease_id is null) = (lease_until is null)
        )
    )
    """,
    # Each begins with a foreign key, and serves its lists, newest first.
    "create index if not exists job_person_idx on job (person_id, created_at, id)",
    "create index if not exists job_organisation_idx on job (organisation_id, created_at, id)",
    "create index if not exists job_subject_idx on job (subject_id)",
    # For the sweep: what is due, and what runs. Those are few, and a sign of life moves no index.
    "create index if not exists job_due_idx on job (state, not_before)",
    """
    create table if not exists job_row_error (
        id uuid primary key,
        job_id uuid not null references job (id) on delete cascade,
        file text not null,
        line int8 not null,
        field text not null,
        code text not null,
        message text not null,
        position int8 not null,
        created_at timestamptz not null default now()
    )
    """,
    "create index if not exists job_row_error_job_idx on job_row_error (job_id, position, id)",
)

DOWNGRADE = ("drop table if exists job_row_error", "drop table if exists job")


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
