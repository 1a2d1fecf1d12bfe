"""Who applied the roster that made a membership.

Memberships that were made before have the administrator of their school's consent.
"""

from __future__ import annotations

from alembic import op

revision = "0041_enrolled_by"
down_revision = "0040_completion_dates"
branch_labels = None
depends_on = None

UPGRADE = (
    "alter table membership add column if not exists enrolled_by_id uuid"
    " references person (id) on delete set null",
    "create index if not exists membership_enrolled_by_idx on membership (enrolled_by_id)",
    """
    update membership set enrolled_by_id = (
        select c.given_by_id from consent as c
        where c.membership_id = membership.id and c.basis = 'SCHOOL'
        order by c.given_at, c.id limit 1
    ) where source = 'ROSTER' and enrolled_by_id is null
    """,
)
DOWNGRADE = ("alter table membership drop column if exists enrolled_by_id",)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
