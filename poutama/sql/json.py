"""The `json` rendering: the database builds the response's text. PostgreSQL's default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from poutama.plan.nodes import Change, Read
from poutama.sql.audit import render_entries
from poutama.sql.bounds import DEFAULT_BOUNDS, WHOLE, Bound, Bounds
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
from poutama.sql.level_columns import Final, Piece, split_layout
from poutama.sql.levels import LevelRenderer, is_bounded, is_whole
from poutama.sql.predicate import Conditions
from poutama.sql.statement import Statement
from poutama.sql.write import ChangeRenderer


def render_json(
    read: Read, change: Change | None = None, *, bounds: Bounds = DEFAULT_BOUNDS
) -> Statement:
    """The plan as one statement that returns one row: the data as JSON text.

    With a change that row also says how it went: how many rows were written, and the version of
    the row as it stood.
    """
    conditions = Conditions(Parameters())
    layout = lay_out(read, conditions)
    if not layout.slots and change is None:
        return Statement("", (), constant=constant_text(layout), checked=tuple(layout.unused))
    return _JsonRenderer(layout, conditions, change, bounds).render()


def render_idempotent(
    read: Read, change: Change, returned: Sequence[str], *, bounds: Bounds = DEFAULT_BOUNDS
) -> Statement:
    """A change under an idempotency key, with its payload: still one statement.

    It writes nothing if the idempotency key is known, and otherwise stores the key with the row's
    id. The row it returns also has the fingerprint that was stored before, NULL the first time.
    `returned`: the payload's fields that are the row, or its id.
    """
    conditions = Conditions(Parameters())
    layout = lay_out(read, conditions)
    return _JsonRenderer(layout, conditions, change, bounds, returned=returned).render()


class _JsonRenderer:
    def __init__(
        self,
        layout: Layout,
        conditions: Conditions,
        change: Change | None,
        bounds: Bounds,
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
        self._bounds = bounds
        self._levels = LevelRenderer(layout, conditions, bounds, changes=change is not None)
        self._split = split_layout(layout)
        self._within: dict[Slot, tuple[Slot, ...]] = {}
        """The places within each slot whose rows are counted together, its own included."""

    def render(self) -> Statement:
        split = self._split
        change = self._change
        ctes = list(change.ctes) if change else []
        if self._returned is not None:
            ctes.insert(0, f"lookup AS ({render_lookup(self._parameters)})")
        for level in self._layout.levels:
            ctes += [*self._levels.render_scans(level), self._level(level)]
        ctes += self._levels.render_scans()
        slots = {slot: self._slot(slot, split.bodies.get(slot, ())) for slot in self._layout.slots}
        text = self._root(slots)
        # Inlined, these are scanned anew for every row where the planner knows no statistics.
        ctes += [f"{slot.name} AS MATERIALIZED ({query})" for slot, query in slots.items()]
        if change is None:
            # As bytes, which go to the client as they are: never decoded, never encoded again.
            scanned = [f"{total} AS scanned" for total in self._levels.scans.totals()]
            text = ", ".join([f"convert_to({text}, 'UTF8') AS data", *scanned])
        else:
            written = self._levels.scans.raise_beyond(change.written)
            text = f"{text} AS data, {written} AS written, {change.version} AS version"
        if self._returned is not None:
            ctes.append(f"store AS ({render_store(self._parameters, self._returned)})")
            text = f"{text}, (SELECT lookup.fingerprint FROM lookup) AS fingerprint"
        traced = self._levels.render_traced(self._layout)
        ctes += render_entries(self._conditions, self._changing, traced)
        joined = ",\n".join(ctes)
        return Statement(
            f"WITH {joined}\nSELECT {text}" if ctes else f"SELECT {text}",
            self._parameters.values,
            checked=tuple(self._layout.unused),
            places=self._levels.places(self._layout.slots),
            scans=self._levels.scans.places(),
        )

    def _root(self, slots: dict[Slot, str]) -> str:
        """The whole text; a slot that is read but once, here, leaves `slots` for it."""
        long = self._list_texts(self._split.root)
        once = [part for part in self._split.root if isinstance(part, Slot)]
        json = {
            slot: f"(SELECT json FROM {slot.name})" if len(long) > 1 else f"({slots.pop(slot)})"
            for slot in once
        }
        text = " || ".join(
            self._fill(part, json[part]) if isinstance(part, Slot) else self._part(part)
            for part in self._split.root
        )
        if len(long) < 2:
            return text
        over = f"{_size([json[slot] for slot in long])} > {self._bounds.bytes}"
        refusal = self._levels.refuse(Bound.BYTES, WHOLE, f"length({json[long[0]]})")
        return _refuse([(over, refusal)], text)

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
        return query

    def _rows(self, slot: Slot, body: tuple[Final, ...]) -> str:
        level = slot.level
        totals = self._totals(slot, body)
        text = " || ".join(self._part(part) for part in body)
        if isinstance(slot, ListSlot):
            text = f"string_agg({text}, ',' ORDER BY {self._order(level)})"
        text = _refuse(self._refusals(slot, body, totals), text)
        source = f"{level.name} AS item"
        for part in body:
            if isinstance(part, Slot):
                source += f" LEFT JOIN {part.name} ON {part.name}.parent = item.key"
        if isinstance(slot, ListSlot):
            source += self._levels.on_page(level).where
        if level.parent is None:
            return f"SELECT {text} AS json FROM {source}"
        rows = "".join(f", {total}::int4 AS {_rows_of(place)}" for place, total in totals.items())
        group = " GROUP BY item.parent" if isinstance(slot, ListSlot) else ""
        return f"SELECT item.parent, {text} AS json{rows} FROM {source}{group}"

    def _totals(self, slot: Slot, body: tuple[Final, ...]) -> dict[Slot, str]:
        """How many rows each place within has in one row here: a place, and SQL that counts."""
        found: dict[Slot, str] = {}
        for part in (part for part in body if isinstance(part, Slot)):
            for place in self._within.get(part, ()):
                rows = f"{part.name}.{_rows_of(place)}"
                found[place] = f"sum({rows})" if isinstance(slot, ListSlot) else rows
        if isinstance(slot, ListSlot) and is_bounded(slot.level) and not slot.level.alone:
            found[slot] = "count(*)"
        self._within[slot] = tuple(found)
        return found

    def _refusals(
        self, slot: Slot, body: tuple[Final, ...], totals: dict[Slot, str]
    ) -> Iterator[tuple[str, str]]:
        """The condition under which the text is withheld, and what replaces it."""
        refuse = self._levels.refuse
        number = "item.key"
        if isinstance(slot, ListSlot):
            number = "count(*)"
            if is_whole(slot.level):
                limit = self._bounds.list_rows
                yield f"count(*) > {limit}", refuse(Bound.LIST, slot.number, number)
        if slot.level.parent is None:
            for place, total in totals.items():
                over = f"{total} > {self._bounds.place_rows}"
                yield over, refuse(Bound.PLACE, place.number, number)
        size = _size([f"{part.name}.json" for part in self._list_texts(body)])
        if size:
            size = f"sum({size})" if isinstance(slot, ListSlot) else size
            yield f"{size} > {self._bounds.bytes}", refuse(Bound.BYTES, WHOLE, number)

    def _list_texts(self, body: tuple[Final, ...]) -> list[Slot]:
        """The slots of a body whose text has lists in it, so that it may be long."""
        return [
            part
            for part in body
            if isinstance(part, ListSlot)
            or (isinstance(part, OneSlot) and self._list_texts(self._split.bodies[part]))
        ]

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


def _refuse(refusals: Iterable[tuple[str, str]], text: str) -> str:
    whens = "".join(f" WHEN {over} THEN {refusal}" for over, refusal in refusals)
    return f"CASE{whens} ELSE {text} END" if whens else text


def _size(texts: Sequence[str]) -> str:
    """How many bytes they have together; empty without any."""
    if len(texts) == 1:
        return f"octet_length({texts[0]})"
    return " + ".join(f"coalesce(octet_length({text}), 0)" for text in texts)


def _rows_of(place: Slot) -> str:
    """The column with the number of rows at a place."""
    return f"rows_{place.number}"
