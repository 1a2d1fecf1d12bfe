"""Memberships by a join code can be accepted as long as the code is valid.

Those that were not accepted before this revision expire with their group's code of now.
"""

from __future__ import annotations

from alembic import op

revision = "0026_join_code_age"
down_revision = "0025_access"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        update membership as m set expires_at = g.join_code_expires_at
        from learning_group as g
        where g.id = m.group_id and m.source = 'JOIN_CODE' and m.accepted_at is null
            and m.expires_at is null
        """
    )


def downgrade() -> None:
    op.execute(
        "update membership set expires_at = null where source = 'JOIN_CODE' and accepted_at is null"
    )
