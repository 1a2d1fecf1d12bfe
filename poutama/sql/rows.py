"""The `rows` rendering: the database returns the rows of all levels, Python nests them.

CockroachDB's default, since its optimizer is slow at aggregating text; and the one that a field
computed in Python needs.
"""

from __future__ import annotations

from poutama.plan.nodes import Change, Read
from poutama.sql.audit import render_entries
from poutama.sql.bounds import DEFAULT_BOUNDS, Bounds, render_raise
from poutama.sql.fragment import Parameters
from poutama.sql.layout import (
    CountSlot,
    FactsSlot,
    Layout,
    ListSlot,
    Literal,
    OneSlot,
    Slot,
    constant_text,
    default_text,
    lay_out,
)
from poutama.sql.level_columns import Final, Piece, split_layout
from poutama.sql.levels import LevelRenderer, is_bounded, is_whole
from poutama.sql.predicate import Conditions
from poutama.sql.statement import OUTCOME, SCANNED, Assembly, Hole, Statement, Template
from poutama.sql.write import ChangeRenderer


def render_rows(
    read: Read, change: Change | None = None, *, bounds: Bounds = DEFAULT_BOUNDS
) -> Statement:
    """The plan as one statement that returns rows of (slot, parent's key, own key, text).

    With a change one more row, of the slot `OUTCOME`, says how it went: how many rows were
    written, and the version of the row as it stood.
    """
    conditions = Conditions(Parameters())
    layout = lay_out(read, conditions)
    if not layout.slots and change is None:
        return Statement("", (), constant=constant_text(layout), checked=tuple(layout.unused))
    return _RowsRenderer(layout, conditions, change, bounds).render()


class _RowsRenderer:
    def __init__(
        self, layout: Layout, conditions: Conditions, change: Change | None, bounds: Bounds
    ) -> None:
        self._layout = layout
        self._parameters = conditions.parameters
        self._conditions = conditions
        self._changing = change
        self._change = ChangeRenderer(conditions).render(change) if change else None
        self._bounds = bounds
        self._levels = LevelRenderer(layout, conditions, bounds, changes=change is not None)
        self._split = split_layout(layout)

    def render(self) -> Statement:
        split = self._split
        change = self._change
        ctes = list(change.ctes) if change else []
        for level in self._layout.levels:
            ctes += self._levels.render_scans(level)
            query = self._levels.render_level(level, split.columns[level], numbered=True)
            materialized = (
                "MATERIALIZED " if level.has_children or level.paged or level.traced else ""
            )
            ctes.append(f"{level.name} AS {materialized}({query})")
        ctes += self._levels.render_scans()
        selects = [self._select(slot) for slot in self._layout.slots]
        if change:
            selects.append(
                f"SELECT {OUTCOME}::int8 AS slot, {self._written(change.written)} AS parent,"
                f" {change.version} AS key, NULL::text AS json"
            )
        else:
            selects += self._scanned()
        traced = self._levels.render_traced(self._layout)
        ctes += render_entries(self._conditions, self._changing, traced)
        joined = ",\n".join(ctes)
        opening = f"WITH {joined}\n" if ctes else ""
        return Statement(
            opening + "\nUNION ALL ".join(selects),
            self._parameters.values,
            Assembly(
                root=_template(-1, split.root),
                templates=tuple(
                    _template(slot.number, split.bodies.get(slot, (Piece("json"),)))
                    for slot in self._layout.slots
                ),
            ),
            checked=tuple(self._layout.unused),
            places=self._levels.places(self._layout.slots),
            scans=self._levels.scans.places(),
        )

    def _scanned(self) -> list[str]:
        return [
            f"SELECT {SCANNED}::int8 AS slot, {number}::int8 AS parent, {total} AS key,"
            " NULL::text AS json"
            for number, total in enumerate(self._levels.scans.totals())
        ]

    def _written(self, written: str) -> str:
        """How many rows the change has written; fails if the payload is over a bound."""
        written = self._levels.scans.raise_beyond(written)
        over = []
        for slot in self._layout.slots:
            if not isinstance(slot, ListSlot) or not is_bounded(slot.level):
                continue
            if is_whole(slot.level):
                having = f"GROUP BY item.parent HAVING count(*) > {self._bounds.list_rows}"
                over.append(f"EXISTS (SELECT 1 FROM {slot.level.name} AS item {having})")
            if not slot.level.alone:
                rows = f"(SELECT count(*) FROM {slot.level.name})"
                over.append(f"{rows} > {self._bounds.place_rows}")
        if not over:
            return written
        return f"CASE WHEN {' OR '.join(over)} THEN {render_raise(written)} ELSE {written} END"

    def _select(self, slot: Slot) -> str:
        level = slot.level
        parent = "0::int8 AS parent" if level.parent is None else "item.parent"
        match slot:
            case CountSlot():
                query = self._levels.render_count(slot)
            case FactsSlot():
                query = self._levels.render_facts(slot)
            case _:
                text = self._pieces(self._split.bodies[slot])
                page = self._levels.on_page(level).where if isinstance(slot, ListSlot) else ""
                return (
                    f"SELECT {slot.number}::int8 AS slot, {parent}, item.key,"
                    f" {text} AS json FROM {level.name} AS item{page}"
                )
        return (
            f"SELECT {slot.number}::int8 AS slot, {parent}, 0::int8 AS key,"
            f" item.json FROM ({query}) AS item"
        )

    def _pieces(self, body: tuple[Final, ...]) -> str:
        names = [f"item.{part.name}" for part in body if isinstance(part, Piece)]
        return " || chr(1) || ".join(names) or "''"


def _template(number: int, body: tuple[Final, ...]) -> Template:
    parts: list[str | Hole | None] = []
    for part in body:
        match part:
            case Literal(text):
                parts.append(text)
            case Piece():
                parts.append(None)
            case OneSlot(nullable=False):
                parts.append(Hole(part.number, None))
            case _:
                parts.append(Hole(part.number, default_text(part)))
    return Template.compose(number, parts)
