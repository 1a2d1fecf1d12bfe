"""Evidence of a note, once the note is deleted: it has been added to a note, and names none.

It named the deleted note until now, and was shown to the readers of a new note under the same id.
"""

from __future__ import annotations

from alembic import op

revision = "0047_evidence_places"
down_revision = "0046_folded_names"
branch_labels = None
depends_on = None

UPGRADE = (
    "alter table evidence add column if not exists added_to text not null default 'GOAL'",
    "update evidence set added_to = 'NOTE' where note_id is not null",
    "update evidence set note_id = null"
    " where note_id is not null and note_id not in (select id from goal_note)",
    "alter table evidence drop constraint if exists evidence_added_to_check",
    "alter table evidence add constraint evidence_added_to_check"
    " check (added_to = 'NOTE' or (added_to = 'GOAL' and note_id is null))",
    "alter table evidence drop constraint if exists evidence_note_id_fkey",
    "alter table evidence add constraint evidence_note_id_fkey"
    " foreign key (note_id) references goal_note (id) on delete set null",
)

DOWNGRADE = (
    "alter table evidence drop constraint if exists evidence_note_id_fkey",
    # What has lost its note stays hidden: it names one that is not there.
    "update evidence set note_id = gen_random_uuid() where added_to = 'NOTE' and note_id is null",
    "alter table evidence drop constraint if exists evidence_added_to_check",
    "alter table evidence drop column if exists added_to",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
