"""How many rows a statement goes through for its filters, counts and pages, known before it does.

A filter over a relation, and a count, read rows that no answer shows: without a bound they would
read all there are. So does a page of the list of each row above. So each has a CTE that counts
those rows up to one beyond the bound, and stops; the filter and the count themselves have a
condition that holds within the bound alone, while pages are read all the same, and cost as if they
were at it. What was counted is returned, for the price of the operation. `sql.levels` calls this.
Rows that the viewer may not see are not counted: a price must not tell that they are there.
"""

from __future__ import annotations

from dataclasses import dataclass

from poutama.plan.filters import find_values
from poutama.plan.nodes import ALWAYS, Scan
from poutama.plan.values import Words
from poutama.sql.bounds import Bounds, Place, render_raise
from poutama.sql.condition import TRUE, Condition, all_of
from poutama.sql.fragment import name_column
from poutama.sql.layout import CountSlot, Layout, Level
from poutama.sql.predicate import Conditions, select_by_key

COMPARISONS = 20_000
"""Comparisons of a character that count as one more row: looking for a text within another takes,
at worst, the product of their lengths."""


@dataclass(frozen=True, slots=True)
class ScannedLevel:
    """A level whose rows are filtered or counted.

    Attributes:
        name: of the CTE, whose column `rows` has how many rows there are.
        level: the level.
        counted: whether its rows are counted without a filter: then there is a number for each
            `parent`, which is the count itself.
        is_refused: whether it may not go beyond the bound: pages may, and only cost what they read.
    """

    name: str
    level: Level
    counted: bool
    is_refused: bool


class Scans:
    """The scans of one statement."""

    def __init__(self, layout: Layout, bounds: Bounds) -> None:
        self._bounds = bounds
        self._found: list[ScannedLevel] = []
        counts = [slot.level for slot in layout.slots if isinstance(slot, CountSlot)]
        for level in (*(each for each in layout.levels if each.rows.scans), *counts):
            if self.find(level) is None:
                name = f"scan_{len(self._found) + 1}"
                filtered = level.rows.filter != ALWAYS
                counted = any(
                    each.rows is level.rows and each.parent is level.parent for each in counts
                )
                alone = counted and not filtered and level.rows.link is None
                self._found.append(ScannedLevel(name, level, alone, counted or filtered))

    def find(self, level: Level) -> ScannedLevel | None:
        """The scan of a level, to be rendered before it; None if it goes through no rows.

        A page that is counted besides is two levels of the same rows.
        """
        for scan in self._found:
            if scan.level.rows is level.rows and scan.level.parent is level.parent:
                return scan
        return None

    def name_count(self, level: Level) -> str | None:
        """The CTE whose rows are the counts of this level; None where a filter must be counted."""
        scan = self.find(level)
        return scan.name if scan is not None and scan.counted else None

    def within_bound(self, level: Level) -> Condition:
        """The condition that the level goes through no more rows than it may."""
        scan = self.find(level)
        if scan is None or not scan.is_refused:
            return TRUE
        return Condition(f"{_total(scan)} <= {self._bounds.scanned_rows}")

    def of_counts(self, layout: Layout) -> list[ScannedLevel]:
        """The scans of what is counted, of which no level reads the rows."""
        read = [self.find(level) for level in layout.levels]
        return [scan for scan in self._found if scan not in read]

    def totals(self) -> list[str]:
        """SQL of how many rows each scan has counted."""
        return [_total(scan) for scan in self._found]

    def places(self) -> tuple[Place, ...]:
        """Where each scan is, in the order of `totals`."""
        return tuple(
            Place(
                scan.level.path,
                self._bounds,
                is_whole=False,
                is_alone=True,
                is_refused=scan.is_refused,
                words=tuple(
                    value
                    for value in find_values(scan.level.rows.filter)
                    if isinstance(value, Words)
                ),
            )
            for scan in self._found
        )

    def raise_beyond(self, written: str) -> str:
        """A change's number of rows, which fails if the payload goes through too many."""
        refused = [_total(scan) for scan in self._found if scan.is_refused]
        over = " OR ".join(f"{each} > {self._bounds.scanned_rows}" for each in refused)
        if not over:
            return written
        return f"CASE WHEN {over} THEN {render_raise(written)} ELSE {written} END"

    def render(
        self, scan: ScannedLevel, conditions: Conditions, source: str, where: Condition, link: str
    ) -> str:
        """The CTE. `source` and `where`: the level's rows as `this`, without their filter; `link`:
        the memberships by which they belong to their parents.
        """
        limit = f" LIMIT {self._bounds.scanned_rows + 1}"
        if scan.counted:
            query = _count_each(scan.level, f"{source}{where.where}{limit}")
        else:
            ways = scan.level.rows.scans
            counts = (
                f"(SELECT count(*) FROM (SELECT 1 FROM {link}{limit}) AS this)"
                if way.is_link
                else _count_way(conditions, way, source, where, limit)
                for way in ways
            )
            query = f"SELECT {' + '.join(counts)} AS rows"
        return f"{scan.name} AS MATERIALIZED ({query})"


def _count_each(level: Level, rows: str) -> str:
    if level.parent is None:
        return f"SELECT count(*) AS rows FROM (SELECT 1 FROM {rows}) AS this"
    return (
        f"SELECT this.key AS parent, count(*) AS rows FROM (SELECT parent.key FROM {rows}) AS this"
        " GROUP BY this.key"
    )


def _count_way(
    conditions: Conditions, scan: Scan, source: str, where: Condition, limit: str
) -> str:
    alias = "this"
    where = all_of(where, conditions.render("this", scan.within))
    for step in scan.steps:
        inner = conditions.names.take(step.target.table)
        joined = conditions.join(inner, step.relation, alias)
        table, key = select_by_key(step.target, inner, joined)
        on = all_of(key, conditions.render(inner, step.where))
        # To the left: also rows without any of the next are gone through.
        source += f" LEFT JOIN {table} ON {on.text}"
        alias = inner
    if scan.texts:
        work = _render_comparisons(conditions, alias, scan)
        rows = f"SELECT {scan.times} + {work} AS rows FROM {source}{where.where}{limit}"
        return f"(SELECT coalesce(sum(this.rows), 0)::int8 FROM ({rows}) AS this)"
    counted = f"(SELECT count(*) FROM (SELECT 1 FROM {source}{where.where}{limit}) AS this)"
    return counted if scan.times == 1 else f"{scan.times} * {counted}"


def _render_comparisons(conditions: Conditions, alias: str, scan: Scan) -> str:
    """As how many rows more a row counts, by the lengths of its texts; none of them is read."""
    place = conditions.parameters.place
    parts = []
    for column, value in scan.texts:
        is_list = isinstance(value, Words)
        needle = f"{place(value, 'jsonb')}::text" if is_list else place(value, "text")
        length = f"coalesce(octet_length({name_column(alias, column.search_name)}), 0)"
        parts.append(f"{length}::int8 * char_length({needle})")
    # Not of whole numbers: their division is another thing in each engine.
    return f"floor(({' + '.join(parts)}) * {1 / COMPARISONS:f})::int8"


def _total(scan: ScannedLevel) -> str:
    return f"(SELECT coalesce(sum({scan.name}.rows), 0)::int8 FROM {scan.name})"
