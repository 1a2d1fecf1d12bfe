"""The shape of a request's variables: what a plan depends on besides its document.

Which variables are there, which are null, the keys of input objects, and the values of booleans and
sort orders. Everything else is a value that a plan only holds a place for. Equal shapes make equal
plans. Structs, because they are hashed for every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, assert_never

import msgspec

from poutama.plan.values import Constant, Value, Variable

Tree: TypeAlias = "Value | dict[str, Tree] | list[Tree] | None"
"""An argument: its structure is known, the values at its leaves are places."""


class Plain(msgspec.Struct, frozen=True):
    """A value of which nothing is known but that it is there."""


class Fixed(msgspec.Struct, frozen=True):
    """A value that the plan depends on: a boolean, or a sort order."""

    value: bool | str


class ListShape(msgspec.Struct, frozen=True):
    """A list whose items have these shapes."""

    items: tuple[Shape, ...]


class ObjectShape(msgspec.Struct, frozen=True):
    """An input object with these fields, in the order of its type."""

    fields: tuple[tuple[str, Shape], ...]


Shape: TypeAlias = Plain | Fixed | ListShape | ObjectShape | None
"""None is null."""

PLAIN = Plain()


class VariablesShape(msgspec.Struct, frozen=True):
    """The shape of all variables that are there.

    Attributes:
        fields: by name, in the order of the operation.
        values: what introspection depends on besides: all values, as text.
    """

    fields: tuple[tuple[str, Shape], ...] = ()
    values: str = ""


def build_trees(shape: VariablesShape) -> Mapping[str, Tree]:
    """The places of all variables that have a value."""
    return {name: build_tree(part, (name,)) for name, part in shape.fields}


def build_tree(shape: Shape, path: tuple[str | int, ...]) -> Tree:
    """The places of a variable whose coerced value has this shape."""
    match shape:
        case None:
            return None
        case Fixed(value=value):
            return Constant(value)
        case ListShape(items=items):
            return [build_tree(item, (*path, index)) for index, item in enumerate(items)]
        case ObjectShape(fields=fields):
            return {name: build_tree(part, (*path, name)) for name, part in fields}
        case Plain():
            return Variable(path)
        case _:
            assert_never(shape)
