"""Idempotency keys: what a mutation was answered, kept in the same transaction as its effects.

Keys belong to a person, so that nobody meets another's. Expired rows are overwritten when their
key comes again, and swept by `poutama.db.idempotency_keys.purge_expired_keys`.
"""

from __future__ import annotations

from alembic import op

revision = "0002_idempotency_keys"
down_revision = "0001_goals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table if not exists idempotency_key (
            person_id uuid not null references person (id) on delete cascade,
            key text not null,
            fingerprint text not null,
            response text not null,
            expires_at timestamptz not null,
            primary key (person_id, key)
        )
        """
    )
    op.execute(
        "create index if not exists idempotency_key_expires_at on idempotency_key (expires_at)"
    )


def downgrade() -> None:
    op.execute("drop table if exists idempotency_key")
