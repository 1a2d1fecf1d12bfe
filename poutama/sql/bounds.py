r"""How many rows an answer may have: in one list, and at one place of the selection.

Every list without `first` is read up to one row beyond its bound, and so are the rows of a place
that all its lists have together. What is cut there is never answered: the `json` rendering writes a
mark `"\u0000>..."` in place of the list, which `replace_marks` finds; in the `rows` rendering
`Assembly` counts; a change, which must not happen then, fails by `RAISE_SQLSTATE`. No other text
can look like a mark: a NUL cannot be stored, and what a client sends is escaped. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from poutama.errors import LimitExceededError, NotFoundError
from poutama.plan.values import Value
from poutama.settings import Settings
from poutama.sql.fragment import quote_text

RAISE_SQLSTATE = "22003"
"""What a change fails with whose payload is over a bound: a number out of range. Both engines raise
it for a sum of whole numbers, and what a client sends is held to its range before."""

WHOLE = 0
"""The place that is the whole answer."""
_OPENING = '"\\u0000>'
_MARK = re.compile(rb'"\\u0000>(list|place|bytes|missing):(\d+)"')
MISSING_MARK = f'{_OPENING}missing:%d"'
"""Stands in the place of a row that the request names, and that is not there for the viewer."""


class Bound(StrEnum):
    """Which bound was exceeded."""

    LIST = "list"
    PLACE = "place"
    SCAN = "scan"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a statement."""

    list_rows: int
    """Of one list without `first`."""
    place_rows: int
    """Of all lists at one place of the selection together."""
    bytes: int
    """Of the JSON text of an answer, where the database builds it."""
    scanned_rows: int
    """That the filter or the count of one place goes through."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Bounds:
        return cls(
            settings.max_list_rows,
            settings.max_rows,
            settings.max_rows_bytes,
            settings.max_scanned_rows,
        )


DEFAULT_BOUNDS = Bounds.from_settings(Settings())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a slot's rows are in the answer, and their bounds."""

    path: str
    """The response keys that lead there, joined by dots."""
    bounds: Bounds
    is_whole: bool
    """Whether its lists are to be answered whole, as they have no `first`."""
    is_alone: bool
    """Whether there is one list at most: its own bound is then enough."""
    type: str = ""
    """Of its rows."""
    is_nullable: bool = False
    """Whether it is one row that the request names, in whose place null may stand."""
    is_refused: bool = True
    """Of a scan: whether it is refused over the bound."""
    words: tuple[Value, ...] = ()
    """Of a scan: what its filter searches each row for."""

    def check(self, parents: Iterable[int], rows: int) -> None:
        """Refuse the rows of this place: how many there are, and the parent of each.

        Raises:
            LimitExceededError: they are over a bound.
        """
        if not self.is_alone and rows > self.bounds.place_rows:
            raise self.refuse(Bound.PLACE)
        if self.is_whole and rows > self.bounds.list_rows:
            longest = max(Counter(parents).values())
            if longest > self.bounds.list_rows:
                raise self.refuse(Bound.LIST)

    def check_scan(self, rows: int) -> None:
        """Refuse what goes through so many rows here.

        Raises:
            LimitExceededError: they are over the bound.
        """
        if self.is_refused and rows > self.bounds.scanned_rows:
            raise self.refuse(Bound.SCAN)

    def check_bytes(self, size: int) -> None:
        """Refuse an answer that is this long.

        Raises:
            LimitExceededError: it is over the bound.
        """
        if size > self.bounds.bytes:
            raise self.refuse(Bound.BYTES)

    def refuse(self, bound: Bound) -> LimitExceededError:
        """Make the error of an answer that is over a bound here."""
        advice = (
            "page through it with its Connection field, or ask for fewer with `first` or `filter`"
        )
        match bound:
            case Bound.LIST:
                limit, allowed = "listRows", self.bounds.list_rows
                found = f"the list has more than {allowed} rows"
            case Bound.PLACE:
                limit, allowed = "rows", self.bounds.place_rows
                found = f"the lists have more than {allowed} rows together"
            case Bound.BYTES:
                limit, allowed = "bytes", self.bounds.bytes
                found = f"what is in it has more than {allowed} bytes"
            case Bound.SCAN:
                limit, allowed = "scannedRows", self.bounds.scanned_rows
                found = f"its filter or totalCount goes through more than {allowed} rows"
                advice = "ask for it within a smaller list, such as a group's, or by id"
            case _:
                assert_never(bound)
        return LimitExceededError(
            f"{self.path}: {found}; {advice}.",
            limit=limit,
            value=allowed + 1,
            allowed=allowed,
            field=self.path,
        )


def render_mark(bound: Bound, number: int) -> str:
    """The text, in SQL, that stands in place of what is at a place, by its number."""
    return quote_text(f'{_OPENING}{bound}:{number}"')


def render_raise(number: str) -> str:
    """SQL of an int8 that fails by `RAISE_SQLSTATE` when evaluated, not when planned."""
    return f"({number} + 9223372036854775807 + 1)"


def replace_marks(
    data: bytes, places: Mapping[int, Place]
) -> tuple[bytes, tuple[NotFoundError, ...]]:
    """The answer with null in the place of each row that is not found, and their errors in order.

    Raises:
        LimitExceededError: the answer is over a bound; says where, and over which.
        NotFoundError: a row that the request names is not found, and null may not stand there.
    """
    if _OPENING.encode() not in data:
        return data, ()
    missing: list[NotFoundError] = []

    def replace(found: re.Match[bytes]) -> bytes:
        place = places[int(found[2])]
        if found[1] != b"missing":
            raise place.refuse(Bound(found[1].decode()))
        message = f"{place.type} not found, or you may not see it."
        missing.append(NotFoundError(message, field=place.path))
        if not place.is_nullable:
            raise missing[-1]
        return b"null"

    return _MARK.sub(replace, data), tuple(missing)


def refuse_payload(
    field: str, places: Mapping[int, Place], scans: Sequence[Place]
) -> LimitExceededError:
    """Make the error of a change that was undone because its payload is over a bound."""
    lists = {place.path: place for number, place in places.items() if number != WHOLE}
    if not lists:
        error = scans[0].refuse(Bound.SCAN)
        return LimitExceededError(
            f"{field}: nothing was changed: {error.message}", **error.extensions
        )
    paths = [path for path, place in lists.items() if place.is_whole] or list(lists)
    allowed = places[WHOLE].bounds.list_rows
    scanned = "".join(
        f" or the filter or totalCount of {scan.path} goes through more than"
        f" {scan.bounds.scanned_rows}"
        for scan in scans
    )
    return LimitExceededError(
        f"{field}: nothing was changed: {' or '.join(paths)} has more than {allowed} rows{scanned};"
        " ask for fewer with `first`, or read them afterwards with a Connection field.",
        limit="listRows",
        value=allowed + 1,
        allowed=allowed,
        field=paths[0],
    )
