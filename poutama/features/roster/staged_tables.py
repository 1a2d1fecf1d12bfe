"""The three tables in which the rows of an import wait, and what is done to any of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from poutama.db.statements import load_sql
from poutama.sql.fragment import quote_name


class StagedTable(StrEnum):
    """What the rows are to become."""

    GROUP = "group"
    PERSON = "person"
    MEMBERSHIP = "membership"


_SQL = {
    table: load_sql(
        __package__, "staged_tables.sql", {"table": quote_name(f"roster_staged_{table.value}")}
    )
    for table in StagedTable
}


def _pick(name: str) -> Mapping[StagedTable, str]:
    return {table: _SQL[table][name] for table in StagedTable}


FIND_STAGED = _pick("find_staged")
COUNT_READ = _pick("count_read")
FIND_TOP = _pick("find_top")
FIND_LAST_ENDING = _pick("find_last_ending")
DROP_ENDINGS = _pick("drop_endings")
DROP_RANGE = _pick("drop_range")
DROP_SOME = _pick("drop_some")
