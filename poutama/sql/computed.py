r"""Fields that Python computes: the statement leaves a mark, and the mark becomes JSON afterwards.

A signed address cannot be made by a database. Where such a field is asked for, the statement
writes `"\u0000<function>:<values in hexadecimal>"` into the response's text, whichever way it is
rendered; `fill_marks` puts what the function makes of the values in its place. Of an object, the
mark also has which parts were selected, in hexadecimal: `[key, name, parts]` for each. No other
text can look like it: a NUL cannot be stored, and what a client sends is escaped. Pure; the
functions are the engine's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from json import dumps, loads
from typing import Any, TypeAlias
from uuid import UUID

from poutama.errors import ConfigurationError
from poutama.schema.model import Column, Computed
from poutama.sql.fragment import name_column, quote_text, render_json_value

Compute: TypeAlias = Callable[..., Any]
"""Takes the columns' values and returns what `json` can write. Does no I/O; called once a row."""

ComputeFor: TypeAlias = Callable[[UUID], Mapping[str, Compute]]
"""Returns the functions of the schema's `@computed` fields, for the person who reads them."""

MARK = '"\\u0000'
_MARK = re.compile(rb'"\\u0000(\w+):([0-9a-f]+)(?::([0-9a-f]+))?"')


def render_field(alias: str, field: Column | Computed, parts: str | None = None) -> str:
    """A field's value as JSON text, or the mark that becomes it; `parts`: as of `Leaf`."""
    if isinstance(field, Column):
        return render_json_value(alias, field)
    return _render_mark(alias, field, parts)


def _render_mark(alias: str, computed: Computed, parts: str | None) -> str:
    """The mark as an SQL expression; null where the first column is."""
    names = [name_column(alias, column) for column in computed.columns]
    values = " || ',' || ".join(f"coalesce(to_json({name})::text, 'null')" for name in names)
    listed = f"encode(convert_to('[' || {values} || ']', 'UTF8'), 'hex')"
    opening = quote_text(f"{MARK}{computed.function}:")
    closing = quote_text('"' if parts is None else f':{parts.encode().hex()}"')
    return f"CASE WHEN {names[0]} IS NULL THEN 'null' ELSE {opening} || {listed} || {closing} END"


def _select(value: Any, parts: list[Any] | None) -> Any:
    """The selected parts of an object, or of each object of a list."""
    if parts is None or value is None:
        return value
    if isinstance(value, list):
        return [_select(item, parts) for item in value]
    return {
        key: inner if name is None else _select(value[name], inner) for key, name, inner in parts
    }


def has_marks(statement: str) -> bool:
    """Whether a statement leaves marks; its text never holds what clients send."""
    return quote_text(MARK)[2:-1] in statement


def fill_marks(data: bytes, functions: Mapping[str, Compute]) -> bytes:
    """The response with every mark replaced.

    Raises:
        ConfigurationError: there is no function of that name.
    """

    def fill(found: re.Match[bytes]) -> bytes:
        name = found[1].decode()
        if name not in functions:
            raise ConfigurationError(
                f"@computed(name: {name!r}): expected the name of a feature's computed function."
            )
        values: Sequence[Any] = loads(bytes.fromhex(found[2].decode()))
        value = functions[name](*values)
        if found[3] is not None:
            value = _select(value, loads(bytes.fromhex(found[3].decode())))
        return dumps(value, ensure_ascii=False).encode()

    return _MARK.sub(fill, data)
