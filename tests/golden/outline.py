"""A plan as text, one node a line: types, columns and relations by their names alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from json import dumps
from typing import Any

from poutama.plan import mutation_steps, nodes, predicates, ways
from poutama.plan.values import (
    Constant,
    CursorPart,
    Default,
    Folded,
    InputIds,
    InputText,
    Items,
    Members,
    Needle,
    NewId,
    Normalized,
    PageSize,
    Prefix,
    Returned,
    Value,
    Variable,
    Words,
)
from poutama.schema.directives import snake_case
from poutama.schema.model import Column, Entity, OrderTerm, Relation, Within
from poutama.schema.quota import Quota

HIDDEN = ("list",)
"""What its cursors have, and every set of rows."""
LABELLED = ("where", "guard", "filter")
BARE = ("key", "entity", "relation", "column", "target", "comparison", "value", "quota")


def outline(node: Any, label: str = "", depth: int = 0) -> Iterator[str]:
    """The node's line, then those of the nodes inside it, indented."""
    words = [label + type(node).__name__]
    inside: list[tuple[str, Any]] = []
    for part in fields(node):
        if part.name in HIDDEN:
            continue
        value = _shorten(getattr(node, part.name))
        if value is None or value is False or value in ((), nodes.ALWAYS):
            continue
        if _is_node(value):
            inside.append((f"{part.name}: " if part.name in LABELLED else "", value))
        elif isinstance(value, tuple) and _is_node(value[0]):
            inside.extend(("", item) for item in value)
        else:
            words.append(_word(part.name, value))
    if words[1:2] == words[2:3]:
        del words[2:3]  # a field under its own name
    yield "  " * depth + " ".join(words)
    for name, value in inside:
        yield from outline(value, name, depth + 1)


def _shorten(value: Any) -> Any:
    """Nodes that would take lines, in a word."""
    match value:
        case nodes.Own():
            return value.data
        case nodes.Subject():
            return (*(entity.name for _, entity in value.path), value.column)
        case nodes.Trace():
            return value.kind if value.recorded else None
        case (nodes.Tested(), *_):
            return tuple(each.trace.kind for each in value)
    return value


def _is_node(value: object) -> bool:
    modules = {each.__name__ for each in (nodes, predicates, ways, mutation_steps)}
    return is_dataclass(value) and type(value).__module__ in modules


def _word(name: str, value: object) -> str:
    if name in BARE:
        return show(value)
    return name if value is True else f"{name}={show(value)}"


def show(value: Any) -> str:
    """A value, a name, or several of them, on one line."""
    match value:
        case Entity() | Relation():
            return value.name
        case Within(column):
            return column
        case Column():
            return value.field
        case Quota():
            return value.name
        case OrderTerm():
            return f"-{value.column.field}" if value.descending else value.column.field
        case dict():
            return "{" + ", ".join(f"{name}: {show(part)}" for name, part in value.items()) + "}"
        case tuple() | list():
            return "[" + ", ".join(map(show, value)) + "]"
        case str() | int():
            return str(value)
        case _:
            return show_value(value)


def show_value(value: Value) -> str:
    """The place of a value, as the plan holds it."""
    match value:
        case Constant(known):
            return dumps(known, ensure_ascii=False, default=str)
        case Variable(path):
            return "$" + ".".join(map(str, path))
        case NewId(number):
            return f"new id {number}"
        case Returned(field):
            return f"returned {field}"
        case Default(conditions, word, otherwise):
            asked = " and ".join(
                f"{show_value(part)} in [{', '.join(words)}]" for part, words in conditions
            )
            return f"{word} if {asked} else {show_value(otherwise)}"
        case InputIds(inner, _):
            return f"ids({show_value(inner)})"
        case Items(values):
            return "[" + ", ".join(map(show_value, values)) + "]"
        case Folded() | Needle() | Prefix() | Normalized() | Words():
            return f"{type(value).__name__.lower()}({show_value(value.value)})"
        case InputText() | Members() | PageSize() | CursorPart():
            return _derived(value)
        case _:
            return snake_case(type(value).__name__).replace("_", " ")


def _derived(value: InputText | Members | PageSize | CursorPart) -> str:
    inner = show_value(value.value)
    match value:
        case InputText(_, rule, _):
            pattern = " by pattern" if rule.pattern else ""
            return f"text({inner}, {rule.minimum} to {rule.maximum}{pattern})"
        case Members():
            return f"members({inner})"
        case PageSize():
            return f"page({inner})"
        case CursorPart(_, index, _, _):
            return f"cursor({inner})[{index}]"
