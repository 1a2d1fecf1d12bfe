"""Opened records: that a manager or administrator may read a student's content, and until when."""

from __future__ import annotations

from alembic import op

revision = "0014_opened_records"
down_revision = "0013_idempotent_ids"
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists opened_record (
        id uuid primary key,
        person_id uuid not null references person (id) on delete cascade,
        opener_id uuid references person (id) on delete set null,
        opener_name text not null,
        organisation_id uuid not null references organisation (id) on delete cascade,
        reason text not null,
        other_administrators int8 not null,
        expires_at timestamptz not null,
        closed_at timestamptz,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint opened_record_expires_at_check
            check (expires_at <= created_at + interval '24 hours')
    )
    """,
    # The first is what each read of a manager asks; the others serve the lists and foreign keys.
    "create index if not exists opened_record_opener_idx"
    " on opened_record (opener_id, person_id, expires_at)",
    "create index if not exists opened_record_person_idx"
    " on opened_record (person_id, created_at, id)",
    "create index if not exists opened_record_organisation_idx"
    " on opened_record (organisation_id, created_at, id)",
)

DOWNGRADE = ("drop table if exists opened_record",)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
