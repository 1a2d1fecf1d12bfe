"""The entries of a visit are found by who acts and when, whatever there is from before.

The index that began with the subject was gone through as a whole for them: 10 ms for 300,000
entries, in a statement that takes one. The list of a person's entries has an index of its own.
"""

from __future__ import annotations

from alembic import op

revision = "0036_audit_visits"
down_revision = "0035_roster_schools"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index if not exists audit_entry_actor_idx on audit_entry (actor_id, at)")
    op.execute("drop index if exists audit_entry_subject_idx")


def downgrade() -> None:
    op.execute(
        "create index if not exists audit_entry_subject_idx"
        " on audit_entry (subject_id, actor_id, kind, at)"
    )
    op.execute("drop index if exists audit_entry_actor_idx")
