"""What a rendering gives to the engine: one SQL text, the places of its values, and how its rows
become the response.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from types import MappingProxyType
from typing import Any, TypeAlias

from poutama.errors import NotFoundError
from poutama.plan.binding import Binding, count_words, resolve_values
from poutama.plan.values import Value
from poutama.sql.bounds import WHOLE, Place, replace_marks

OUTCOME = -1
"""The slot of the row that says how a change went."""

SCANNED = -2
"""The slot of the rows that say how many rows each scan went through, by its number."""

SEPARATOR = "\x01"
"""Separates the pieces of one row's body; JSON text never holds it, it escapes controls."""

Row: TypeAlias = Sequence[Any]
"""A row as the statement returns it: slot, parent, key, and its text or NULL."""

FEW_ROWS = 1_000
"""Rows whose text is not worth measuring."""
NO_PLACES: Mapping[int, Place] = MappingProxyType({})
_PARENT = itemgetter(1)
_KEY = itemgetter(2)
_WHOLE = ("", "")
"""The literals of a body that is the row's text as it is."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a slot's text goes; `default` where it has no rows, None where that cannot be."""

    number: int
    default: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """How the rows of one slot become text: literals, and between them what is filled in.

    Attributes:
        number: the slot's.
        literals: one more than there is to fill in.
        pieces: how much of that a row's own text has.
        holes: the texts of other slots, each with its place among all that is filled in.
    """

    number: int
    literals: tuple[str, ...]
    pieces: int
    holes: tuple[tuple[int, Hole], ...]

    @classmethod
    def compose(cls, number: int, body: Iterable[str | Hole | None]) -> Template:
        """Make one of its literals, its holes, and None for each of the row's pieces."""
        literals, holes = [""], []
        for part in body:
            if isinstance(part, str):
                literals[-1] += part
                continue
            if part is not None:
                holes.append((len(literals) - 1, part))
            literals.append("")
        return cls(number, tuple(literals), len(literals) - 1 - len(holes), tuple(holes))

    def fill(self, key: int, text: str, texts: Mapping[int, Mapping[int, str]]) -> str | None:
        """One row's text; None where something that must be there is not."""
        filling = text.split(SEPARATOR) if self.pieces > 1 else [text][: self.pieces]
        for place, hole in self.holes:
            found = texts[hole.number].get(key, hole.default)
            if found is None:
                return None
            filling.insert(place, found)
        return _interleave(self.literals, filling)

    def gather(self, rows: list[Row], texts: Mapping[int, Mapping[int, str]]) -> dict[int, str]:
        """The texts of all rows of the slot, by their parents and in the order of their keys."""
        rows.sort(key=_KEY)
        grouped: defaultdict[int, list[str]] = defaultdict(list)
        for _, parent, key, text in rows:
            filled = self.fill(key, text, texts) if self.holes and text is not None else text
            if filled is not None:
                grouped[parent].append(filled)
        finish = ",".join if self.holes or self.literals == _WHOLE else self._fill_all
        return {parent: finish(group) for parent, group in grouped.items()}

    def _fill_all(self, rows: list[str]) -> str:
        """The text of rows without holes, at once."""
        first, *others = self.literals
        if not others:
            return ",".join([first] * len(rows))
        others[-1] += "," + first
        literals = [first, *(others * len(rows))]
        literals[-1] = self.literals[-1]
        return _interleave(literals, SEPARATOR.join(rows).split(SEPARATOR))


def _interleave(literals: Sequence[str], filling: Sequence[str]) -> str:
    parts = [""] * (len(literals) + len(filling))
    parts[::2] = literals
    parts[1::2] = filling
    return "".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Assembly:
    """The `rows` rendering's second half: level rows -> JSON text."""

    root: Template
    templates: tuple[Template, ...]

    def assemble(self, rows: Iterable[Row], places: Mapping[int, Place] = NO_PLACES) -> str | None:
        """The whole response's data; None where a root that must be there is not.

        Raises:
            LimitExceededError: a place has more rows than its bounds allow.
        """
        levels: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            levels[row[0]].append(row)
        for number, place in reversed(list(places.items())):  # the outermost first
            found = levels[number]
            place.check(map(_PARENT, found), len(found))
            if number == WHOLE and sum(map(len, levels.values())) > FEW_ROWS:
                texts_of = (row[3] or "" for found in levels.values() for row in found)
                place.check_bytes(sum(map(len, texts_of)))
        texts: dict[int, dict[int, str]] = {}
        for template in self.templates:
            texts[template.number] = template.gather(levels[template.number], texts)
        return self.root.fill(0, "", texts)


@dataclass(frozen=True, slots=True)
class StatementResult:
    """The result of a statement: the data as JSON text, and what a change wrote."""

    data: str | None
    """None where a row that must be there is not."""
    written: int = 1
    version: int | None = None
    fingerprint: str | None = None
    """The fingerprint stored under the request's idempotency key; None if the key is new."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The result of a statement that changes nothing.

    Attributes:
        data: JSON in UTF-8; None where a row that must be there is not.
        scanned: as `Statement.count_scanned`.
        missing: rows that the request names, and in whose place null stands.
    """

    data: bytes | None
    scanned: int = 0
    missing: tuple[NotFoundError, ...] = ()


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
    places: Mapping[int, Place] = field(default_factory=dict)
    """The slots whose rows have a bound, by their numbers."""
    scans: tuple[Place, ...] = ()
    """Where filters and counts go through rows; a statement that only reads returns how many."""

    def count_scanned(self, rows: Sequence[Any], binding: Binding) -> int:
        """How many rows the statement's filters and counts went through.

        A row that is searched for several words counts once for each.

        Raises:
            LimitExceededError: at one place, more than it may.
        """
        if not self.scans:
            return 0
        if self.assembly is None:
            numbers = rows[0][1:]
        else:
            found = {parent: key for slot, parent, key, _ in rows if slot == SCANNED}
            numbers = [found[number] for number in range(len(self.scans))]
        scanned = 0
        for place, number in zip(self.scans, numbers, strict=True):
            place.check_scan(number)
            scanned += number * max(1, count_words(place.words, binding))
        return scanned

    def read_data(self, rows: Sequence[Any], binding: Binding) -> ReadResult:
        """What a statement that changes nothing has read.

        Raises:
            LimitExceededError: a list, or a place, has more rows than its bound, or a filter or a
                count goes through more.
            NotFoundError: a row that the request names is not found, and null may not stand there.
        """
        scanned = self.count_scanned(rows, binding)
        if self.assembly is None:
            data: bytes | None = rows[0][0]
        else:
            text = self.assembly.assemble(rows, self.places)
            data = None if text is None else text.encode()
        missing: tuple[NotFoundError, ...] = ()
        if self.places and data is not None:
            data, missing = replace_marks(data, self.places)
        return ReadResult(data, scanned, missing)

    def conclude(self, rows: Sequence[Any]) -> StatementResult:
        """How the change went that the statement made."""
        if self.assembly is None:
            (row,) = rows
            return StatementResult(*row)
        data = self.assembly.assemble(rows, self.places)
        for slot, written, version, _ in rows:
            if slot == OUTCOME:
                return StatementResult(data, written, version)
        return StatementResult(data)


def bind_values(statement: Statement, binding: Binding) -> list[object]:
    """The statement's values for one request, in the order of its placeholders.

    Raises:
        BadUserInputError, LimitExceededError, UnauthenticatedError: as `resolve_value`.
    """
    found = resolve_values((*statement.checked, *statement.values), binding)
    return found[len(statement.checked) :]
