"""Mail domains of verified organisations, who ended a membership, and why an import invites.

A roster enrols without asking only within its organisation's own domains, and no one who has left
by their own decision: `features/roster/enrolment.py`.
"""

from __future__ import annotations

from alembic import op

revision = "0023_verified_domains"
down_revision = "0022_privacy_receipts"
branch_labels = None
depends_on = None

INVITED = ("invited_other_domain", "invited_own_decision")
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


def _view(counts: tuple[str, ...]) -> str:
    """The view of imports, with these counts."""
    return f"""
    create view roster_progress as
    select
        i.id, i.organisation_id, i.job_id, i.check_job_id, i.name, i.media_type, i.bytes,
        i.sha256, i.upload_key,
        i.notice_version, i.managers, i.source, {", ".join(f"i.{name}" for name in counts)},
        case
            when i.state in ('CHECKING', 'APPLYING') and j.state in ('FAILED', 'CANCELLED')
            then 'FAILED' else i.state
        end as state,
        case when i.memberships_before > 0
            then cast(ceil(100.0 * i.memberships_ended / i.memberships_before) as int8)
        end as ending_percent,
        i.checked_at, i.applied_at, i.version, i.created_at, i.updated_at
    from roster_import as i left join job as j on j.id = i.job_id
    """  # noqa: S608


UPGRADE = (
    """
    create table if not exists verified_domain (
        organisation_id uuid not null references organisation (id) on delete cascade,
        domain text not null,
        verified_at timestamptz not null default now(),
        primary key (organisation_id, domain)
    )
    """,
    "alter table membership add column if not exists ended_by_id uuid"
    " references person (id) on delete set null",
    "create index if not exists membership_ended_by_idx on membership (ended_by_id)",
    "alter table roster_staged_membership add column if not exists asks text",
    *(f"alter table roster_import add column if not exists {name} int8" for name in INVITED),
    # Neither `or replace` nor `if not exists` is known to both engines.
    "drop view if exists roster_progress",
    _view((*COUNTS, *INVITED)),
)

DOWNGRADE = (
    "drop view if exists roster_progress",
    _view(COUNTS),
    *(f"alter table roster_import drop column if exists {name}" for name in INVITED),
    "alter table roster_staged_membership drop column if exists asks",
    "alter table membership drop column if exists ended_by_id",
    "drop table if exists verified_domain",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
