"""A group to which people belong, or belonged, is not deleted with their memberships.

On memberships rest consents, refusals, and who is enrolled without being asked; until this revision
they went with their group.
"""

from __future__ import annotations

from alembic import op

revision = "0028_groups_kept"
down_revision = "0027_address_conflict_rows"
branch_labels = None
depends_on = None

# The second name is CockroachDB's.
_DROPPED = (
    "alter table membership drop constraint if exists membership_group_id_fkey",
    "alter table membership drop constraint if exists fk_group_id_ref_learning_group",
    "alter table membership drop constraint if exists membership_group_kept_fkey",
)
_ADD = "alter table membership add constraint"
_KEY = "foreign key (group_id) references learning_group (id)"


def upgrade() -> None:
    for statement in (*_DROPPED, f"{_ADD} membership_group_kept_fkey {_KEY}"):
        op.execute(statement)


def downgrade() -> None:
    for statement in (*_DROPPED, f"{_ADD} membership_group_id_fkey {_KEY} on delete cascade"):
        op.execute(statement)
