"""What a rendering gives to the engine: one SQL text, the places of its values, and how its rows
become the response.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from poutama.plan.values import Binding, Value, resolve_value

OUTCOME = -1
"""The slot of the row that says how a change went."""

SEPARATOR = "\x01"
"""Stands between the pieces of one row's body; JSON text never holds it, it escapes controls."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """How the rows of one slot become text."""

    number: int
    body: tuple[str | int | Hole, ...]
    """Literals, indexes of pieces, and holes for the text of other slots."""
    pieces: int

    @property
    def whole(self) -> bool:
        """Whether the row's text is the body as it stands."""
        return self.body == (0,)

    def paint(self, key: int, text: str, texts: dict[int, dict[int, str]]) -> str | None:
        """One row's text; None where something that must be there is not."""
        if self.whole:
            return text
        pieces = text.split(SEPARATOR) if self.pieces > 1 else (text,)
        parts: list[str] = []
        for part in self.body:
            if isinstance(part, str):
                parts.append(part)
            elif isinstance(part, int):
                parts.append(pieces[part])
            else:
                found = texts[part.number].get(key, part.default)
                if found is None:
                    return None
                parts.append(found)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a slot's text goes; `default` where it has no rows, None where that cannot be."""

    number: int
    default: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Assembly:
    """The `rows` rendering's second half: level rows -> JSON text."""

    root: Template
    templates: tuple[Template, ...]

    def assemble(self, rows: Iterable[Iterable[Any]]) -> str | None:
        """The whole response's data; None where a root that must be there is not."""
        levels: dict[int, list[tuple[int, int, str | None]]] = {
            template.number: [] for template in self.templates
        }
        for slot, parent, key, text in rows:
            if slot != OUTCOME:
                levels[slot].append((key, parent, text))
        texts: dict[int, dict[int, str]] = {}
        for template in self.templates:
            grouped: dict[int, list[str]] = {}
            for key, parent, text in sorted(levels[template.number], key=_by_key):
                painted = None if text is None else template.paint(key, text, texts)
                if painted is not None:
                    grouped.setdefault(parent, []).append(painted)
            texts[template.number] = {parent: ",".join(group) for parent, group in grouped.items()}
        return self.root.paint(0, "", texts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement did: the data as JSON text, and of a change how it went."""

    data: str | None
    """None where a row that must be there is not."""
    written: int = 1
    version: int | None = None
    fingerprint: str | None = None
    """What was kept under the request's idempotency key: the request's fingerprint ..."""
    response: str | None = None
    """... and the data it was answered with. Both None where the key is new."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement: its text never depends on values, only on the plan."""

    text: str
    values: tuple[Value, ...]
    assembly: Assembly | None = None
    """None where the database itself returns the JSON text."""
    constant: str | None = None
    """The data where no row is asked for at all; then there is no statement to run."""
    checked: tuple[Value, ...] = ()
    """Arguments that the statement does not need, and that must be right all the same."""

    def read_data(self, rows: Sequence[Any]) -> bytes | None:
        """What a statement that changes nothing has read: JSON in UTF-8.

        None where a row that must be there is not.
        """
        if self.assembly is None:
            data: bytes | None = rows[0][0]
            return data
        text = self.assembly.assemble(rows)
        return None if text is None else text.encode()

    def conclude(self, rows: Sequence[Any]) -> Outcome:
        """How the change went that the statement made."""
        if self.assembly is None:
            (row,) = rows
            return Outcome(*row)
        data = self.assembly.assemble(rows)
        for slot, written, version, _ in rows:
            if slot == OUTCOME:
                return Outcome(data, written, version)
        return Outcome(data)


def _by_key(row: tuple[int, int, str | None]) -> int:
    return row[0]


def bind_values(statement: Statement, binding: Binding) -> list[object]:
    """The statement's values for one request, in the order of its placeholders.

    Raises:
        BadUserInputError, LimitExceededError, UnauthenticatedError: as `resolve_value`.
    """
    for value in statement.checked:
        resolve_value(value, binding)
    return [resolve_value(value, binding) for value in statement.values]
