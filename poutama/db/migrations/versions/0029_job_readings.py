"""Jobs keep in which right their requester read the data of another person.

What was made before this revision does not say it: its requester asks for it again. One's own, and
what belongs to an organisation, stays.
"""

from __future__ import annotations

from alembic import op

revision = "0029_job_readings"
down_revision = "0028_groups_kept"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table job add column if not exists read_as text")
    # A list of ids as JSON, in text: the driver cannot pass arrays to every engine.
    op.execute("alter table job add column if not exists read_organisation_ids text")


def downgrade() -> None:
    op.execute("alter table job drop column if exists read_organisation_ids")
    op.execute("alter table job drop column if exists read_as")
