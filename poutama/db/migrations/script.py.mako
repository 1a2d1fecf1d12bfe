"""${message}.

Plain SQL that runs on PostgreSQL and CockroachDB v20.2: text with CHECK instead of enums, no
expression or partial indexes, no sequences. CockroachDB commits every statement by itself, so each
one can be run again after an interruption (`if not exists`, `if exists`).
"""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

UPGRADE = ()

DOWNGRADE = ()


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
