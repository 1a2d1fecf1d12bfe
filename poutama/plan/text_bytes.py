"""How many values and bytes of text a request brings, and how many bytes its arguments use.

`plan.cost` prices both: what is sent once is coerced once, and a variable that twenty fields use is
checked, folded or stored twenty times. Linear in what is there; changes and refuses nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from poutama.plan.values import Constant, Variable
from poutama.plan.variables_shape import Tree

TextPlace: TypeAlias = Constant | Variable
"""A place of an argument that may hold text."""


def count_values(value: object, stop: int = sys.maxsize) -> tuple[int, int]:
    """The values in a value as JSON has it, and the bytes of all texts in them, in UTF-8.

    Itself, its lists and its objects are values as well; the names of fields are texts. Counting
    stops above `stop` values: what follows is in neither number.
    """
    values, size, stack = 0, 0, [value]
    while stack and values <= stop:
        values += 1
        match stack.pop():
            case str(text):
                size += _count_text_bytes(text)
            case dict(fields):
                size += sum(map(_count_text_bytes, fields))
                stack.extend(fields.values())
            case list(items):
                stack.extend(items)
    return values, size


def _count_text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def find_texts(tree: Tree) -> Iterator[TextPlace]:
    """The places of an argument that may hold text."""
    match tree:
        case dict():
            for part in tree.values():
                yield from find_texts(part)
        case list():
            for part in tree:
                yield from find_texts(part)
        case Constant(str() | list()) | Variable():
            yield tree


def count_text(text: TextPlace, variables: Mapping[str, object]) -> int:
    """The bytes that a place holds, given the request's variables."""
    if isinstance(text, Constant):
        return count_values(text.value)[1]
    value: Any = variables
    for step in text.path:
        value = value[step]
    return count_values(value)[1]
