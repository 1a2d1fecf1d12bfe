"""A level as a common table expression. Both renderings build on these.

Columns of the CTE `n<number>`: `p`, the row's parent; `k`, its own number in the level, in the
order of parents and of the sort; `c_<column>`, what children join on; `t<n>`, pieces of JSON
text. On a page also `r`, its place among its siblings, and `m`, how many siblings were fetched.
Nested limits count rows with a window: a LATERAL with LIMIT becomes a full scan on CockroachDB.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from poutama.plan.nodes import PageFact, Rows
from poutama.sql.audit import is_audited, render_subject
from poutama.sql.fragment import (
    name_column,
    quote_name,
    quote_text,
    render_cursor,
    render_order,
    sort_keys,
)
from poutama.sql.layout import (
    Computed,
    CountSlot,
    FactsSlot,
    Layout,
    Level,
    ListSlot,
    Literal,
    OneSlot,
    Part,
    RowCursor,
    Slot,
    describe_facts,
    names_cursor,
)
from poutama.sql.predicate import Conditions


@dataclass(frozen=True, slots=True)
class Piece:
    """A column of the level's CTE with a part of a body."""

    name: str


Final: TypeAlias = "Literal | Piece | Slot"


@dataclass(slots=True)
class LevelColumns:
    """What the CTE of a level computes besides its keys."""

    pieces: list[str] = field(default_factory=list)
    cursor: bool = False

    def split_body(self, level: Level, parts: tuple[Part, ...]) -> tuple[Final, ...]:
        """The body with everything computed in SQL moved into columns of the level."""
        final: list[Final] = []
        run: list[str] = []
        literal: list[str] = []

        def flush() -> None:
            if run:
                final.append(self._add(" || ".join(run)))
            elif literal:
                final.append(Literal("".join(literal)))
            run.clear()
            literal.clear()

        for part in parts:
            match part:
                case Literal(text):
                    if run:
                        run.append(quote_text(text))
                    else:
                        literal.append(text)
                case Computed() | RowCursor():
                    if not run:
                        run.extend(quote_text(text) for text in literal)
                        literal.clear()
                    run.append(self._expression(level, part))
                case _:
                    flush()
                    final.append(part)
        flush()
        return tuple(final)

    def _expression(self, level: Level, part: Computed | RowCursor) -> str:
        if isinstance(part, Computed):
            return part.sql
        return render_cursor("a", level.rows.order, level.rows.entity.id)

    def _add(self, sql: str) -> Piece:
        if sql not in self.pieces:
            self.pieces.append(sql)
        return Piece(f"t{self.pieces.index(sql)}")


class LevelRenderer:
    """Renders the levels of one statement."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def render_level(self, level: Level, columns: LevelColumns, *, numbered: bool) -> str:
        """The CTE's query."""
        rows = level.rows
        order = render_order("a", rows.order)
        parent = "a._p" if self._is_nested_page(level) else "p.k"
        selected = []
        if level.parent is not None:
            selected.append(f"{parent} AS p")
        if numbered:
            over = order if level.parent is None else f"{parent}, {order}"
            selected.append(f"row_number() OVER (ORDER BY {over}) AS k")
        elif rows.order:
            selected += [f"{key} AS o{n}" for n, (key, _) in enumerate(sort_keys("a", rows.order))]
        if level.paged:
            if level.parent is None:
                selected.append(f"row_number() OVER (ORDER BY {order}) AS r")
                selected.append("count(*) OVER () AS m")
            else:
                selected += ["a._r AS r", "count(*) OVER (PARTITION BY a._p) AS m"]
        if is_audited(level):
            selected.append(render_subject(level))
        selected += [f"{name_column('a', name)} AS c_{name}" for name in level.exported]
        selected += [f"{sql} AS t{n}" for n, sql in enumerate(columns.pieces)]
        if columns.cursor:
            selected.append(f"{render_cursor('a', rows.order, rows.entity.id)} AS cur")
        return f"SELECT {', '.join(selected)} FROM {self._source(level)}"

    def render_count(self, slot: CountSlot) -> str:
        """The query that counts the rows of all pages: `p` and `j`."""
        level = slot.level
        table = f"{source_of(level.rows)} AS a"
        where = self._conditions.render("a", level.rows.where)
        if level.parent is None:
            return f"SELECT count(*)::text AS j FROM {table} WHERE {where}"
        return (
            f"SELECT p.k AS p, count(*)::text AS j FROM {level.parent.name} AS p"
            f" JOIN {table} ON {self._joined(level)} WHERE {where} GROUP BY p.k"
        )

    def render_counted(self, slots: Iterable[Slot]) -> list[str]:
        """For each audited count, the query of whose rows it counts: `sub` and `kind`."""
        found = []
        for slot in slots:
            level = slot.level
            if isinstance(slot, CountSlot) and is_audited(level):
                kind = quote_text(level.rows.entity.name)
                source = f"{source_of(level.rows)} AS a"
                if level.parent is not None:
                    source = f"{level.parent.name} AS p JOIN {source} ON {self._joined(level)}"
                where = self._conditions.render("a", level.rows.where)
                found.append(
                    f"SELECT {render_subject(level)}, {kind} AS kind FROM {source} WHERE {where}"
                )
        return found

    def render_facts(self, slot: FactsSlot) -> str:
        """The query of a PageInfo: `p` and `j`."""
        level = slot.level
        first = self._page_size(level)
        facts = {
            PageFact.HAS_NEXT: f"CASE WHEN max(n.m) > {first} THEN 'true' ELSE 'false' END",
            PageFact.HAS_PREVIOUS: "'true'" if level.rows.after else "'false'",
            PageFact.START: _cursor_where(f"n.r = 1 AND n.r <= {first}"),
            PageFact.END: _cursor_where(f"n.r = least(n.m, {first})"),
        }
        text = describe_facts(slot.info, facts)
        if level.parent is None:
            return f"SELECT {text} AS j FROM {level.name} AS n HAVING count(*) > 0"
        return f"SELECT n.p AS p, {text} AS j FROM {level.name} AS n GROUP BY n.p"

    def on_page(self, level: Level) -> str:
        """The condition that keeps the row fetched beyond the page out of its lists."""
        return f" WHERE n.r <= {self._page_size(level)}" if level.paged else ""

    def _source(self, level: Level) -> str:
        rows = level.rows
        table = f"{source_of(rows)} AS a"
        where = self._conditions.render("a", rows.where)
        if rows.after:
            after = self._conditions.render_after("a", rows.order, rows.after)
            where = after if where == "true" else f"{where} AND {after}"
        filtered = "" if where == "true" else f" WHERE {where}"
        if level.parent is None:
            if rows.first is None:
                return f"{table}{self._joins(level)}{filtered}"
            order = render_order("a", rows.order)
            limited = f"SELECT * FROM {table}{filtered} ORDER BY {order} LIMIT {self._fetch(level)}"
            return f"({limited}) AS a{self._joins(level)}"
        hung = f"{level.parent.name} AS p JOIN {table} ON {self._joined(level)}"
        if not self._is_nested_page(level):
            return f"{hung}{self._joins(level)}{filtered}"
        over = f"PARTITION BY p.k ORDER BY {render_order('a', rows.order)}"
        ranked = f"SELECT a.*, p.k AS _p, row_number() OVER ({over}) AS _r FROM {hung}{filtered}"
        return f"({ranked}) AS a{self._joins(level)} WHERE a._r <= {self._fetch(level)}"

    def _joined(self, level: Level) -> str:
        relation = level.rows.relation
        assert relation is not None, "only a root hangs on nothing"
        return self._conditions.join("a", relation, "p", prefix="c_")

    def _joins(self, level: Level) -> str:
        text = ""
        for joined in level.joined:
            rows = joined.rows
            assert rows.relation is not None
            on = self._conditions.join(joined.alias, rows.relation, joined.parent_alias)
            where = self._conditions.render(joined.alias, rows.where)
            if where != "true":
                on += f" AND {where}"
            text += f" LEFT JOIN {quote_name(rows.entity.table)} AS {joined.alias} ON {on}"
        return text

    def _is_nested_page(self, level: Level) -> bool:
        return level.parent is not None and level.rows.first is not None

    def _page_size(self, level: Level) -> str:
        assert level.rows.first is not None
        return self._conditions.parameters.place(level.rows.first, "int8")

    def _fetch(self, level: Level) -> str:
        """One row beyond a page tells whether another follows."""
        size = self._page_size(level)
        return f"{size} + 1" if level.paged else size


@dataclass(frozen=True, slots=True)
class SplitLayout:
    """A layout whose computed text has moved into columns of the levels' CTEs."""

    columns: dict[Level, LevelColumns]
    bodies: dict[Slot, tuple[Final, ...]]
    root: tuple[Final, ...]


def split_layout(layout: Layout) -> SplitLayout:
    """Move what SQL computes of every body into its level; literals and slots stay."""
    columns = {level: LevelColumns() for level in layout.levels}
    bodies: dict[Slot, tuple[Final, ...]] = {}
    for slot in layout.slots:
        match slot:
            case ListSlot(body=body) | OneSlot(body=body):
                bodies[slot] = columns[slot.level].split_body(slot.level, body)
            case FactsSlot(info=info) if names_cursor(info):
                columns[slot.level].cursor = True
    root = tuple(part for part in layout.root if isinstance(part, Literal | Slot))
    return SplitLayout(columns, bodies, root)


def source_of(rows: Rows) -> str:
    """The table, or what the statement's change has returned of it."""
    return quote_name(rows.entity.table) if rows.written is None else f"w{rows.written}"


def _cursor_where(condition: str) -> str:
    return f"coalesce(max(CASE WHEN {condition} THEN n.cur END), 'null')"
