"""An address conflict shows which row of the organisation's rosters its person is or was."""

from __future__ import annotations

from alembic import op

revision = "0027_address_conflict_rows"
down_revision = "0026_join_code_age"
branch_labels = None
depends_on = None

_REPORT = """
    create view address_conflict_report as
    select
        c.id, c.organisation_id, c.person_id, p.name as person_name, {row}c.email, c.kind,
        coalesce(o.name, c.source) as source, c.claimant, c.claimed_name, c.decision, c.decided_at,
        c.version, c.created_at, c.updated_at
    from address_conflict as c join person as p on p.id = c.person_id
        left join organisation as o on o.id = c.importer_id
"""
_ROW = """(
            select min(l.sourced_id) from roster_person as l
            where l.organisation_id = c.organisation_id and l.person_id = c.person_id
                and not (c.kind = 'ROSTER' and c.importer_id = c.organisation_id
                    and l.sourced_id = c.claimant)
        ) as person_sourced_id, """


def upgrade() -> None:
    # Neither `or replace` nor `if not exists` is known to both engines.
    op.execute("drop view if exists address_conflict_report")
    op.execute(_REPORT.format(row=_ROW))


def downgrade() -> None:
    op.execute("drop view if exists address_conflict_report")
    op.execute(_REPORT.format(row=""))
