"""Identities: which subject of which issuer is which person.

A person has at most one subject of each issuer: whoever else comes with the same email is refused
by the database itself, even if both come at the same moment.
"""

from __future__ import annotations

from alembic import op

revision = "0003_identity"
down_revision = "0002_idempotency_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table if not exists identity (
            issuer text not null,
            subject text not null,
            person_id uuid not null,
            bound_at timestamptz not null default now(),
            primary key (issuer, subject),
            constraint identity_person_id_issuer_key unique (person_id, issuer),
            constraint identity_person_id_fkey
                foreign key (person_id) references person (id) on delete cascade
        )
        """
    )


def downgrade() -> None:
    op.execute("drop table if exists identity")
