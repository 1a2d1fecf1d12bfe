"""The page docs/schema.md: queries, mutations and types of the public schema, with descriptions.

Called by `commands.pages` with the public SDL. What is derived for every list (connections,
filters, orders) is described once, in docs/graphql.md, and left out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    get_named_type,
    is_specified_scalar_type,
)

OPENING = """\
# The schema

Queries, mutations and types, with their descriptions. Every list also takes `first`, `after`,
`filter` and `orderBy`, and has a twin that ends in `Connection`; these, and the types that belong
to them, are described in [graphql.md](graphql.md) and left out here. The whole schema is
[schema.graphql](schema.graphql); GraphiQL shows it at `/graphiql`. Who may see and change what:
[permissions.md](permissions.md).

This page is generated from the schema: `make docs`.
"""
_DERIVED_TYPE = re.compile(r"(Connection|Edge|Filter|Order)$|^PageInfo$")
_LIST_ARGUMENTS = frozenset({"first", "after", "filter", "orderBy"})


def render_schema_page(sdl: str) -> str:
    """The text of `docs/schema.md`."""
    schema = build_schema(sdl)
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    roots = {schema.query_type.name, schema.mutation_type.name}
    types = [
        each
        for name, each in sorted(schema.type_map.items())
        if not name.startswith("__") and name not in roots and not _DERIVED_TYPE.search(name)
    ]
    parts = [
        OPENING,
        "\n## Queries\n\n",
        *_fields(schema.query_type.fields),
        "\n## Mutations\n\n",
        *_fields(schema.mutation_type.fields),
        "\n## Types\n",
        *(part for each in types if isinstance(each, GraphQLObjectType) for part in _object(each)),
        "\n## Inputs\n",
        *(part for e in types if isinstance(e, GraphQLInputObjectType) for part in _object(e)),
        "\n## Enumerations\n",
        *(part for each in types if isinstance(each, GraphQLEnumType) for part in _enum(each)),
        "\n## Scalars\n\n",
        *_scalars(types),
    ]
    return "".join(parts)


def _object(type_: GraphQLObjectType | GraphQLInputObjectType) -> Iterator[str]:
    yield from _heading(type_)
    yield from _fields(type_.fields)


def _heading(type_: GraphQLNamedType) -> Iterator[str]:
    yield f"\n### {type_.name}\n\n"
    if type_.description:
        yield f"{type_.description}\n\n"


def _fields(fields: dict[str, GraphQLField] | dict[str, GraphQLInputField]) -> Iterator[str]:
    yield "| field | type | |\n|---|---|---|\n"
    for name, field in fields.items():
        if _DERIVED_TYPE.search(get_named_type(field.type).name) and name.endswith("Connection"):
            continue
        arguments = _arguments(field.args) if isinstance(field, GraphQLField) else ""
        yield f"| `{name}{arguments}` | `{field.type}` | {_cell(field.description)} |\n"


def _arguments(arguments: dict[str, GraphQLArgument]) -> str:
    shown = [
        f"{name}: {each.type}" for name, each in arguments.items() if name not in _LIST_ARGUMENTS
    ]
    return f"({', '.join(shown)})" if shown else ""


def _enum(type_: GraphQLEnumType) -> Iterator[str]:
    yield from _heading(type_)
    yield "| value | |\n|---|---|\n"
    for name, value in type_.values.items():
        yield f"| `{name}` | {_cell(value.description)} |\n"


def _scalars(types: Iterable[GraphQLNamedType]) -> Iterator[str]:
    yield "| scalar | |\n|---|---|\n"
    for each in types:
        if isinstance(each, GraphQLScalarType) and not is_specified_scalar_type(each):
            yield f"| `{each.name}` | {_cell(each.description)} |\n"


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("|", "\\|").split())
