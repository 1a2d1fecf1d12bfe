"""Codes by which students without an address claim their accounts.

`account_code` keeps a digest of each code, `new_sign_in` how many attempts an account has left that
is not a person yet. `student_account` is what staff see of it.
"""

from __future__ import annotations

from alembic import op

revision = "0048_account_codes"
down_revision = "0047_evidence_places"
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists account_code (
        id uuid primary key,
        organisation_id uuid not null references organisation (id) on delete cascade,
        person_id uuid not null references person (id) on delete cascade,
        made_by_id uuid references person (id) on delete set null,
        digest text not null unique,
        expires_at timestamptz not null,
        used_at timestamptz,
        ended_at timestamptz,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    )
    """,
    "create index if not exists account_code_person_idx on account_code (person_id)",
    "create index if not exists account_code_organisation_idx on account_code (organisation_id)",
    "create index if not exists account_code_made_by_idx on account_code (made_by_id)",
    "create index if not exists account_code_expires_idx on account_code (expires_at)",
    """
    create table if not exists new_sign_in (
        account uuid primary key,
        level float8 not null,
        granted boolean not null,
        settled_at timestamptz not null
    )
    """,
    "create index if not exists new_sign_in_settled_idx on new_sign_in (settled_at)",
    "drop view if exists student_account",
    """
    create view student_account as
    select
        m.id, m.organisation_id, m.group_id,
        exists (select 1 from identity as i where i.person_id = m.person_id) as has_signed_in,
        (
            select max(c.expires_at) from account_code as c
            where c.person_id = m.person_id and c.organisation_id = m.organisation_id
                and c.used_at is null and c.ended_at is null and c.expires_at > now()
        ) as code_expires_at
    from membership as m
    where m.role = 'STUDENT' and m.accepted_at is not null and m.confirmed
        and m.begins_at <= now() and (m.ends_at is null or m.ends_at > now())
    """,
)

DOWNGRADE = (
    "drop view if exists student_account",
    "drop table if exists new_sign_in",
    "drop table if exists account_code",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
