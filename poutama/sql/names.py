"""The names that a statement gives to its parts; `docs/compiler.md` shows them at work.

Tables and their columns are quoted; the names below are not, and none of them is reserved on
either engine. A number tells apart what there is several of; it counts from 1, in the order of
rendering, so that the same plan makes the same text.

Common table expressions:

- `<table>_<n>`: a level, the rows of a table that one place of the selection asks for.
- `list_<n>`, `one_<n>`, `count_<n>`, `info_<n>`: the JSON text of a slot for each parent.
- `scan_<n>`: how many rows a filter or a count goes through, as `rows`; `scanned` in the answer.
- `written`: the row that a change has written; `inserted_<n>`: the rows inserted along with it;
  `before`: the row's version before the change.
- `quota_<n>`: how many rows there are under a quota of the new row's type, as `used`, and in how
  many seconds the oldest of them stops counting, as `wait`.
- `rights`: the organisations in whose right the viewer may read, and NULL for none.
- `audit`: the entries of the audit; `lookup`, `store`: what an idempotency key needs.

Rows:

- `this`: the table's row that a level or a change is about; `item`: a row of a level; `parent`: a
  row of the level above; `<table>_<n>`: any other row of a table.
- `viewer`, `subject`: a membership of the viewer, and of the person a row is about; `opened`: an
  opened record of that person; `ended`, `other`: memberships of that person, one that has ended
  and one that was current then.
- `sibling`: a row with the same parent as `this`; `child`: a row to be inserted along with it;
  `through_<n>`: a row on the way to the person whose data `written` is; `gone_<n>`: one on the way
  from what others wrote to the deleted row.
- `shown`: the person, the `kind` of data, the `action` and the organisation of a read, and
  `reader` the same, each once; `found`: the rows that this is found out of;
  `actor`: the person who reads; `named`: the organisation in whose right;
  `entry`: a row of the audit, or of the idempotency keys; `member`: a `value` of a list.

Columns of levels and slots:

- `slot`: which slot a row fills, where the database returns the rows of all levels.
- `key`: the row's number in its level; `parent`: the key of the row it belongs to.
- `json_<n>`: pieces of the row's JSON text; `json`: a slot's text; `rows_<n>`: how many rows of
  `list_<n>` are in it.
- `sort_<n>`: what the rows are sorted by; `row_<column>`: a column that children join on.
- `person`: of a parent to whom rows belong by memberships: one of whose they are.
- `place`, `fetched`: the row's place on its page, counted from where the page is cut, and how many
  rows the page has fetched; `cursor`. Of a page: whether there is `more`, `begin_cursor` and
  `end_cursor`.
  While they are computed, beside all columns of the table: `_parent`, `_place`.
- `trace_<n>_<column>`: a column of a row whose reading the audit writes down; `subject`: whose data
  the row is, of a change `whose`; `acting`: the organisation and the role, one text, in whose right
  the viewer has to do with it; `organisation_id`: the organisation alone.

Columns of the answer: `data`; of a change also `written`, how many rows were, and `version`; under
an idempotency key also `fingerprint`.
"""

from __future__ import annotations

from collections import Counter


class Names:
    """Gives out the names of one statement."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, name: str) -> str:
        """The name with the next number."""
        self._taken[name] += 1
        return f"{name}_{self._taken[name]}"
