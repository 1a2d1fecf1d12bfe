"""Who applied the roster that made a membership; `person_access` names them as who granted it.

Memberships that were made before have the administrator of their school's consent.
"""

from __future__ import annotations

from alembic import op

revision = "0041_enrolled_by"
down_revision = "0040_completion_dates"
branch_labels = None
depends_on = None


def _is_current(alias: str) -> str:
    return (
        f"{alias}.accepted_at is not null and {alias}.confirmed and {alias}.begins_at <= now()"
        f" and ({alias}.ends_at is null or {alias}.ends_at > now())"
    )


def _name(table: str, key: str) -> str:
    """The name of one row; a join for each would make the planner look through all their orders."""
    return f"(select named.name from {table} as named where named.id = {key})"  # noqa: S608


def _theirs(alias: str) -> str:
    """A membership of the student, there. `is true` keeps the index on organisations out of it."""
    return (
        f"{alias}.person_id = theirs.person_id and {alias}.role = 'STUDENT'"
        f" and ({alias}.organisation_id = theirs.organisation_id) is true"
    )


def _has_left_since(moment: str) -> str:
    return f"""exists (
            select 1 from membership as ended
            where {_theirs("ended")} and ended.ends_at > {moment} and ended.ends_at <= now()
                and not exists (
                    select 1 from membership as other
                    where {_theirs("other")} and other.confirmed
                        and coalesce(other.confirmed_at, other.accepted_at) <= ended.ends_at
                        and other.accepted_at <= ended.ends_at and other.begins_at <= ended.ends_at
                        and (other.ends_at is null or other.ends_at > ended.ends_at)
                )
        )"""  # noqa: S608  constants


_SINCE = """greatest(
        theirs.begins_at, theirs.accepted_at, coalesce(theirs.confirmed_at, theirs.accepted_at),
        held.begins_at, held.accepted_at, coalesce(held.confirmed_at, held.accepted_at)
    )"""
_CONFIRMED = "coalesce(held.confirmed_at, held.accepted_at)"


_OPENED = f"""
    union all
    select
        md5(theirs.id::text || r.id::text)::uuid, theirs.person_id, theirs.organisation_id,
        r.opener_id, 'OPENED_RECORD', true, r.opener_name,
        {_name("organisation", "theirs.organisation_id")}, null, r.created_at, null, null, theirs.id
    from membership as theirs join opened_record as r
            on r.person_id = theirs.person_id and r.organisation_id = theirs.organisation_id
    where theirs.role = 'STUDENT' and {_is_current("theirs")}
        and r.closed_at is null and r.expires_at > now() and not {_has_left_since("r.created_at")}
        and exists (
            select 1 from membership as held
            where held.person_id = r.opener_id and held.organisation_id = r.organisation_id
                and held.role in ('MENTOR_MANAGER', 'ADMIN') and {_is_current("held")}
        )
"""  # noqa: S608  constants


def _person_access(granter: str) -> str:
    """The view, with the column that names who granted a membership."""
    return f"""
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
        {_name("person", granter)} as granted_by_name,
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
                    and not {_has_left_since(_CONFIRMED)}
            )
        ){_OPENED}"""  # noqa: S608  constants


UPGRADE = (
    "alter table membership add column if not exists enrolled_by_id uuid"
    " references person (id) on delete set null",
    "create index if not exists membership_enrolled_by_idx on membership (enrolled_by_id)",
    """
    update membership set enrolled_by_id = (
        select c.given_by_id from consent as c
        where c.membership_id = membership.id and c.basis = 'SCHOOL'
        order by c.given_at, c.id limit 1
    ) where source = 'ROSTER' and enrolled_by_id is null
    """,
    "drop view if exists person_access",
    _person_access("coalesce(held.granted_by_id, held.enrolled_by_id)"),
)
DOWNGRADE = (
    "drop view if exists person_access",
    _person_access("held.granted_by_id"),
    "alter table membership drop column if exists enrolled_by_id",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
