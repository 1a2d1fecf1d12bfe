"""What the roster says of the types that it changes in bulk is what the schema says of them."""

from __future__ import annotations

import pytest

from poutama.bulk_changes import BulkTable
from poutama.features import load_model
from poutama.features.roster import records

# The type's table is a view over the one that is written.
WRITTEN = {"roster_progress": "roster_import"}
TABLES = [each for each in vars(records).values() if isinstance(each, BulkTable)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_a_table_is_as_the_schema_declares_its_type(table: BulkTable) -> None:
    entity = load_model().entities[table.kind]
    assert table.table == WRITTEN.get(entity.table, entity.table)
    assert set(table.searchable) == {each.name for each in entity.columns if each.searchable}
    assert {"id", "version", "updated_at"} <= {each.name for each in entity.columns}
    if entity.subject is not None:
        assert table.subject == entity.subject


def test_there_are_tables_to_hold_to_the_schema() -> None:
    found = {each.kind for each in TABLES}
    assert found == {"Consent", "Group", "Person", "Membership", "RosterImport"}
