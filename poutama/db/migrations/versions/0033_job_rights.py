"""A job's requester who was staff and caregiver at once reads as both.

Until now such a job kept that it was read by staff. Where its requester has been the person's
caregiver, it is taken to have been read as both: it is delivered only while both rights hold.
"""

from __future__ import annotations

from alembic import op

revision = "0033_job_rights"
down_revision = "0032_audit_roles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        update job set read_as = 'STAFF_AND_CAREGIVER'
        where read_as = 'STAFF' and exists (
            select 1 from membership as care
            where care.role = 'CAREGIVER' and care.person_id = job.person_id
                and care.child_id = job.subject_id and care.accepted_at is not null
        )
    """)


def downgrade() -> None:
    op.execute("update job set read_as = 'STAFF' where read_as = 'STAFF_AND_CAREGIVER'")
