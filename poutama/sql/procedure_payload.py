r"""Values that a procedure returns, in a payload whose rows the database writes as JSON.

The statement's text has a mark `"\u0000=<field>"` for each, as `sql.computed` has for fields that
Python computes; `fill_returned` puts the value in its place. No other text can look like it: a NUL
cannot be stored, and what a client sends is escaped. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps

OPENING = '"\\u0000='


def mark_returned(field: str) -> str:
    """The mark of a payload's field."""
    return f'{OPENING}{field}"'


def fill_returned(data: str, returned: Mapping[str, object]) -> str:
    """The payload with every mark replaced by what the procedure returned."""
    if OPENING not in data:
        return data
    for field, value in returned.items():
        data = data.replace(mark_returned(field), dumps(value, ensure_ascii=False, default=str))
    return data
