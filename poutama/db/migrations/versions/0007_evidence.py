"""Evidence, how much of it people and organisations have, and objects that nobody needs any more.

Evidence outlives its goal for a while: whoever deletes a goal or a person knows nothing of the
files that hang on it. What has lost its goal is invisible, and the sweep clears it away together
with its objects. `stem` is how the keys of all its objects begin.

`evidence_usage` has a row for whoever has evidence, with the person's or the organisation's id:
everybody counts on one row, and two who would go over a limit together meet there.

An object in `doomed_object` may go from `due_at` on. It can be there twice: now, and again when
nobody can write it any more.
"""

from __future__ import annotations

from alembic import op

revision = "0007_evidence"
down_revision = "0006_jobs"
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists evidence (
        id uuid primary key,
        goal_id uuid references goal (id) on delete set null,
        note_id uuid references goal_note (id) on delete set null,
        uploader_id uuid references person (id) on delete set null,
        organisation_id uuid references organisation (id) on delete set null,
        job_id uuid references job (id) on delete set null,
        title text not null,
        title_search text not null,
        alt_text text not null,
        file_name text not null,
        media_type text not null,
        bytes int8 not null,
        sha256 text not null,
        state text not null default 'PENDING' check (state in ('PENDING', 'READY', 'REJECTED')),
        rejection text,
        stem text not null,
        upload_key text,
        object_key text,
        thumbnail_key text,
        thumbnail_type text,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint evidence_stem_key unique (stem),
        constraint evidence_keys_check check (
            (state = 'PENDING') = (upload_key is not null)
            and (state = 'READY') = (object_key is not null)
            and (state = 'REJECTED') = (rejection is not null)
            and (thumbnail_key is null or state = 'READY')
        )
    )
    """,
    # Each begins with a foreign key; two serve lists.
    "create index if not exists evidence_goal_idx on evidence (goal_id, created_at, id)",
    "create index if not exists evidence_note_idx on evidence (note_id, created_at, id)",
    "create index if not exists evidence_uploader_idx on evidence (uploader_id)",
    "create index if not exists evidence_organisation_idx on evidence (organisation_id)",
    "create index if not exists evidence_job_idx on evidence (job_id)",
    # For the sweep.
    "create index if not exists evidence_state_idx on evidence (state, created_at)",
    """
    create table if not exists evidence_usage (
        id uuid primary key,
        person_id uuid references person (id) on delete cascade,
        organisation_id uuid references organisation (id) on delete cascade,
        bytes int8 not null,
        files int8 not null,
        constraint evidence_usage_id_check check (
            id = coalesce(person_id, organisation_id)
            and (person_id is null) <> (organisation_id is null)
        )
    )
    """,
    "create index if not exists evidence_usage_person_idx on evidence_usage (person_id)",
    "create index if not exists evidence_usage_organisation_idx"
    " on evidence_usage (organisation_id)",
    """
    create table if not exists doomed_object (
        due_at timestamptz not null,
        key text not null,
        constraint doomed_object_pkey primary key (due_at, key)
    )
    """,
)

DOWNGRADE = (
    "drop table if exists doomed_object",
    "drop table if exists evidence_usage",
    "drop table if exists evidence",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
