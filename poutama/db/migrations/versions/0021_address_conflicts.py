"""Addresses that one person has and another claims, until an administrator has decided.

A conflict is a row for each organisation that decides about it. A person may be without an address:
it was freed for another one.
"""

from __future__ import annotations

from alembic import op

revision = "0021_address_conflicts"
down_revision = "0020_verified_column"
branch_labels = None
depends_on = None

UPGRADE = (
    "alter table person alter column email drop not null",
    """
    create table if not exists address_conflict (
        id uuid primary key,
        organisation_id uuid not null references organisation (id) on delete cascade,
        person_id uuid not null references person (id) on delete cascade,
        email text not null,
        kind text not null check (kind in ('SIGN_IN', 'ROSTER')),
        importer_id uuid references organisation (id) on delete cascade,
        source text not null,
        claimant text not null,
        claimed_name text,
        decision text check (decision in ('SAME_PERSON', 'DIFFERENT_PEOPLE')),
        decided_by uuid references person (id) on delete set null,
        decided_at timestamptz,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint address_conflict_claim_key
            unique (organisation_id, person_id, kind, source, claimant)
    )
    """,
    "create index if not exists address_conflict_organisation_idx"
    " on address_conflict (organisation_id, created_at, id)",
    "create index if not exists address_conflict_person_idx on address_conflict (person_id)",
    "create index if not exists address_conflict_claimant_idx"
    " on address_conflict (source, claimant)",
    "create index if not exists address_conflict_importer_idx on address_conflict (importer_id)",
    "create index if not exists address_conflict_decided_by_idx on address_conflict (decided_by)",
    # Neither `or replace` nor `if not exists` is known to both engines.
    "drop view if exists address_conflict_report",
    """
    create view address_conflict_report as
    select
        c.id, c.organisation_id, c.person_id, p.name as person_name, c.email, c.kind,
        coalesce(o.name, c.source) as source, c.claimant, c.claimed_name, c.decision, c.decided_at,
        c.version, c.created_at, c.updated_at
    from address_conflict as c join person as p on p.id = c.person_id
        left join organisation as o on o.id = c.importer_id
    """,
)

DOWNGRADE = (
    "drop view if exists address_conflict_report",
    "drop table if exists address_conflict",
    "update person set email = cast(id as text) || '@freed.invalid' where email is null",
    "alter table person alter column email set not null",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
