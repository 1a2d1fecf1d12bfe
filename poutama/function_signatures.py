"""Holds functions to the SDL: procedures and what makes `@computed` fields.

Called when a model and the procedures of its features are put together; what passes here cannot
fail when a request is converted. Reads types only, never values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import signature

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    Undefined,
)
from msgspec import inspect

from poutama.errors import SchemaError
from poutama.procedure import Procedure
from poutama.schema.model import Computed, Model
from poutama.schema.source_location import describe_place
from poutama.sql.computed import Compute

_SCALARS: Mapping[str, tuple[type, str]] = {
    "UUID": (inspect.UUIDType, "UUID"),
    "String": (inspect.StrType, "str"),
    "Int": (inspect.IntType, "int"),
    "Boolean": (inspect.BoolType, "bool"),
    "DateTime": (inspect.DateTimeType, "datetime"),
}


def check_procedures(model: Model, procedures: Mapping[str, Procedure]) -> None:
    """Hold every `@procedure` of the schema against the function of its name, and the reverse.

    Raises:
        SchemaError: one of them is missing, or their types differ; says where and what is expected.
    """
    type_ = model.schema.mutation_type
    named: dict[str, str] = {}
    for name, mutation in model.mutations.items():
        if mutation.procedure is None:
            continue
        assert type_ is not None
        field = type_.fields[name]
        place = describe_place(field.ast_node) if field.ast_node is not None else ""
        where = f"{place}Mutation.{name}"
        procedure = procedures.get(mutation.procedure)
        if procedure is None:
            raise SchemaError(f"{where}: no feature has a procedure {mutation.procedure}.")
        named[mutation.procedure] = name
        input = field.args["input"].type.of_type
        for mistake in _compare(input, procedure.input):
            raise SchemaError(f"{where}: {procedure.input.__name__}{mistake}")
        payload = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        for mistake in _compare(payload, procedure.payload):
            raise SchemaError(f"{where}: {procedure.payload.__name__}{mistake}")
    for unnamed in sorted(set(procedures) - set(named)):
        raise SchemaError(f"No @procedure of the schema names the procedure {unnamed}.")


def check_computed(model: Model, functions: Mapping[str, Compute | None]) -> None:
    """Hold every `@computed` field against the function of its name.

    Args:
        model: which fields there are.
        functions: by name; None for one whose parameters are checked elsewhere.

    Raises:
        SchemaError: the function is not found, or it takes another number of values.
    """
    for entity in model.entities.values():
        for field in entity.fields.values():
            if not isinstance(field, Computed):
                continue
            type_ = model.schema.type_map[entity.name]
            assert isinstance(type_, GraphQLObjectType)
            node = type_.fields[field.field].ast_node
            where = describe_place(node) if node is not None else ""
            where += f"{entity.name}.{field.field}"
            if field.function not in functions:
                raise SchemaError(f"{where}: no feature has a function {field.function}.")
            function = functions[field.function]
            if function is not None and not _takes_values(function, len(field.columns)):
                raise SchemaError(
                    f"{where}: {field.function} does not take {len(field.columns)} values,"
                    " one for each column."
                )


def _takes_values(function: Compute, count: int) -> bool:
    try:
        signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def _compare(
    type_: GraphQLInputObjectType | GraphQLObjectType, struct: type[msgspec.Struct]
) -> Iterator[str]:
    """What does not fit of a struct."""
    try:
        info = inspect.type_info(struct)
    except Exception as error:  # annotations are code, and may do anything
        yield f": its annotations cannot be read ({' '.join(str(error).split())})."
        return
    assert isinstance(info, inspect.StructType)
    if info.array_like or info.tag_field is not None:
        yield ": expected a struct without array_like and tag."
    there = {field.encode_name: field for field in info.fields}
    for name in type_.fields:
        if name not in there:
            yield f": expected a field for {type_.name}.{name}."
    for name, field in there.items():
        if name not in type_.fields:
            yield f".{field.name}: {type_.name} has no field {name}."
        else:
            yield from _compare_field(type_.fields[name], field)


def _compare_field(field: GraphQLInputField | GraphQLField, found: inspect.Field) -> Iterator[str]:
    where = f".{found.name}"
    if isinstance(field, GraphQLInputField) and found.required and not _is_always_there(field):
        yield f"{where}: expected a default, since {found.encode_name} may be left out."
    yield from _compare_type(where, field.type, found.type)


def _is_always_there(field: GraphQLInputField) -> bool:
    return isinstance(field.type, GraphQLNonNull) or field.default_value is not Undefined


def _compare_type(where: str, type_: object, found: inspect.Type) -> Iterator[str]:
    optional = not isinstance(type_, GraphQLNonNull)
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    options = found.types if isinstance(found, inspect.UnionType) else (found,)
    plain = [each for each in options if not isinstance(each, inspect.NoneType)]
    if optional and len(plain) == len(options):
        yield f"{where}: expected `| None`, since it may be null."
    if not optional and len(plain) < len(options):
        yield f"{where}: it is never null; leave out `| None`."
    if len(plain) != 1:
        yield f"{where}: expected one type besides None."
        return
    yield from _compare_plain(where, type_, plain[0])


def _compare_plain(where: str, type_: object, found: inspect.Type) -> Iterator[str]:
    match type_:
        case GraphQLList():
            if isinstance(found, inspect.ListType | inspect.VarTupleType):
                yield from _compare_bare(where, found, type(found)(found.item_type))
                yield from _compare_type(f"{where}[]", type_.of_type, found.item_type)
            else:
                yield f"{where}: expected a list or a tuple of any length."
        case GraphQLInputObjectType():
            if isinstance(found, inspect.StructType):
                yield from (where + mistake for mistake in _compare(type_, found.cls))
            else:
                yield f"{where}: expected a msgspec.Struct for {type_.name}."
        case _:
            yield from _compare_leaf(where, type_, found)


def _compare_leaf(where: str, type_: object, found: inspect.Type) -> Iterator[str]:
    match type_:
        case GraphQLEnumType():
            if not _takes(found, set(type_.values)):
                yield f"{where}: expected str, or an enum with the values of {type_.name}."
        case GraphQLObjectType():
            if not isinstance(found, inspect.UUIDType):
                yield f"{where}: expected UUID, the id of the {type_.name}."
        case GraphQLScalarType():
            if type_.name not in _SCALARS:
                yield f"{where}: the SDL has {type_.name}; expected one of {', '.join(_SCALARS)}."
                return
            kind, name = _SCALARS[type_.name]
            if type(found) is not kind:
                yield f"{where}: expected {name}."
            else:
                yield from _compare_bare(where, found, kind())


def _compare_bare(where: str, found: inspect.Type, bare: inspect.Type) -> Iterator[str]:
    """Refuse `msgspec.Meta`: a client would get an internal error where it does not hold."""
    if found != bare:
        yield f"{where}: leave out msgspec.Meta; the SDL says what holds for it."


def _takes(found: inspect.Type, values: set[str]) -> bool:
    """Whether a type takes exactly these words."""
    match found:
        case inspect.StrType():
            return found == inspect.StrType()
        case inspect.EnumType(cls):
            return {each.value for each in cls} == values
        case inspect.LiteralType(literals):
            return set(literals) == values
        case _:
            return False
