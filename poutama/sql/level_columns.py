"""The columns with which a level brings the text of its rows: what SQL computes moves there.

Both renderings split a layout before they render its levels. `sql.names` says what the columns are
called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from poutama.sql.fragment import quote_text, render_cursor
from poutama.sql.layout import (
    FactsSlot,
    Layout,
    Level,
    ListSlot,
    Literal,
    OneSlot,
    Part,
    RowCursor,
    Slot,
    SqlText,
)
from poutama.sql.page_facts import names_cursor


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
                case SqlText() | RowCursor():
                    if not run:
                        run.extend(quote_text(text) for text in literal)
                        literal.clear()
                    run.append(self._expression(level, part))
                case _:
                    flush()
                    final.append(part)
        flush()
        return tuple(final)

    def _expression(self, level: Level, part: SqlText | RowCursor) -> str:
        if isinstance(part, SqlText):
            return part.sql
        return render_cursor("this", level.rows)

    def _add(self, sql: str) -> Piece:
        if sql not in self.pieces:
            self.pieces.append(sql)
        return Piece(f"json_{self.pieces.index(sql) + 1}")


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
