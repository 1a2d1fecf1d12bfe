"""Memberships that wait to be confirmed, join codes that expire, and who has access to a person.

`confirmed` is false for a caregiver until the child or a second adult confirms it, and for a
student who joined a group that admits by approval, or from which they were removed. Until then a
membership gives no right. Caregivers who were invited before this revision wait, too: only the
inviter has looked at them. `person_access` lists who has access to a person's data, and why.
"""

from __future__ import annotations

from alembic import op

revision = "0025_access"
down_revision = "0024_audiences"
branch_labels = None
depends_on = None


def _is_current(alias: str) -> str:
    return (
        f"{alias}.accepted_at is not null and {alias}.confirmed and {alias}.begins_at <= now()"
        f" and ({alias}.ends_at is null or {alias}.ends_at > now())"
    )


# As 0024 has it, and only those whose membership counts.
_STUDIES = f"""m.group_id = g.id and m.role = 'STUDENT' and {_is_current("m")}
                and o.audience <> 'ME'
                and (o.organisation_ids is null
                    or strpos(o.organisation_ids, g.organisation_id::text) > 0)"""
_GROUP_PROGRESS = f"""
    create view group_progress as
    select
        g.id,
        g.organisation_id,
        (
            select count(distinct o.id) from membership as m join goal as o
                on o.person_id = m.person_id
            where {_STUDIES} and not o.complete
        ) as active,
        (
            select count(distinct o.id) from membership as m join goal as o
                on o.person_id = m.person_id
            where {_STUDIES} and not o.complete and o.due_at < now()
        ) as overdue,
        (
            select count(distinct o.id) from membership as m join goal as o
                on o.person_id = m.person_id
            where {_STUDIES} and o.complete
        ) as completed
    from learning_group as g
"""  # noqa: S608  constants
_WITHOUT_CONFIRMATION = _GROUP_PROGRESS.replace(" and m.confirmed", "")

# One row for each membership of the person and each membership, or opened record, that gives
# another person access by it. Both engines read 32 hexadecimal digits as a UUID.
_SINCE = """greatest(
        theirs.begins_at, theirs.accepted_at, coalesce(theirs.confirmed_at, theirs.accepted_at),
        held.begins_at, held.accepted_at, coalesce(held.confirmed_at, held.accepted_at)
    )"""


def _name(table: str, key: str) -> str:
    """The name of one row; a join for each would make the planner look through all their orders."""
    return f"(select named.name from {table} as named where named.id = {key})"  # noqa: S608


_PERSON_ACCESS = f"""
    create view person_access as
    select
        md5(theirs.id::text || held.id::text)::uuid as id, theirs.person_id, theirs.organisation_id,
        held.person_id as holder_id,
        case held.role when 'MENTOR_MANAGER' then 'MANAGER' else held.role end as reason,
        held.role in ('MENTOR', 'CAREGIVER') as reads_goals,
        {_name("person", "held.person_id")} as holder_name,
        {_name("organisation", "theirs.organisation_id")} as organisation_name,
        {_name("learning_group", "held.group_id")} as group_name,
        {_SINCE} as since,
        {_name("person", "held.granted_by_id")} as granted_by_name,
        {_name("person", "held.confirmed_by_id")} as confirmed_by_name,
        case held.role when 'CAREGIVER' then held.id else theirs.id end as membership_id
    from membership as theirs
        join membership as held on held.organisation_id = theirs.organisation_id
    where {_is_current("theirs")} and {_is_current("held")} and held.person_id <> theirs.person_id
        and (
            held.role in ('MENTOR_MANAGER', 'ADMIN')
            or theirs.role = 'STUDENT' and (
                held.role = 'MENTOR' and held.group_id = theirs.group_id
                or held.role = 'CAREGIVER' and held.child_id = theirs.person_id
            )
        )
    union all
    select
        md5(theirs.id::text || r.id::text)::uuid, theirs.person_id, theirs.organisation_id,
        r.opener_id, 'OPENED_RECORD', true, r.opener_name,
        {_name("organisation", "theirs.organisation_id")}, null, r.created_at, null, null, theirs.id
    from membership as theirs join opened_record as r
            on r.person_id = theirs.person_id and r.organisation_id = theirs.organisation_id
    where theirs.role = 'STUDENT' and {_is_current("theirs")}
        and r.closed_at is null and r.expires_at > now()
        and exists (
            select 1 from membership as held
            where held.person_id = r.opener_id and held.organisation_id = r.organisation_id
                and held.role in ('MENTOR_MANAGER', 'ADMIN') and {_is_current("held")}
        )
"""  # noqa: S608

UPGRADE = (
    "alter table membership add column if not exists confirmed boolean not null default true",
    "alter table membership add column if not exists confirmed_at timestamptz",
    "alter table membership add column if not exists confirmed_by_id uuid"
    " references person (id) on delete set null",
    "alter table membership add column if not exists applicant_name text",
    "create index if not exists membership_confirmed_by_idx on membership (confirmed_by_id)",
    """
    update membership set confirmed = false
    where role = 'CAREGIVER' and confirmed and confirmed_at is null
    """,
    "alter table learning_group add column if not exists join_code_expires_at timestamptz"
    " not null default now() + interval '30 days'",
    "alter table learning_group add column if not exists join_approval boolean"
    " not null default false",
    "drop view if exists group_progress",
    _GROUP_PROGRESS,
    "drop view if exists person_access",
    _PERSON_ACCESS,
)

DOWNGRADE = (
    "drop view if exists person_access",
    "drop view if exists group_progress",
    _WITHOUT_CONFIRMATION,
    "alter table learning_group drop column if exists join_approval",
    "alter table learning_group drop column if exists join_code_expires_at",
    "alter table membership drop column if exists applicant_name",
    "alter table membership drop column if exists confirmed_by_id",
    "alter table membership drop column if exists confirmed_at",
    "alter table membership drop column if exists confirmed",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
