"""Rosters: imports, what they staged, and which row of ours is which row of a school's system.

`roster_group`, `roster_person` and `roster_membership` are the links, one for each id of the
school's system, with a hash of what it said last: the same again is nothing to do. A row that is
deleted takes its link along. What is `ended` may come back.

`roster_staged_*` hold the rows of one import, between its reading and its end. A row's `place` is
its number: whatever is done to them is done from one place to another. Rows at line 0 stand in no
file: they are what is ended because it is absent.

`verified_organisation` names those that whoever runs the system knows to be the school they say:
their rosters share the profiles of their own students without asking each of them.
"""

from __future__ import annotations

from alembic import op

revision = "0009_roster"
down_revision = "0008_exports"
branch_labels = None
depends_on = None

COUNTS = (
    "rows_read",
    "rows_refused",
    "groups_added",
    "groups_changed",
    "groups_ended",
    "people_added",
    "people_changed",
    "people_ended",
    "memberships_added",
    "memberships_changed",
    "memberships_ended",
    "memberships_before",
)

_STAGED = """
        import_id uuid not null references roster_import (id) on delete cascade,
        sourced_id text not null,
        place int8 not null,
        line int8 not null,
        hash text not null,
        refused boolean not null,
        removed boolean not null,
        action text not null default 'NONE' check (
            action in ('NONE', 'ADD', 'CHANGE', 'MOVE', 'SAME', 'END')
        ),
        found text,
        fault text,
        target uuid
"""

UPGRADE = (
    """
    create table if not exists verified_organisation (
        organisation_id uuid primary key references organisation (id) on delete cascade,
        verified_at timestamptz not null default now()
    )
    """,
    f"""
    create table if not exists roster_import (
        id uuid primary key,
        organisation_id uuid not null references organisation (id) on delete cascade,
        actor_id uuid references person (id) on delete set null,
        job_id uuid references job (id) on delete set null,
        check_job_id uuid references job (id) on delete set null,
        name text not null,
        media_type text not null,
        bytes int8 not null,
        sha256 text not null,
        upload_key text,
        object_key text not null,
        report_key text,
        notice_version text,
        managers boolean not null,
        state text not null default 'UPLOADING' check (
            state in ('UPLOADING', 'CHECKING', 'CHECKED', 'APPLYING', 'APPLIED', 'EXPIRED')
        ),
        source text,
        accepts boolean not null default false,
        ends_classes boolean not null default false,
        ends_users boolean not null default false,
        ends_roles boolean not null default false,
        ends_enrollments boolean not null default false,
        {", ".join(f"{name} int8" for name in COUNTS)},
        checked_at timestamptz,
        applied_at timestamptz,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    )
    """,
    "create index if not exists roster_import_organisation_idx"
    " on roster_import (organisation_id, created_at, id)",
    "create index if not exists roster_import_actor_idx on roster_import (actor_id)",
    "create index if not exists roster_import_job_idx on roster_import (job_id)",
    "create index if not exists roster_import_check_job_idx on roster_import (check_job_id)",
    # For the sweep.
    "create index if not exists roster_import_state_idx on roster_import (state, updated_at)",
    """
    create table if not exists roster_change (
        id uuid primary key,
        import_id uuid not null references roster_import (id) on delete cascade,
        position int8 not null,
        kind text not null,
        action text not null,
        line int8 not null,
        sourced_id text not null,
        sentence text not null,
        created_at timestamptz not null default now()
    )
    """,
    "create index if not exists roster_change_import_idx"
    " on roster_change (import_id, position, id)",
    """
    create table if not exists roster_group (
        organisation_id uuid not null references organisation (id) on delete cascade,
        sourced_id text not null,
        group_id uuid not null references learning_group (id) on delete cascade,
        import_id uuid references roster_import (id) on delete set null,
        hash text not null,
        ended boolean not null default false,
        updated_at timestamptz not null default now(),
        primary key (organisation_id, sourced_id)
    )
    """,
    "create index if not exists roster_group_group_idx on roster_group (group_id)",
    "create index if not exists roster_group_import_idx on roster_group (import_id)",
    """
    create table if not exists roster_person (
        organisation_id uuid not null references organisation (id) on delete cascade,
        sourced_id text not null,
        person_id uuid not null references person (id) on delete cascade,
        import_id uuid references roster_import (id) on delete set null,
        hash text not null,
        made boolean not null,
        ended boolean not null default false,
        updated_at timestamptz not null default now(),
        primary key (organisation_id, sourced_id)
    )
    """,
    "create index if not exists roster_person_person_idx on roster_person (person_id)",
    "create index if not exists roster_person_import_idx on roster_person (import_id)",
    """
    create table if not exists roster_membership (
        organisation_id uuid not null references organisation (id) on delete cascade,
        kind text not null check (kind in ('ENROLMENT', 'ROLE', 'USER')),
        sourced_id text not null,
        membership_id uuid not null references membership (id) on delete cascade,
        import_id uuid references roster_import (id) on delete set null,
        class_id text not null,
        user_id text not null,
        hash text not null,
        ended boolean not null default false,
        updated_at timestamptz not null default now(),
        primary key (organisation_id, kind, sourced_id)
    )
    """,
    "create index if not exists roster_membership_membership_idx"
    " on roster_membership (membership_id)",
    "create index if not exists roster_membership_import_idx on roster_membership (import_id)",
    f"""
    create table if not exists roster_staged_group (
        {_STAGED},
        name text not null,
        name_search text not null,
        primary key (import_id, sourced_id)
    )
    """,
    "create index if not exists roster_staged_group_place_idx"
    " on roster_staged_group (import_id, place)",
    f"""
    create table if not exists roster_staged_person (
        {_STAGED},
        name text not null,
        email text not null,
        in_family boolean not null,
        used boolean not null,
        returns boolean not null default false,
        takes_name boolean not null default false,
        takes_email boolean not null default false,
        primary key (import_id, sourced_id)
    )
    """,
    "create index if not exists roster_staged_person_place_idx"
    " on roster_staged_person (import_id, place)",
    "create index if not exists roster_staged_person_email_idx"
    " on roster_staged_person (import_id, email)",
    "create index if not exists roster_staged_person_target_idx"
    " on roster_staged_person (import_id, target)",
    f"""
    create table if not exists roster_staged_membership (
        {_STAGED},
        kind text not null,
        class_id text not null,
        user_id text not null,
        role text not null,
        begins_at timestamptz,
        ends_at timestamptz,
        person_id uuid,
        group_id uuid,
        previous uuid,
        accepts boolean not null default false,
        primary key (import_id, kind, sourced_id)
    )
    """,
    "create index if not exists roster_staged_membership_place_idx"
    " on roster_staged_membership (import_id, place)",
    "create index if not exists roster_staged_membership_target_idx"
    " on roster_staged_membership (import_id, target)",
    # Neither `or replace` nor `if not exists` is known to both engines.
    "drop view if exists roster_progress",
    # What the job could not do, the import could not do.
    f"""
    create view roster_progress as
    select
        i.id, i.organisation_id, i.job_id, i.check_job_id, i.name, i.media_type, i.bytes,
        i.sha256, i.upload_key,
        i.notice_version, i.managers, i.source, {", ".join(f"i.{name}" for name in COUNTS)},
        case
            when i.state in ('CHECKING', 'APPLYING') and j.state in ('FAILED', 'CANCELLED')
            then 'FAILED' else i.state
        end as state,
        case when i.memberships_before > 0
            then cast(ceil(100.0 * i.memberships_ended / i.memberships_before) as int8)
        end as ending_percent,
        i.checked_at, i.applied_at, i.version, i.created_at, i.updated_at
    from roster_import as i left join job as j on j.id = i.job_id
    """,  # noqa: S608
)

DOWNGRADE = (
    "drop view if exists roster_progress",
    "drop table if exists roster_staged_membership",
    "drop table if exists roster_staged_person",
    "drop table if exists roster_staged_group",
    "drop table if exists roster_membership",
    "drop table if exists roster_person",
    "drop table if exists roster_group",
    "drop table if exists roster_change",
    "drop table if exists roster_import",
    "drop table if exists verified_organisation",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
