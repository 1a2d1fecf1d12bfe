"""Rows of CSV files that people open in a spreadsheet, and that no spreadsheet runs.

Pure. RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180): commas, CRLF, quotes doubled. Every cell is
quoted, also because a spreadsheet of another country splits lines at semicolons. Whatever writes
CSV for people uses it: exports, and reports of imports.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from poutama.text import normalize
from poutama.unicode_data import category

Cell: TypeAlias = str | int | bool

BYTE_ORDER_MARK = "\ufeff"
"""Begins a file: without it, spreadsheets do not take it for UTF-8."""
LINE_END = "\r\n"

_FORMULA = frozenset("=+-@|%")
_FIELD_BREAKS = frozenset("\t\r\n")
# Separators, and the format and control characters that show nothing.
_INVISIBLE = frozenset(("Zs", "Zl", "Zp", "Cf", "Cc"))


def format_row(cells: Iterable[Cell]) -> str:
    """A line of the file, its end included."""
    return ",".join(map(_format_cell, cells)) + LINE_END


def disarm_formula(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet could take it for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection. A text that begins with an apostrophe
    gets another, so that removing the first always restores the text.
    """
    return "'" + text if text.startswith("'") or _is_formula(text) else text


def _is_formula(text: str) -> bool:
    for letter in text:
        if letter in _FIELD_BREAKS:
            return True
        # Spreadsheets skip what is invisible, and read full-width and small forms of the signs.
        if category(letter) not in _INVISIBLE:
            return normalize(letter, "NFKC")[0] in _FORMULA
    return False


def _format_cell(value: Cell) -> str:
    match value:
        case bool():
            return '"true"' if value else '"false"'
        case int():
            return f'"{value}"'
        case str():
            return '"' + disarm_formula(value).replace('"', '""') + '"'
