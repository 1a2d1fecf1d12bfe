"""Entries of the audit say in which role the actor acted, as it was at that time.

Entries from before do not say it: what people were is not known for certain afterwards.
"""

from __future__ import annotations

from alembic import op

revision = "0032_audit_roles"
down_revision = "0031_unbroken_stays"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table audit_entry add column if not exists actor_role text")


def downgrade() -> None:
    op.execute("alter table audit_entry drop column if exists actor_role")
