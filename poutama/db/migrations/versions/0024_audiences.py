"""Audiences: who sees a goal and a note, and of which organisations; entries that are for staff.

Existing goals are for all who see them now, but those about wellbeing, which are hidden from
caregivers as new ones are. Existing notes by others than the student belong to the organisation in
which their author and the student met.
"""

from __future__ import annotations

from alembic import op

revision = "0024_audiences"
down_revision = "0023_verified_domains"
branch_labels = None
depends_on = None

_PROGRESS = """
    create view group_progress as
    select
        g.id,
        g.organisation_id,
        (
            select count(distinct o.id) from {goals} and not o.complete
        ) as active,
        (
            select count(distinct o.id) from {goals} and not o.complete and o.due_at < now()
        ) as overdue,
        (
            select count(distinct o.id) from {goals} and o.complete
        ) as completed
    from learning_group as g
"""
_STUDENTS = """membership as m join goal as o on o.person_id = m.person_id
            where m.group_id = g.id and m.role = 'STUDENT' and m.accepted_at is not null
                and m.begins_at <= now() and (m.ends_at is null or m.ends_at > now())"""
# What mentors of the group see: sums are no way around it.
_SEEN = """
                and o.audience <> 'ME'
                and (o.organisation_ids is null
                    or strpos(o.organisation_ids, g.organisation_id::text) > 0)"""

UPGRADE = (
    "alter table goal add column if not exists audience text not null default 'CAREGIVERS'",
    # A list of ids as JSON, in text: the driver cannot pass arrays to every engine.
    "alter table goal add column if not exists organisation_ids text",
    "alter table goal drop constraint if exists goal_audience_check",
    "alter table goal add constraint goal_audience_check"
    " check (audience in ('ME', 'MENTORS', 'CAREGIVERS'))",
    "update goal set audience = 'MENTORS'"
    " where goal_type = 'WELLBEING' and audience = 'CAREGIVERS'",
    "alter table goal_note add column if not exists audience text not null default 'CAREGIVERS'",
    # Not a foreign key: where the organisation is gone its notes are for no other one's staff.
    "alter table goal_note add column if not exists organisation_id uuid",
    "alter table goal_note drop constraint if exists goal_note_audience_check",
    "alter table goal_note add constraint goal_note_audience_check"
    " check (audience in ('STAFF', 'STUDENT', 'CAREGIVERS'))",
    """
    update goal_note set organisation_id = (
        select staff.organisation_id
        from goal as g
            join membership as student on student.person_id = g.person_id
            join membership as staff on staff.organisation_id = student.organisation_id
        where g.id = goal_note.goal_id and student.role = 'STUDENT'
            and staff.person_id = goal_note.author_id
            and staff.role in ('MENTOR', 'MENTOR_MANAGER', 'ADMIN')
        order by staff.begins_at, staff.id limit 1
    )
    where organisation_id is null and author_id is not null
        and author_id <> (select g.person_id from goal as g where g.id = goal_note.goal_id)
    """,
    "alter table audit_entry add column if not exists audience text not null default 'PERSON'",
    "alter table audit_entry drop constraint if exists audit_entry_audience_check",
    "alter table audit_entry add constraint audit_entry_audience_check"
    " check (audience in ('PERSON', 'STAFF'))",
    # Evidence of a note that is gone stays hidden from those who did not see the note.
    "alter table evidence drop constraint if exists evidence_note_id_fkey",
    "alter table evidence drop constraint if exists fk_note_id_ref_goal_note",
    # Neither `or replace` nor `if not exists` is known to both engines.
    "drop view if exists group_progress",
    _PROGRESS.replace("{goals}", _STUDENTS + _SEEN),
)

DOWNGRADE = (
    "drop view if exists group_progress",
    _PROGRESS.replace("{goals}", _STUDENTS),
    "update evidence set note_id = null"
    " where note_id is not null and note_id not in (select id from goal_note)",
    "alter table evidence drop constraint if exists evidence_note_id_fkey",
    "alter table evidence add constraint evidence_note_id_fkey"
    " foreign key (note_id) references goal_note (id) on delete set null",
    "alter table audit_entry drop column if exists audience",
    "alter table goal_note drop column if exists organisation_id",
    "alter table goal_note drop column if exists audience",
    "alter table goal drop column if exists organisation_ids",
    "alter table goal drop column if exists audience",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
