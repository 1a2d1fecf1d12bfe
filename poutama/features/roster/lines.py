"""Records of a CSV file, read in bounded memory whatever the file holds.

`roster.csv_reader` calls it. Records are RFC 4180's, with what real systems write instead: either
line end, quotes inside unquoted fields, blank lines. A record that cannot be read is refused by
the number of its line, and the reading goes on with the next line. Fields are separated by commas,
or by what spreadsheets write in their place, as the header shows. Pure: no file is opened here.

https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

LONGEST_RECORD = 1 << 16
"""Bytes; below the `csv` module's own limit for a field."""
MAX_LINES = 100
"""Of one record with line ends inside quotes; after as many, a quote was not closed."""
LONGEST_CELL = 1_000
"""Bytes in which the first field of a refused record is looked for."""
CHUNK = 1 << 18

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""What stands between fields -> its name; the first is the standard's."""

_QUOTED = re.compile(r'"(?:[^"]|"")*+"?')


@cache
def _open_at_end(separator: str) -> re.Pattern[str]:
    """Fields, each closed, and then one that is not. Possessive: it takes linear time."""
    return re.compile(
        rf'(?:(?:"(?:[^"]|"")*+"|[^"{separator}][^{separator}]*+|){separator})*+"(?:[^"]|"")*+\Z',
        re.DOTALL,
    )


class ByteSource(Protocol):
    """Whatever has bytes."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """A record, or why there is none.

    Attributes:
        line: of its beginning, from 1.
        cells: its fields; of a refused record its first, as far as it can be made out.
        fault: the code of what is wrong, or empty.
        next_line, next_offset: where the reading goes on after it.
    """

    line: int
    cells: list[str]
    fault: str
    next_line: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: bytes
    end: int
    cut: bool = False


def find_separator(start: bytes) -> str:
    """What stands between the fields of a header; a comma where that cannot be known.

    Args:
        start: the beginning of the file.
    """
    header = _QUOTED.sub("", start.decode(errors="replace").lstrip("\ufeff \t\r\n"))
    line = header.split("\n", 1)[0]
    return max(SEPARATORS, key=line.count)


def read_records(
    source: ByteSource, *, line: int = 1, offset: int = 0, separator: str = ","
) -> Iterator[CsvRecord]:
    """Every record of the file that is not blank.

    Args:
        source: the file, at `offset`.
        line: the number of the line that begins there.
        offset: bytes from the file's beginning.
        separator: one of `SEPARATORS`.
    """
    blank = f"{separator} \t\r".encode()
    lines = _read_lines(source, line, offset)
    ahead: deque[_Line] = deque()
    while True:
        first = ahead.popleft() if ahead else next(lines, None)
        if first is None:
            return
        if not first.text.strip(blank):
            continue
        yield _read_simple(first, separator) or _read_quoted(first, lines, ahead, separator)


def _read_lines(source: ByteSource, number: int, offset: int) -> Iterator[_Line]:
    """Physical lines; of one that is too long, the beginning."""
    pending, cut = b"", 0
    while chunk := source.read(CHUNK):
        *whole, rest = (pending + chunk).split(b"\n")
        for text in whole:
            offset += cut + len(text) + 1
            yield _line(number, text, offset, cut=cut > 0)
            number, cut = number + 1, 0
        if len(rest) > LONGEST_RECORD:
            # Of what is too long anyway, no more is kept than shows whose row it is.
            cut += len(rest) - LONGEST_RECORD
            rest = rest[:LONGEST_RECORD]
        pending = rest
    if pending or cut:
        yield _line(number, pending, offset + cut + len(pending), cut=cut > 0)


def _line(number: int, text: bytes, end: int, *, cut: bool) -> _Line:
    cut = cut or len(text) > LONGEST_RECORD
    return _Line(number, text[:LONGEST_RECORD], end, cut)


def _read_simple(line: _Line, separator: str) -> CsvRecord | None:
    """The record of a line by itself; None where it goes on in the next one."""
    if line.cut:
        return _refuse(line, "TOO_LONG", separator)
    text = line.text.decode(errors="replace").removesuffix("\r")
    if "\ufffd" in text and not _is_utf_8(line.text):
        return None if _is_open(text, separator) else _refuse(line, "BAD_ENCODING", separator)
    if '"' not in text and "\r" not in text:
        return _accept(line, text.split(separator), line)
    cells = _parse(text, separator)
    if cells is not None:
        return _accept(line, cells, line)
    return None if _is_open(text, separator) else _refuse(line, "BAD_QUOTES", separator)


def _is_open(text: str, separator: str) -> bool:
    return _open_at_end(separator).match(text) is not None


def _read_quoted(
    first: _Line, lines: Iterator[_Line], ahead: deque[_Line], separator: str
) -> CsvRecord:
    """The record that begins at a line with an open quote; else only that line is given up."""
    taken: list[_Line] = []
    text = first.text
    while len(taken) < MAX_LINES and len(text) <= LONGEST_RECORD:
        following = ahead.popleft() if ahead else next(lines, None)
        if following is None:
            break
        taken.append(following)
        text += b"\n" + following.text
        if following.cut:
            break
        if b'"' in following.text:
            decoded = text.decode(errors="replace").removesuffix("\r")
            cells = _parse(decoded, separator)
            if cells is not None:
                fault = "" if _is_utf_8(text) else "BAD_ENCODING"
                return CsvRecord(first.number, cells, fault, following.number + 1, following.end)
            if not _is_open(decoded, separator):
                break
    ahead.extendleft(reversed(taken))
    return _refuse(first, "BAD_QUOTES", separator)


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parse(text: str, separator: str) -> list[str] | None:
    """The fields of exactly one record; None if it is not complete, or not well formed."""
    try:
        return next(csv.reader([text], strict=True, delimiter=separator), None)
    except csv.Error:
        return None


def _accept(first: _Line, cells: list[str], last: _Line) -> CsvRecord:
    return CsvRecord(first.number, cells, "", last.number + 1, last.end)


def _refuse(line: _Line, fault: str, separator: str) -> CsvRecord:
    text = line.text[:LONGEST_CELL].decode(errors="replace")
    guess = text.split(separator, 1)[0].strip('" \r')
    return CsvRecord(line.number, [guess], fault, line.number + 1, line.end)
