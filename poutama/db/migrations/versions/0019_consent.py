"""Invitations by address, what people consented to, and which organisations are verified.

A membership whose `person_id` is null is an invitation to an address: it gets its person when
a person signs in with that address. `invitation` is what its person sees before they answer; an
organisation's name is theirs to see by then, although they are not a member of it.

`organisation.verified` takes the place of the table `verified_organisation`, which the next
revision drops.
"""

from __future__ import annotations

from alembic import op

revision = "0019_consent"
down_revision = "0018_privacy_requests"
branch_labels = None
depends_on = None

UPGRADE = (
    "alter table organisation add column if not exists verified boolean not null default false",
    "alter table organisation add column if not exists verified_at timestamptz",
    """
    update organisation as o set verified = true, verified_at = v.verified_at
    from verified_organisation as v where v.organisation_id = o.id and not o.verified
    """,
    "alter table membership alter column person_id drop not null",
    "alter table membership add column if not exists expires_at timestamptz",
    "alter table membership add column if not exists declined_at timestamptz",
    "alter table membership drop constraint if exists membership_person_check",
    "alter table membership add constraint membership_person_check"
    " check (person_id is not null or accepted_at is null)",
    "create index if not exists membership_invited_email_idx on membership (invited_email)",
    """
    create table if not exists consent (
        id uuid primary key,
        person_id uuid not null references person (id) on delete cascade,
        organisation_id uuid not null references organisation (id) on delete cascade,
        membership_id uuid references membership (id) on delete set null,
        role text not null,
        basis text not null check (basis in ('PERSON', 'SCHOOL')),
        notice_version text,
        notice text,
        given_at timestamptz not null default now(),
        given_by_id uuid references person (id) on delete set null,
        withdrawn_at timestamptz,
        withdrawn_by_id uuid references person (id) on delete set null,
        version int8 not null default 1,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
    )
    """,
    "create index if not exists consent_person_idx on consent (person_id, given_at, id)",
    "create index if not exists consent_organisation_idx on consent (organisation_id)",
    "create index if not exists consent_membership_idx on consent (membership_id)",
    "create index if not exists consent_given_by_idx on consent (given_by_id)",
    "create index if not exists consent_withdrawn_by_idx on consent (withdrawn_by_id)",
    """
    create table if not exists invitation_report (
        id uuid primary key,
        organisation_id uuid not null references organisation (id) on delete cascade,
        reporter_id uuid not null references person (id) on delete cascade,
        inviter_id uuid references person (id) on delete set null,
        role text not null,
        reason text not null,
        created_at timestamptz not null default now()
    )
    """,
    "create index if not exists invitation_report_organisation_idx"
    " on invitation_report (organisation_id, created_at)",
    "create index if not exists invitation_report_reporter_idx on invitation_report (reporter_id)",
    "create index if not exists invitation_report_inviter_idx on invitation_report (inviter_id)",
    # Neither `or replace` nor `if not exists` is known to both engines.
    "drop view if exists invitation",
    """
    create view invitation as
    select
        m.id, m.person_id, m.organisation_id, m.role, m.source, m.created_at, m.expires_at,
        o.name as organisation_name, o.verified as organisation_verified, g.name as group_name,
        p.name as inviter_name
    from membership as m join organisation as o on o.id = m.organisation_id
        left join learning_group as g on g.id = m.group_id
        left join person as p on p.id = m.granted_by_id
    where m.person_id is not null and m.accepted_at is null
        and (m.ends_at is null or m.ends_at > now())
        and (m.expires_at is null or m.expires_at > now())
    """,
)

DOWNGRADE = (
    "drop view if exists invitation",
    "drop table if exists invitation_report",
    "drop table if exists consent",
    "delete from membership where person_id is null",
    "alter table membership drop constraint if exists membership_person_check",
    "alter table membership drop column if exists declined_at",
    "alter table membership drop column if exists expires_at",
    "alter table membership alter column person_id set not null",
    "alter table organisation drop column if exists verified_at",
    "alter table organisation drop column if exists verified",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
