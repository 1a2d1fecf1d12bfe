"""That a claimed address is one person's is decided by two: the first decision is kept.

What was decided before this revision stays decided.
"""

from __future__ import annotations

from alembic import op

revision = "0037_second_decisions"
down_revision = "0036_audit_visits"
branch_labels = None
depends_on = None

_REPORT = """
    create view address_conflict_report as
    select
        c.id, c.organisation_id, c.person_id, p.name as person_name, (
            select min(l.sourced_id) from roster_person as l
            where l.organisation_id = c.organisation_id and l.person_id = c.person_id
                and not (c.kind = 'ROSTER' and c.importer_id = c.organisation_id
                    and l.sourced_id = c.claimant)
        ) as person_sourced_id, c.email, c.kind, coalesce(o.name, c.source) as source, c.claimant,
        c.claimed_name, {proposal}c.decision, {decider}c.decided_at, c.version, c.created_at,
        c.updated_at
    from address_conflict as c join person as p on p.id = c.person_id
        left join organisation as o on o.id = c.importer_id
"""

UPGRADE = (
    "alter table address_conflict add column if not exists proposal text"
    " check (proposal in ('SAME_PERSON'))",
    "alter table address_conflict add column if not exists proposed_by uuid"
    " references person (id) on delete set null",
    "alter table address_conflict add column if not exists proposed_at timestamptz",
    "create index if not exists address_conflict_proposed_by_idx on address_conflict (proposed_by)",
    # Neither `or replace` nor `if not exists` is known to both engines.
    "drop view if exists address_conflict_report",
    _REPORT.format(proposal="c.proposal, c.proposed_by, c.proposed_at, ", decider="c.decided_by, "),
)

DOWNGRADE = (
    "drop view if exists address_conflict_report",
    _REPORT.format(proposal="", decider=""),
    "alter table address_conflict drop column if exists proposed_at",
    "alter table address_conflict drop column if exists proposed_by",
    "alter table address_conflict drop column if exists proposal",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
