"""How many values and bytes of text a request brings, and how many bytes its arguments use.

`plan.cost` prices both: what is sent once is coerced once, and a variable that twenty fields use is
checked, folded or stored twenty times. Linear in what is there; changes and refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from poutama.plan.values import Constant, Variable
from poutama.plan.variables_shape import Tree

TextPlace: TypeAlias = Constant | Variable
"""A place of an argument that may hold text."""


def count_values(value: object, stop: int) -> int:
    """The values in a value as JSON has it, itself and its lists and objects included.

    Counting stops above `stop`.
    """
    total, stack = 0, [value]
    while stack and total <= stop:
        total += 1
        match stack.pop():
            case dict(fields):
                stack.extend(fields.values())
            case list(items):
                stack.extend(items)
    return total


def count_bytes(value: object) -> int:
    """The bytes of all texts in a value as JSON has it, names of fields included; in UTF-8."""
    total, stack = 0, [value]
    while stack:
        match stack.pop():
            case str(text):
                total += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
            case dict(fields):
                stack.extend(fields)
                stack.extend(fields.values())
            case list(items):
                stack.extend(items)
    return total


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
        return count_bytes(text.value)
    value: Any = variables
    for step in text.path:
        value = value[step]
    return count_bytes(value)
