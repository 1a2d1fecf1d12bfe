"""The `json` rendering: the database builds the response's text. PostgreSQL's default."""

from __future__ import annotations

from collections.abc import Sequence

from poutama.plan.nodes import Change, Read
from poutama.sql.audit import render_entries
from poutama.sql.condition import TRUE, Condition
from poutama.sql.fragment import Parameters, quote_text, sort_keys
from poutama.sql.idempotency import render_lookup, render_store
from poutama.sql.layout import (
    CountSlot,
    FactsSlot,
    Layout,
    Level,
    ListSlot,
    Literal,
    OneSlot,
    Slot,
    constant_text,
    default_text,
    lay_out,
)
from poutama.sql.levels import (
    Final,
    LevelRenderer,
    Piece,
    split_layout,
)
from poutama.sql.predicate import Conditions
from poutama.sql.statement import Statement
from poutama.sql.write import ChangeRenderer


def render_json(read: Read, change: Change | None = None) -> Statement:
    """The plan as one statement that returns one row: the data as JSON text.

    With a change that row also says how it went: how many rows were written, and the version of
    the row as it stood.
    """
    conditions = Conditions(Parameters())
    layout = lay_out(read, conditions)
    if not layout.slots and change is None:
        return Statement("", (), constant=constant_text(layout), checked=tuple(layout.unused))
    return _JsonRenderer(layout, conditions, change).render()


def render_idempotent(read: Read, change: Change, returned: Sequence[str]) -> Statement:
    """A change under an idempotency key, with its payload: still one statement.

    It writes nothing if the idempotency key is known, and otherwise stores the key with the row's
    id. The row it returns also has the fingerprint that was stored before, NULL the first time.
    `returned`: the payload's fields that are the row, or its id.
    """
    conditions = Conditions(Parameters())
    layout = lay_out(read, conditions)
    return _JsonRenderer(layout, conditions, change, returned=returned).render()


class _JsonRenderer:
    def __init__(
        self,
        layout: Layout,
        conditions: Conditions,
        change: Change | None,
        *,
        returned: Sequence[str] | None = None,
    ) -> None:
        self._layout = layout
        self._parameters = conditions.parameters
        self._conditions = conditions
        self._returned = returned
        new = TRUE if returned is None else Condition("NOT EXISTS (SELECT 1 FROM lookup)")
        changes = ChangeRenderer(conditions, allowed=new)
        self._changing = change
        self._change = changes.render(change) if change else None
        self._levels = LevelRenderer(conditions)
        self._split = split_layout(layout)

    def render(self) -> Statement:
        split = self._split
        change = self._change
        ctes = list(change.ctes) if change else []
        if self._returned is not None:
            ctes.insert(0, f"lookup AS ({render_lookup(self._parameters)})")
        ctes += [self._level(level) for level in self._layout.levels]
        ctes += [self._slot(slot, split.bodies.get(slot, ())) for slot in self._layout.slots]
        text = " || ".join(
            self._fill(part, f"(SELECT json FROM {part.name})")
            if isinstance(part, Slot)
            else self._part(part)
            for part in split.root
        )
        if change is None:
            # As bytes, which go to the client as they are: never decoded, never encoded again.
            text = f"convert_to({text}, 'UTF8') AS data"
        else:
            text = f"{text} AS data, {change.written} AS written, {change.version} AS version"
        if self._returned is not None:
            ctes.append(f"store AS ({render_store(self._parameters, self._returned)})")
            text = f"{text}, (SELECT lookup.fingerprint FROM lookup) AS fingerprint"
        traced = self._levels.render_traced(self._layout)
        ctes += render_entries(self._conditions, self._changing, traced)
        joined = ",\n".join(ctes)
        return Statement(
            f"WITH {joined}\nSELECT {text}",
            self._parameters.values,
            checked=tuple(self._layout.unused),
        )

    def _level(self, level: Level) -> str:
        query = self._levels.render_level(
            level, self._split.columns[level], numbered=level.has_children or level.paged
        )
        materialized = "MATERIALIZED " if level.has_children or level.traced else ""
        return f"{level.name} AS {materialized}({query})"

    def _slot(self, slot: Slot, body: tuple[Final, ...]) -> str:
        match slot:
            case CountSlot():
                query = self._levels.render_count(slot)
            case FactsSlot():
                query = self._levels.render_facts(slot)
            case _:
                query = self._rows(slot, body)
        # Inlined, these are scanned anew for every row where the planner knows no statistics.
        return f"{slot.name} AS MATERIALIZED ({query})"

    def _rows(self, slot: Slot, body: tuple[Final, ...]) -> str:
        level = slot.level
        text = " || ".join(self._part(part) for part in body)
        if isinstance(slot, ListSlot):
            text = f"string_agg({text}, ',' ORDER BY {self._order(level)})"
        source = f"{level.name} AS item"
        for part in body:
            if isinstance(part, Slot):
                source += f" LEFT JOIN {part.name} ON {part.name}.parent = item.key"
        if isinstance(slot, ListSlot):
            source += self._levels.on_page(level).where
        if level.parent is None:
            return f"SELECT {text} AS json FROM {source}"
        grouped = " GROUP BY item.parent" if isinstance(slot, ListSlot) else ""
        return f"SELECT item.parent, {text} AS json FROM {source}{grouped}"

    def _part(self, part: Final) -> str:
        match part:
            case Literal(text):
                return quote_text(text)
            case Piece(name):
                return f"item.{name}"
            case _:
                return self._fill(part, f"{part.name}.json")

    def _fill(self, slot: Slot, text: str) -> str:
        match slot:
            case OneSlot(nullable=False):
                return text
            case _:
                return f"coalesce({text}, {quote_text(default_text(slot))})"

    def _order(self, level: Level) -> str:
        if level.has_children or level.paged:
            return "item.key"
        return ", ".join(
            f"item.sort_{number} DESC" if descending else f"item.sort_{number}"
            for number, (_, descending) in enumerate(sort_keys("this", level.rows.order), start=1)
        )
