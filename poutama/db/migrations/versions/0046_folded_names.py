"""The folded copies of the names that there are."""

from __future__ import annotations

from json import dumps

import sqlalchemy as sa
from alembic import op

from poutama.text import fold

revision = "0046_folded_names"
down_revision = "0045_searched_names"
branch_labels = None
depends_on = None

BATCH = 1_000
TABLES = ("person", "roster_staged_person")


def upgrade() -> None:
    connection = op.get_bind()
    for table in TABLES:
        names = connection.execute(
            sa.text(f"select distinct name from {table} where name_search = '' and name <> ''")  # noqa: S608
        )
        found = [row[0] for row in names]
        for start in range(0, len(found), BATCH):
            pairs = [[name, fold(name)] for name in found[start : start + BATCH]]
            connection.execute(
                sa.text(
                    f"update {table} as this set name_search = pair.value->>1"  # noqa: S608
                    " from jsonb_array_elements(cast(:pairs as jsonb)) as pair (value)"
                    " where this.name = pair.value->>0 and this.name_search = ''"
                ),
                {"pairs": dumps(pairs)},
            )


def downgrade() -> None:
    """The copies go with their columns."""
