"""An import keeps which schools of its file were chosen, and which classes it can place in none."""

from __future__ import annotations

from alembic import op

revision = "0035_roster_schools"
down_revision = "0034_roster_terms"
branch_labels = None
depends_on = None

_COUNTS = (
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
    "invited_other_domain",
    "invited_own_decision",
)


def _make_view(columns: tuple[str, ...]) -> str:
    """The view of imports, with these columns besides."""
    return f"""
    create view roster_progress as
    select
        i.id, i.organisation_id, i.job_id, i.check_job_id, i.name, i.media_type, i.bytes,
        i.sha256, i.upload_key,
        i.notice_version, i.managers, i.source, {", ".join(f"i.{name}" for name in columns)},
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


# Neither `or replace` nor `if not exists` is known to both engines.
_DROP = "drop view if exists roster_progress"


def upgrade() -> None:
    op.execute("alter table roster_import add column if not exists schools text")
    op.execute("alter table roster_staged_group add column if not exists bare boolean")
    op.execute(_DROP)
    op.execute(_make_view((*_COUNTS, "schools")))


def downgrade() -> None:
    op.execute(_DROP)
    op.execute(_make_view(_COUNTS))
    op.execute("alter table roster_staged_group drop column if exists bare")
    op.execute("alter table roster_import drop column if exists schools")
