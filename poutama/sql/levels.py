"""A level as a common table expression. Both renderings build on these.

`sql.names` says what its columns are called. Nested limits count rows with a window: a LATERAL
with LIMIT becomes a full scan on CockroachDB.
"""

from __future__ import annotations

from collections.abc import Iterable

from poutama.plan.nodes import PageFact, Rows, Tested, Trace
from poutama.sql.audit import TracedRows, is_found_at_once, list_trace_columns
from poutama.sql.bounds import WHOLE, Bound, Bounds, Place, render_mark, render_raise
from poutama.sql.condition import TRUE, Condition, all_of, negate
from poutama.sql.fragment import (
    name_column,
    quote_name,
    render_cursor,
    render_order,
    sort_keys,
)
from poutama.sql.layout import (
    CountSlot,
    FactsSlot,
    Layout,
    Level,
    ListSlot,
    OneSlot,
    Slot,
    source_of,
)
from poutama.sql.level_columns import LevelColumns
from poutama.sql.membership_links import find_links, is_linked, select_people
from poutama.sql.page_facts import describe_facts, names_cursor
from poutama.sql.predicate import Conditions, select_by_key
from poutama.sql.scans import Scans


class LevelRenderer:
    """Renders the levels of one statement."""

    def __init__(
        self, layout: Layout, conditions: Conditions, bounds: Bounds, *, changes: bool
    ) -> None:
        """`changes`: whether the statement changes something, which must fail over a bound."""
        self.scans = Scans(layout, bounds)
        self._layout = layout
        self._conditions = conditions
        self._bounds = bounds
        self._changes = changes

    def render_level(self, level: Level, columns: LevelColumns, *, numbered: bool) -> str:
        """The CTE's query."""
        rows = level.rows
        order = render_order("this", rows.order)
        near = _order_of_page(rows)
        limit = self._limit(level)
        # Numbering sorts: what is beyond the limit must be gone before.
        inside = limit if numbered else ""
        within = self._is_nested_page(level) or bool(inside)
        parent = "this._parent" if within else "parent.key"
        selected = []
        if level.parent is not None:
            selected.append(f"{parent} AS parent")
        if numbered:
            over = order if level.parent is None else f"{parent}, {order}"
            selected.append(f"row_number() OVER (ORDER BY {over}) AS key")
        if level.paged:
            if level.parent is None:
                selected.append(f"row_number() OVER (ORDER BY {near}) AS place")
                selected.append("count(*) OVER () AS fetched")
            else:
                selected.append("this._place AS place")
                selected.append("count(*) OVER (PARTITION BY this._parent) AS fetched")
        for number, traced in enumerate(level.traced, start=1):
            selected += [
                f"{name_column(traced.alias, name)} AS {_trace_column(number, name)}"
                for name in list_trace_columns(traced.trace)
            ]
        selected += [f"{name_column('this', name)} AS row_{name}" for name in level.exported]
        pieces = enumerate(columns.pieces, start=1)
        selected += [f"{sql} AS json_{number}" for number, sql in pieces]
        if not numbered and rows.order:
            # After the text, in the order in which they are used: that spares PostgreSQL a node.
            keys = enumerate(sort_keys("this", rows.order), start=1)
            selected += [f"{key} AS sort_{number}" for number, (key, _) in keys]
        if columns.cursor:
            selected.append(f"{render_cursor('this', rows)} AS cursor")
        outside = "" if numbered else limit
        return f"SELECT {', '.join(selected)} FROM {self._source(level, inside)}{outside}"

    def render_scans(self, level: Level | None = None) -> list[str]:
        """The CTEs of what is gone through for a level; without one, for counts without rows."""
        if level is None:
            found = self.scans.of_counts(self._layout)
        else:
            scan_of_level = self.scans.find(level)
            found = [] if scan_of_level is None else [scan_of_level]
        ctes = []
        for scan in found:
            at = scan.level
            source = self._table(at) if at.parent is None else self._below(at)
            where = self._conditions.render("this", at.rows.where)
            ctes.append(self.scans.render(scan, self._conditions, source, where, self._links(at)))
        return ctes

    def places(self, slots: Iterable[Slot]) -> dict[int, Place]:
        """Where the slots are that have a bound, by their numbers, and the whole answer."""
        found = {
            slot.number: Place(
                path=slot.level.path,
                bounds=self._bounds,
                is_whole=is_whole(slot.level),
                is_alone=slot.level.alone,
                type=slot.level.rows.entity.name,
                is_nullable=isinstance(slot, OneSlot),
            )
            for slot in slots
            if (isinstance(slot, ListSlot | FactsSlot) and is_bounded(slot.level))
            or (isinstance(slot, OneSlot) and slot.level.rows.required)
        }
        whole = Place("data", self._bounds, is_whole=False, is_alone=True)
        return {WHOLE: whole, **found} if found else {}

    def refuse(self, bound: Bound, place: int, number: str) -> str:
        """SQL text for an answer over a bound; `number` is any number that a row there has."""
        if self._changes:
            return f"{render_raise(number)}::text"
        return render_mark(bound, place)

    def render_count(self, slot: CountSlot) -> str:
        """The query that counts the rows of all pages: `parent` and `json`."""
        level = slot.level
        counted = self.scans.name_count(level)
        if counted is not None:
            parent = "" if level.parent is None else "item.parent, "
            return f"SELECT {parent}item.rows::text AS json FROM {counted} AS item"
        where = self._where(level).where
        if level.parent is None:
            return f"SELECT count(*)::text AS json FROM {self._table(level)}{where}"
        return (
            f"SELECT parent.key AS parent, count(*)::text AS json FROM {self._below(level)}{where}"
            " GROUP BY parent.key"
        )

    def render_traced(self, layout: Layout) -> list[TracedRows]:
        """What is read and counted of others: rows for the audit, each with what it leaves."""
        found = [
            TracedRows(traced.trace, _select_traced(level, number, traced.trace))
            for level in layout.levels
            for number, traced in enumerate(level.traced, start=1)
        ]
        for slot in layout.slots:
            trace = slot.level.rows.trace
            if isinstance(slot, CountSlot) and trace and trace.recorded and trace.counted:
                found.append(TracedRows(trace, self._select_counted(slot.level, trace)))
        compared: list[Level] = []
        for level in (*layout.levels, *(slot.level for slot in layout.slots)):
            # A page that is counted besides is two levels of the same rows.
            alike = (
                other.rows is level.rows and other.parent is level.parent for other in compared
            )
            if level.rows.tested and not any(alike):
                compared.append(level)
        return found + [
            TracedRows(tested.trace, self._select_tested(level, tested), searched=True)
            for level in compared
            for tested in level.rows.tested
        ]

    def _select_tested(self, level: Level, tested: Tested) -> str:
        source = self._table(level) if level.parent is None else self._below(level)
        render = self._conditions.render
        where = all_of(
            render("this", level.rows.where),
            render("this", tested.where),
            self.scans.within_bound(level),
        )
        alias = "this"
        for step in tested.steps:
            inner = self._conditions.names.take(step.target.table)
            joined = self._conditions.join(inner, step.relation, alias)
            table, key = select_by_key(step.target, inner, joined)
            source += f" JOIN {table} ON {all_of(key, render(inner, step.where)).text}"
            alias = inner
        columns = ", ".join(name_column(alias, name) for name in list_trace_columns(tested.trace))
        return f"SELECT DISTINCT {columns} FROM {source}{where.where}"

    def _select_counted(self, level: Level, trace: Trace) -> str:
        source = self._table(level) if level.parent is None else self._below(level)
        where = self._where(level).where
        columns = ", ".join(name_column("this", name) for name in list_trace_columns(trace))
        return f"SELECT DISTINCT {columns} FROM {source}{where}"

    def render_facts(self, slot: FactsSlot) -> str:
        """The query of a PageInfo: `parent` and `json`, of an empty page as well."""
        level, size = slot.level, self._page_size(slot.level)
        found = [f"max(item.fetched) > {size} AS more"]
        if names_cursor(slot.info):
            near, far = "item.place = 1", f"item.place = least(item.fetched, {size})"
            begin, end = (far, near) if level.rows.is_backward else (near, far)
            found += [
                f"max(CASE WHEN {place} AND item.place <= {size} THEN item.cursor END) AS {name}"
                for place, name in ((begin, "begin_cursor"), (end, "end_cursor"))
            ]
        text = self._describe_page(slot)
        page = f"SELECT {', '.join(found)} FROM {level.name} AS item"
        if level.parent is None:
            return f"SELECT {text} AS json FROM ({page}) AS item"
        page = page.replace("SELECT ", "SELECT item.parent, ", 1)
        return (
            f"SELECT parent.key AS parent, {text} AS json FROM {level.parent.name} AS parent"
            f" LEFT JOIN ({page} GROUP BY item.parent) AS item ON item.parent = parent.key"
        )

    def _describe_page(self, slot: FactsSlot) -> str:
        """The text of a PageInfo, from what `render_facts` has found of its page as `item`."""
        level = slot.level
        sides = {
            fact: [f"EXISTS ({self._rest(level, negate(side))})"]
            for fact, side in self._sides(level.rows).items()
        }
        onward = PageFact.HAS_PREVIOUS if level.rows.is_backward else PageFact.HAS_NEXT
        sides[onward] = ["item.more", *sides.get(onward, ())]
        facts = {
            PageFact.START: "coalesce(item.begin_cursor, 'null')",
            PageFact.END: "coalesce(item.end_cursor, 'null')",
            PageFact.HAS_NEXT: "'false'",
            PageFact.HAS_PREVIOUS: "'false'",
        }
        for fact, reasons in sides.items():
            facts[fact] = f"CASE WHEN {' OR '.join(reasons)} THEN 'true' ELSE 'false' END"
        text = describe_facts(slot.info, facts)
        if is_bounded(level) and not level.alone:
            over = f"(SELECT count(*) FROM {level.name}) > {2 * self._bounds.place_rows}"
            rows = f"(SELECT count(*) FROM {level.name})"
            refusal = self.refuse(Bound.PLACE, slot.number, rows)
            text = f"CASE WHEN {over} THEN {refusal} ELSE {text} END"
        return text

    def _sides(self, rows: Rows) -> dict[PageFact, Condition]:
        """What a page's cursors leave of its list: after the one, and before the other."""
        render, found = self._conditions.render_beyond, {}
        if rows.after:
            after = render("this", rows.order, rows.after, before=False)
            found[PageFact.HAS_PREVIOUS] = after
        if rows.before:
            found[PageFact.HAS_NEXT] = render("this", rows.order, rows.before, before=True)
        return found

    def _rest(self, level: Level, beyond: Condition) -> str:
        """The list's rows on the other side of a cursor; below another, of `parent`."""
        where = all_of(self._where(level), beyond)
        if level.parent is None:
            return f"SELECT 1 FROM {self._table(level)}{where.where}"
        table, key = self._select_below(level)
        return f"SELECT 1 FROM {table}{all_of(key, where).where}"

    def on_page(self, level: Level) -> Condition:
        """The condition that keeps the row fetched beyond the page out of its lists."""
        if not level.paged:
            return TRUE
        return Condition(f"item.place <= {self._page_size(level)}")

    def _limit(self, level: Level) -> str:
        """How many rows of a level are read, beyond which the answer is refused.

        A literal: a planner that does not know a LIMIT expects a tenth of the rows.
        """
        if not is_bounded(level):
            return ""
        if level.alone:
            return f" LIMIT {self._bounds.list_rows + 1}" if is_whole(level) else ""
        # Each page has a row beyond its own, and there are as many pages as rows above.
        return f" LIMIT {(2 if level.paged else 1) * self._bounds.place_rows + 1}"

    def _source(self, level: Level, limit: str) -> str:
        rows = level.rows
        where = all_of(self._where(level), *self._sides(rows).values())
        if level.parent is None:
            table = self._table(level)
            if rows.size is None and not limit:
                return f"{table}{self._joins(level)}{where.where}"
            if rows.size is not None:
                limit = f" ORDER BY {_order_of_page(rows)} LIMIT {self._fetch(level)}"
            return f"(SELECT * FROM {table}{where.where}{limit}) AS this{self._joins(level)}"
        below = self._below(level)
        if not self._is_nested_page(level):
            if not limit:
                return f"{below}{self._joins(level)}{where.where}"
            limited = f"SELECT this.*, parent.key AS _parent FROM {below}{where.where}{limit}"
            return f"({limited}) AS this{self._joins(level)}"
        over = f"PARTITION BY parent.key ORDER BY {_order_of_page(rows)}"
        columns = f"this.*, parent.key AS _parent, row_number() OVER ({over}) AS _place"
        ranked = f"SELECT {columns} FROM {below}{where.where}"
        on_page = f" WHERE this._place <= {self._fetch(level)}"
        if not limit:
            return f"({ranked}) AS this{self._joins(level)}{on_page}"
        limited = f"SELECT * FROM ({ranked}) AS this{on_page}{limit}"
        return f"({limited}) AS this{self._joins(level)}"

    def _where(self, level: Level) -> Condition:
        """The rule of the rows, and what a client asks of them."""
        return all_of(
            self._conditions.render("this", level.rows.where),
            self._conditions.render("this", level.rows.filter),
            self.scans.within_bound(level),
        )

    def _table(self, level: Level) -> str:
        return f"{source_of(level.rows)} AS this"

    def _below(self, level: Level) -> str:
        """The level's table joined to the level above; each row once for each of its parents."""
        assert level.parent is not None
        link, above = level.rows.link, self._above(level.parent)
        if link is None:
            table, on = self._select_below(level)
            return f"{level.parent.name} AS parent JOIN {table} ON {all_of(on, above).text}"
        people = select_people(self._conditions, link, level.parent.name, above)
        return f"({people}) AS parent JOIN {self._table(level)} ON {_key(level)} = parent.person"

    def _select_below(self, level: Level) -> tuple[str, Condition]:
        """The rows of a row of the level above, called `parent`, and on what they are joined."""
        rows = level.rows
        assert rows.relation is not None, "only a root has no relation"
        if rows.link is not None:
            return self._table(level), is_linked(self._conditions, rows.link, _key(level))
        key = self._conditions.join("this", rows.relation, "parent", prefix="row_")
        if rows.written is not None:
            return self._table(level), key
        return select_by_key(rows.entity, "this", key)

    def _links(self, level: Level) -> str:
        """All memberships by which rows of the level may belong to their parents; empty without."""
        if level.rows.link is None:
            return ""
        assert level.parent is not None
        above = self._above(level.parent)
        return find_links(self._conditions, level.rows.link, level.parent.name, above)

    def _above(self, parent: Level) -> Condition:
        """Nothing is read below the row that only tells whether another page follows."""
        return Condition(f"parent.place <= {self._page_size(parent)}") if parent.paged else TRUE

    def _joins(self, level: Level) -> str:
        text = ""
        for joined in level.joined:
            rows = joined.rows
            assert rows.relation is not None
            key = self._conditions.join(joined.alias, rows.relation, joined.parent_alias)
            table, key = select_by_key(rows.entity, joined.alias, key)
            on = all_of(key, self._conditions.render(joined.alias, rows.where))
            text += f" LEFT JOIN {table} ON {on.text}"
        return text

    def _is_nested_page(self, level: Level) -> bool:
        return level.parent is not None and level.rows.size is not None

    def _page_size(self, level: Level) -> str:
        assert level.rows.size is not None
        return self._conditions.parameters.place(level.rows.size, "int8")

    def _fetch(self, level: Level) -> str:
        """One row beyond a page tells whether another follows."""
        size = self._page_size(level)
        return f"{size} + 1" if level.paged else size


def is_bounded(level: Level) -> bool:
    """Whether the level has lists of rows; those just written are as many as were sent."""
    return level.many and level.rows.written is None


def is_whole(level: Level) -> bool:
    """Whether the level's lists are answered whole, as they have no size."""
    return is_bounded(level) and level.rows.size is None


def _key(level: Level) -> str:
    assert level.rows.relation is not None
    return name_column("this", str(level.rows.relation.key))


def _order_of_page(rows: Rows) -> str:
    """From where a page's rows are counted."""
    return render_order("this", rows.order, is_backward=rows.is_backward)


def _select_traced(level: Level, number: int, trace: Trace) -> str:
    columns = ", ".join(
        f"item.{_trace_column(number, name)} AS {quote_name(name)}"
        for name in list_trace_columns(trace)
    )
    distinct = "" if is_found_at_once(trace) else "DISTINCT "
    return f"SELECT {distinct}{columns} FROM {level.name} AS item"


def _trace_column(number: int, name: str) -> str:
    return f"trace_{number}_{name}"
