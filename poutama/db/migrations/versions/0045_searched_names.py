"""People are found and sorted by their names as other texts are: by a folded copy.

The next revision fills it: neither engine's oldest version fills a column in the transaction that
adds it.
"""

from __future__ import annotations

from alembic import op

revision = "0045_searched_names"
down_revision = "0044_inviters_names"
branch_labels = None
depends_on = None

TABLES = ("person", "roster_staged_person")


def upgrade() -> None:
    for table in TABLES:
        # The default is for the release before this one, which may still run.
        op.execute(
            f"alter table {table} add column if not exists name_search text not null default ''"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table {table} drop column if exists name_search")
