"""Rows of rosters without an address of their own: what they are known by.

`username` is the school system's, where it is not an address. `shared_email` is the MD5 digest of
an address that other rows have as well, so that a later file with one of them alone does not make
the address theirs.
"""

from __future__ import annotations

from alembic import op

revision = "0038_people_without_email"
down_revision = "0037_second_decisions"
branch_labels = None
depends_on = None

UPGRADE = (
    "alter table roster_person add column if not exists username text",
    "alter table roster_person add column if not exists shared_email text",
    "create index if not exists roster_person_username_idx"
    " on roster_person (organisation_id, username)",
    "create index if not exists roster_person_shared_email_idx"
    " on roster_person (organisation_id, shared_email)",
    "alter table roster_staged_person add column if not exists username text not null default ''",
    "alter table roster_staged_person add column if not exists"
    " shared boolean not null default false",
)

DOWNGRADE = (
    "alter table roster_staged_person drop column if exists shared",
    "alter table roster_staged_person drop column if exists username",
    "drop index if exists roster_person_shared_email_idx",
    "drop index if exists roster_person_username_idx",
    "alter table roster_person drop column if exists shared_email",
    "alter table roster_person drop column if exists username",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
