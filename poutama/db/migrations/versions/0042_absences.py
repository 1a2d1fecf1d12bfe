"""What caregivers and openers were granted ends when the student is away, however that comes about.

`person_access` lists neither a caregiver whose child has been away from the organisation since they
were confirmed, nor a record that was opened before its student was away, also where the student has
returned; an ended membership is not the only sign of it. It names who applied a roster as who
granted its memberships.
"""

from __future__ import annotations

from collections.abc import Callable

from alembic import op

revision = "0042_absences"
down_revision = "0041_enrolled_by"
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


def _was_there(moment: str) -> str:
    return f"""exists (
            select 1 from membership as other
            where {_theirs("other")} and other.confirmed
                and coalesce(other.confirmed_at, other.accepted_at) <= {moment}
                and other.accepted_at <= {moment} and other.begins_at <= {moment}
                and (other.ends_at is null or other.ends_at > {moment})
        )"""  # noqa: S608  constants


def _left_by_an_end(moment: str) -> str:
    return f"""exists (
            select 1 from membership as ended
            where {_theirs("ended")} and ended.ends_at > {moment} and ended.ends_at <= now()
                and not {_was_there("ended.ends_at")}
        )"""  # noqa: S608


def _has_left_since(moment: str) -> str:
    return f"(not {_was_there(moment)} or {_left_by_an_end(moment)})"


_SINCE = """greatest(
        theirs.begins_at, theirs.accepted_at, coalesce(theirs.confirmed_at, theirs.accepted_at),
        held.begins_at, held.accepted_at, coalesce(held.confirmed_at, held.accepted_at)
    )"""

_OPENER_LEADS = f"""exists (
            select 1 from membership as held
            where held.person_id = r.opener_id and held.organisation_id = r.organisation_id
                and held.role in ('MENTOR_MANAGER', 'ADMIN') and {_is_current("held")}
        )"""  # noqa: S608  constants


def _create_view(granter: str, has_left: Callable[[str], str]) -> str:
    """The view, with who granted a membership, and the condition that a student has left since."""
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
            held.role in ('MENTOR_MANAGER', 'ADMIN') or theirs.role = 'STUDENT' and (
                held.role = 'MENTOR' and held.group_id = theirs.group_id
                or held.role = 'CAREGIVER' and held.child_id = theirs.person_id
                    and not {has_left("coalesce(held.confirmed_at, held.accepted_at)")}
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
        and r.closed_at is null and r.expires_at > now() and not {has_left("r.created_at")}
        and {_OPENER_LEADS}
"""  # noqa: S608  constants


def upgrade() -> None:
    op.execute("drop view if exists person_access")
    op.execute(_create_view("coalesce(held.granted_by_id, held.enrolled_by_id)", _has_left_since))


def downgrade() -> None:
    op.execute("drop view if exists person_access")
    op.execute(_create_view("held.granted_by_id", _left_by_an_end))
