"""A read plan laid out as levels: which rows are needed, and how their JSON texts nest.

Both renderings share this. A *level* is a set of rows, one CTE. A *body* is the JSON text of one
row: literals, pieces computed in SQL, and *slots* where the text of rows of other levels goes. A
connection dissolves into literals and slots here; the renderings know only lists, single rows,
counts and page facts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from json import dumps
from typing import ClassVar, TypeAlias, assert_never

from poutama.plan.filters import find_values
from poutama.plan.nodes import (
    Cursor,
    EdgeList,
    EdgeNode,
    Leaf,
    Many,
    Member,
    NodeList,
    One,
    Page,
    PageInfo,
    Read,
    ReturnedValue,
    RowId,
    Rows,
    Text,
    TotalCount,
    Trace,
    View,
)
from poutama.plan.values import Value
from poutama.schema.model import Column
from poutama.sql.bounds import MISSING_MARK
from poutama.sql.computed import render_field
from poutama.sql.condition import TRUE
from poutama.sql.fragment import quote_name, quote_text, render_between_quotes, render_json_value
from poutama.sql.predicate import Conditions
from poutama.sql.procedure_payload import mark_returned


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that is the same for every row."""

    text: str


@dataclass(frozen=True, slots=True)
class SqlText:
    """Text that SQL computes from the row."""

    sql: str


@dataclass(frozen=True, slots=True)
class RowCursor:
    """The row's cursor, as a JSON string."""


@dataclass(slots=True, eq=False)
class Slot:
    """Where the text of other rows goes. A slot is numbered after those inside its own body."""

    kind: ClassVar[str]
    level: Level
    number: int = field(default=-1, init=False)

    @property
    def name(self) -> str:
        """The name of its CTE."""
        return f"{self.kind}_{self.number}"


@dataclass(slots=True, eq=False)
class ListSlot(Slot):
    """The bodies of all rows of a level that belong to this row, separated by commas."""

    kind = "list"
    body: tuple[Part, ...]


@dataclass(slots=True, eq=False)
class OneSlot(Slot):
    """The body of the one row of a level that belongs to this row."""

    kind = "one"
    body: tuple[Part, ...]
    nullable: bool


@dataclass(slots=True, eq=False)
class CountSlot(Slot):
    """How many rows there are on all pages together. Its level is only counted."""

    kind = "count"


@dataclass(slots=True, eq=False)
class FactsSlot(Slot):
    """The PageInfo of a level."""

    kind = "info"
    info: PageInfo


Part: TypeAlias = Literal | SqlText | RowCursor | ListSlot | OneSlot | CountSlot | FactsSlot


@dataclass(slots=True, eq=False)
class Level:
    """Rows of one table under each row of the parent level."""

    name: str
    rows: Rows
    parent: Level | None
    path: str
    """The response keys that lead to its rows, joined by dots."""
    many: bool
    """Whether a row of the parent may have more than one."""
    joined: list[JoinedRow] = field(default_factory=list)
    """To-one relations whose columns are taken along in the same row."""
    traced: list[TracedRow] = field(default_factory=list)
    """The rows whose reading the audit writes down: its own, and those that are joined."""
    exported: dict[str, None] = field(default_factory=dict)
    """Columns that children join on, in the order they were asked for."""
    paged: bool = False
    """Whether rows know their `place` on the page and how many were `fetched`."""
    has_children: bool = False

    @property
    def alone(self) -> bool:
        """Whether there is at most one list of it in the answer."""
        above = self.parent
        return above is None or (not above.many and above.alone)


@dataclass(frozen=True, slots=True)
class JoinedRow:
    """A to-one relation joined into its level."""

    alias: str
    parent_alias: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class TracedRow:
    """A row of a level whose reading is written down."""

    alias: str
    trace: Trace


@dataclass(slots=True)
class Layout:
    """The whole statement: the root's body, the levels parents first, the slots children first."""

    root: tuple[Part, ...] = ()
    levels: list[Level] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    unused: list[Value] = field(default_factory=list)
    """Arguments of pages of which no row is asked for."""

    def add_level(
        self, name: str, rows: Rows, parent: Level | None, field: str, *, many: bool
    ) -> Level:
        level = Level(name, rows, parent, _path(parent, field), many)
        if rows.trace is not None and rows.trace.recorded:
            level.traced.append(TracedRow("this", rows.trace))
        self.levels.append(level)
        if parent is not None and rows.relation is not None:
            key = rows.relation.key if rows.relation.shape == "one" else "id"
            assert key is not None
            parent.exported[key] = None
            parent.has_children = True
        return level


def lay_out(read: Read, conditions: Conditions) -> Layout:
    """The levels and bodies of a read plan."""
    layout = Layout()
    layout.root = _BodyBuilder(layout, conditions).build_body(None, "", read.roots)
    return layout


class _BodyBuilder:
    """Writes bodies, adding levels and slots to the layout as it meets them."""

    def __init__(self, layout: Layout, conditions: Conditions) -> None:
        self._layout = layout
        self._conditions = conditions

    def build_body(
        self, level: Level | None, alias: str, members: tuple[Member, ...]
    ) -> tuple[Part, ...]:
        parts: list[Part] = [Literal("{")]
        for index, member in enumerate(members):
            parts.append(Literal(f"{',' if index else ''}{dumps(member.key)}:"))
            parts += self._member(level, alias, member)
        return _merge([*parts, Literal("}")])

    def _member(self, level: Level | None, alias: str, member: Member) -> tuple[Part, ...]:
        match member:
            case Text(_, json):
                return (Literal(json),)
            case ReturnedValue(_, field):
                return (Literal(mark_returned(field)),)
            case Leaf():
                return self._leaf(alias, member)
            case One(_, rows, nullable):
                if level is not None and _is_flat(rows):
                    return self._joined(level, alias, rows, nullable)
                child = self._add_level(rows, level, member.key)
                body = self.build_body(child, "this", rows.fields)
                return (self._add(OneSlot(child, body, nullable)),)
            case Many(key, rows):
                child = self._add_level(rows, level, key, many=True)
                return self._list(child, self.build_body(child, "this", rows.fields))
            case Page():
                return self._page(level, member)
            case RowId(key, entity):
                written = self._add_level(Rows(entity, None, (), written=0), None, key)
                text = render_json_value("this", entity.id)
                return (self._add(OneSlot(written, (SqlText(text),), nullable=False)),)
            case _:
                assert_never(member)

    def _leaf(self, alias: str, leaf: Leaf) -> tuple[Part, ...]:
        column, condition = leaf.column, self._conditions.render(alias, leaf.shown)
        if condition != TRUE:
            value = render_field(alias, column, leaf.parts)
            text = f"CASE WHEN {condition.text} THEN {value} ELSE 'null' END"
            return (SqlText(text),)
        plain = render_between_quotes(alias, column) if isinstance(column, Column) else None
        if plain is None:
            return (SqlText(render_field(alias, column, leaf.parts)),)
        # Quotes that are one literal with those beside them spare the database two calls a value.
        return Literal('"'), SqlText(plain), Literal('"')

    def _joined(self, level: Level, alias: str, rows: Rows, nullable: bool) -> tuple[Part, ...]:
        joined = self._conditions.names.take(rows.entity.table)
        level.joined.append(JoinedRow(joined, alias, rows))
        if rows.trace is not None and rows.trace.recorded:
            level.traced.append(TracedRow(joined, rows.trace))
        text = concat(self.build_body(level, joined, rows.fields))
        absent = "'null'" if nullable else "NULL"
        return (SqlText(f"CASE WHEN {joined}.id IS NULL THEN {absent} ELSE {text} END"),)

    def _list(self, level: Level, body: tuple[Part, ...]) -> tuple[Part, ...]:
        slot = ListSlot(level, body)
        return Literal("["), self._add(slot), Literal("]")

    def _page(self, parent: Level | None, page: Page) -> tuple[Part, ...]:
        level: Level | None = None
        parts: list[Part] = [Literal("{")]
        for index, view in enumerate(page.views):
            parts.append(Literal(f"{',' if index else ''}{dumps(view.key)}:"))
            if level is None and isinstance(view, NodeList | EdgeList | PageInfo):
                level = self._add_level(page.rows, parent, page.key, many=True)
                level.paged = True
            parts += self._view(parent, level, page, view)
        if level is None:
            rows = page.rows
            self._layout.unused += (*rows.after, *rows.before, *find_values(rows.filter))
            self._layout.unused += [rows.size] if rows.size is not None else []
        return (*parts, Literal("}"))

    def _view(
        self, parent: Level | None, level: Level | None, page: Page, view: View
    ) -> tuple[Part, ...]:
        match view:
            case Text(_, json):
                return (Literal(json),)
            case TotalCount():
                counted = Level("", page.rows, parent, _path(parent, page.key), many=True)
                if parent is not None:
                    parent.exported["id"] = None
                    parent.has_children = True
                return (self._add(CountSlot(counted)),)
            case NodeList(_, fields):
                assert level is not None
                return self._list(level, self.build_body(level, "this", fields))
            case EdgeList():
                assert level is not None
                return self._list(level, self._edge(level, view))
            case PageInfo():
                assert level is not None
                return (self._add(FactsSlot(level, view)),)
            case _:
                assert_never(view)

    def _edge(self, level: Level, edges: EdgeList) -> tuple[Part, ...]:
        parts: list[Part] = [Literal("{")]
        for index, member in enumerate(edges.members):
            parts.append(Literal(f"{',' if index else ''}{dumps(member.key)}:"))
            match member:
                case Text(_, json):
                    parts.append(Literal(json))
                case Cursor():
                    parts.append(RowCursor())
                case EdgeNode(_, fields):
                    parts += self.build_body(level, "this", fields)
        return _merge([*parts, Literal("}")])

    def _add_level(
        self, rows: Rows, parent: Level | None, key: str, *, many: bool = False
    ) -> Level:
        name = self._conditions.names.take(rows.entity.table)
        return self._layout.add_level(name, rows, parent, key, many=many)

    def _add(self, slot: Slot) -> Part:
        self._layout.slots.append(slot)
        slot.number = len(self._layout.slots)
        assert isinstance(slot, ListSlot | OneSlot | CountSlot | FactsSlot)
        return slot


def source_of(rows: Rows) -> str:
    """The table, or what the statement's change has returned of it."""
    match rows.written:
        case None:
            return quote_name(rows.entity.table)
        case 0:
            return "written"
        case number:
            return f"inserted_{number}"


def default_text(slot: Slot) -> str:
    """What stands in a slot that no row fills; every page has its facts."""
    match slot:
        case CountSlot():
            return "0"
        case ListSlot(level=level) | OneSlot(level=level) if level.rows.required:
            return MISSING_MARK % slot.number
        case OneSlot():
            return "null"
        case _:
            return ""


def constant_text(layout: Layout) -> str:
    """The response of an operation that asks for no rows at all."""
    return "".join(part.text for part in layout.root if isinstance(part, Literal))


def concat(parts: tuple[Part, ...]) -> str:
    """A body without slots as one SQL expression."""
    texts = []
    for part in parts:
        match part:
            case Literal(text):
                texts.append(quote_text(text))
            case SqlText(sql):
                texts.append(sql)
            case _:
                raise AssertionError("only flat rows are joined into their parent's")
    return " || ".join(texts)


def _path(parent: Level | None, key: str) -> str:
    return key if parent is None else f"{parent.path}.{key}"


def _is_flat(rows: Rows) -> bool:
    return all(
        isinstance(field, Leaf | Text) or (isinstance(field, One) and _is_flat(field.rows))
        for field in rows.fields
    )


def _merge(parts: list[Part]) -> tuple[Part, ...]:
    merged: list[Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, Literal) and isinstance(last, Literal):
            merged[-1] = Literal(last.text + part.text)
        else:
            merged.append(part)
    return tuple(merged)
