"""Organisations, groups and memberships; who wrote a note; a group's progress; the audit log.

A membership is a row, not a column of the person: a person can be in several groups and several
organisations, for a time. Everything that is visible to others is visible through one.
"""

from __future__ import annotations

from alembic import op

revision = "0004_groups"
down_revision = "0003_identity"
branch_labels = None
depends_on = None

UPGRADE = (
    """
    create table if not exists organisation (
        id uuid primary key,
        name text not null,
        name_search text not null,
        time_zone text not null,
        region text not null,
        retention_days int8 not null check (retention_days > 0),
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    )
    """,
    """
    create table if not exists learning_group (
        id uuid primary key,
        organisation_id uuid not null references organisation (id) on delete cascade,
        name text not null,
        name_search text not null,
        join_code text,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint learning_group_join_code_key unique (join_code)
    )
    """,
    "create index if not exists learning_group_organisation_idx"
    " on learning_group (organisation_id, name_search, id)",
    """
    create table if not exists membership (
        id uuid primary key,
        organisation_id uuid not null references organisation (id) on delete cascade,
        group_id uuid references learning_group (id) on delete cascade,
        person_id uuid not null references person (id) on delete cascade,
        role text not null check (
            role in ('STUDENT', 'MENTOR', 'MENTOR_MANAGER', 'ADMIN', 'CAREGIVER')
        ),
        child_id uuid references person (id) on delete cascade,
        invited_name text,
        invited_email text,
        source text not null check (source in ('FOUNDED', 'JOIN_CODE', 'INVITED', 'ROSTER')),
        begins_at timestamptz not null default now(),
        ends_at timestamptz,
        accepted_at timestamptz,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint membership_group_check check (
            (role in ('STUDENT', 'MENTOR')) = (group_id is not null)
        ),
        constraint membership_child_check check ((role = 'CAREGIVER') = (child_id is not null))
    )
    """,
    "create index if not exists membership_person_idx on membership (person_id, role)",
    "create index if not exists membership_group_idx on membership (group_id, role)",
    "create index if not exists membership_organisation_idx on membership (organisation_id, role)",
    "create index if not exists membership_child_idx on membership (child_id)",
    "alter table goal_note add column if not exists author_id uuid"
    " references person (id) on delete set null",
    """
    update goal_note set author_id = (select g.person_id from goal as g where g.id = goal_id)
    where author_id is null
    """,
    """
    create table if not exists audit_entry (
        id uuid primary key,
        at timestamptz not null default now(),
        actor_id uuid not null,
        actor_name text,
        subject_id uuid references person (id) on delete cascade,
        action text not null check (action in ('READ', 'INSERT', 'UPDATE', 'DELETE')),
        kind text not null,
        row_id uuid
    )
    """,
    "create index if not exists audit_entry_subject_idx"
    " on audit_entry (subject_id, actor_id, kind, at)",
    "create index if not exists audit_entry_subject_at_idx on audit_entry (subject_id, at, id)",
    # Neither `or replace` nor `if not exists` is known to both engines.
    "drop view if exists group_progress",
    """
    create view group_progress as
    select
        g.id,
        g.organisation_id,
        (
            select count(distinct o.id)
            from membership as m join goal as o on o.person_id = m.person_id
            where m.group_id = g.id and m.role = 'STUDENT' and m.accepted_at is not null
                and m.begins_at <= now() and (m.ends_at is null or m.ends_at > now())
                and not o.complete
        ) as active,
        (
            select count(distinct o.id)
            from membership as m join goal as o on o.person_id = m.person_id
            where m.group_id = g.id and m.role = 'STUDENT' and m.accepted_at is not null
                and m.begins_at <= now() and (m.ends_at is null or m.ends_at > now())
                and not o.complete and o.due_at < now()
        ) as overdue,
        (
            select count(distinct o.id)
            from membership as m join goal as o on o.person_id = m.person_id
            where m.group_id = g.id and m.role = 'STUDENT' and m.accepted_at is not null
                and m.begins_at <= now() and (m.ends_at is null or m.ends_at > now())
                and o.complete
        ) as completed
    from learning_group as g
    """,
)

DOWNGRADE = (
    "drop view if exists group_progress",
    "drop table if exists audit_entry",
    "alter table goal_note drop column if exists author_id",
    "drop table if exists membership",
    "drop table if exists learning_group",
    "drop table if exists organisation",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
