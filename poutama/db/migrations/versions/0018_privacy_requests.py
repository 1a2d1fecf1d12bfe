"""Requests for access and erasure, with their due dates, decisions and receipts.

Requests are deleted with their person. The one that an erasure carries out loses its person first,
so that it stays, with the receipt.
"""

from __future__ import annotations

from alembic import op

revision = "0018_privacy_requests"
down_revision = "0017_audit_searches"
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists privacy_request (
        id uuid primary key,
        person_id uuid references person (id) on delete cascade,
        organisation_id uuid references organisation (id) on delete cascade,
        kind text not null check (kind in ('ACCESS', 'ERASURE')),
        state text not null default 'OPEN'
            check (state in ('OPEN', 'ACCEPTED', 'REFUSED', 'DONE')),
        note text not null,
        due_at timestamptz not null,
        decided_at timestamptz,
        decider_name text,
        reason text,
        job_id uuid references job (id) on delete set null,
        done_at timestamptz,
        receipt text,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    )
    """,
    "create index if not exists privacy_request_person_idx"
    " on privacy_request (person_id, due_at, id)",
    "create index if not exists privacy_request_organisation_idx"
    " on privacy_request (organisation_id, due_at, id)",
    "create index if not exists privacy_request_job_idx on privacy_request (job_id)",
)

DOWNGRADE = ("drop table if exists privacy_request",)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
