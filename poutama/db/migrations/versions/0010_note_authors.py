"""An index of notes by their author.

When a person goes, their name goes from the notes that they wrote on others' goals. Without the
index that reads every note there is; on CockroachDB it then also gets in the way of whoever writes
a note meanwhile.
"""

from __future__ import annotations

from alembic import op

revision = "0010_note_authors"
down_revision = "0009_roster"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index if not exists goal_note_author_idx on goal_note (author_id)")


def downgrade() -> None:
    op.execute("drop index if exists goal_note_author_idx")
