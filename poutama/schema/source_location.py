"""Where in which schema file something stands, for messages about mistakes there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graphql import GraphQLError, Node

from poutama.errors import SchemaError


class LocatedSchemaError(SchemaError):
    """A mistake in a schema file, its message with file and line."""


@contextmanager
def at_node(node: Node) -> Iterator[None]:
    """Give a `SchemaError` raised in the block the file and line of the node.

    The innermost block's node counts.
    """
    try:
        yield
    except LocatedSchemaError:
        raise
    except SchemaError as error:
        raise LocatedSchemaError(f"{describe_place(node)}{error.message}") from error


def describe_place(node: Node) -> str:
    """`features/goals/goals.graphql:12: `; empty for a node that no file holds."""
    if node.loc is None:
        return ""
    return f"{node.loc.source.name}:{node.loc.start_token.line}: "


def locate_error(error: GraphQLError) -> LocatedSchemaError:
    """A mistake that graphql-core found, as ours, with every place that it is about."""
    place = ""
    if error.source is not None and error.locations:
        place = f"{error.source.name}:{error.locations[0].line}: "
    elif error.nodes:
        place = describe_place(error.nodes[0])
    others = [describe_place(node).rstrip(": ") for node in (error.nodes or ())[1:]]
    also = f" See also {', '.join(filter(None, others))}." if any(others) else ""
    return LocatedSchemaError(f"{place}{error.message}{also}")
