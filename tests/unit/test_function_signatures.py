"""A procedure whose types are not the SDL's is refused when features are put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from poutama.errors import ConfigurationError, SchemaError
from poutama.function_signatures import check_computed, check_procedures
from poutama.procedure import Procedure, ProcedureContext
from poutama.schema.load import build_model
from poutama.schema.source import Source
from tests.unit.schema.books import BOOKS, WORDS

SDL = """
extend type Mutation {
  lend(input: Lend!): Lent! @procedure(name: "lend") @permit(everyone: true)
}
input Lend { bookId: UUID! genre: Genre until: DateTime! times: Int! = 1 pages: [Leaf!] }
input Leaf { number: Int! note: String }
type Lent { book: Book! page: Page count: Int! genre: Genre! }
"""
PLACE = r"lend\.graphql:3: Mutation\.lend: "


class Genre(StrEnum):
    PROSE = "PROSE"
    VERSE = "VERSE"


class OtherGenre(StrEnum):
    PROSE = "PROSE"


class Leaf(msgspec.Struct):
    number: int
    note: str | None = None


class Lend(msgspec.Struct, rename="camel", kw_only=True):
    book_id: UUID
    genre: Genre | None = None
    until: datetime
    times: int
    pages: list[Leaf] | None = None


class Lent(msgspec.Struct):
    book: UUID
    page: UUID | None
    count: int
    genre: str


async def burn_book(context: ProcedureContext, input: Burn) -> Burnt:
    raise NotImplementedError


class Burn(msgspec.Struct, rename="camel", kw_only=True):
    book_id: UUID
    page_id: UUID | None = None
    genre: Literal["PROSE", "VERSE"]
    why: str | None = None
    times: int


class Burnt(msgspec.Struct):
    book: UUID
    page: UUID | None
    burnt: int


MODEL = build_model([Source("books.graphql", WORDS + BOOKS), Source("lend.graphql", SDL)])
BURN = Procedure.of(burn_book)


class Broken(msgspec.Struct):
    number: Nothing  # type: ignore[name-defined]  # noqa: F821


class Listed(Lend, array_like=True, kw_only=True):
    pass


class Tagged(Lend, tag=True, kw_only=True):
    pass


def meta(type_: Any, **bounds: Any) -> Any:
    return Annotated[type_, msgspec.Meta(**bounds)]


def lend(input: type[msgspec.Struct] = Lend, payload: type[msgspec.Struct] = Lent) -> Procedure:
    async def function(context: ProcedureContext, input: Any) -> Any:
        raise NotImplementedError

    return Procedure("lend", function, input, payload)


def changed(struct: type[msgspec.Struct], **fields: Any) -> type[msgspec.Struct]:
    """The struct with other types for some fields; None leaves a field out."""
    found = {field.name: (field.type, field.default) for field in msgspec.structs.fields(struct)}
    for name, type_ in fields.items():
        found[name] = type_ if isinstance(type_, tuple) else (type_, msgspec.NODEFAULT)
    listed: list[Any] = [
        (name, type_) if default is msgspec.NODEFAULT else (name, type_, default)
        for name, (type_, default) in found.items()
        if type_ is not None
    ]
    return msgspec.defstruct(struct.__name__, listed, rename="camel", kw_only=True)


def check(*procedures: Procedure) -> None:
    check_procedures(MODEL, {each.name: each for each in (*procedures, BURN)})


def test_types_that_fit_pass() -> None:
    check(lend())
    check(lend(changed(Lend, genre=(Literal["VERSE", "PROSE"] | None, None))))
    check(lend(changed(Lend, pages=(tuple[Leaf, ...] | None, None), genre=(str | None, None))))


@pytest.mark.parametrize(
    ("input", "message"),
    [
        (changed(Lend, times=None), "Lend: expected a field for Lend.times."),
        (changed(Lend, more=int), r"Lend\.more: Lend has no field more\."),
        (changed(Lend, book_id=str), r"Lend\.book_id: expected UUID\."),
        (changed(Lend, until=str), r"Lend\.until: expected datetime\."),
        (changed(Lend, times=bool), r"Lend\.times: expected int\."),
        (changed(Lend, times=int | None), r"Lend\.times: it is never null"),
        (changed(Lend, genre=Genre | None), r"Lend\.genre: expected a default, since genre may"),
        (changed(Lend, genre=(Genre, Genre.PROSE)), r"Lend\.genre: expected `\| None`"),
        (changed(Lend, genre=(OtherGenre | None, None)), r"Lend\.genre: expected str, or an enum"),
        (changed(Lend, genre=(Literal["PROSE"] | None, None)), r"Lend\.genre: expected str, or an"),
        (changed(Lend, pages=(Leaf | None, None)), r"Lend\.pages: expected a list or a tuple"),
        (changed(Lend, pages=(list[str] | None, None)), r"Lend\.pages\[\]: expected a msgspec"),
        (
            changed(Lend, pages=(list[changed(Leaf, number=str)] | None, None)),  # type: ignore[misc]
            r"Lend\.pages\[\]\.number: expected int\.",
        ),
        (Broken, r"Broken: its annotations cannot be read \(name 'Nothing' is not defined\)\."),
        (Listed, "Listed: expected a struct without array_like and tag"),
        (Tagged, "Tagged: expected a struct without array_like and tag"),
        (changed(Lend, times=meta(int, ge=5)), r"Lend\.times: leave out msgspec\.Meta"),
        (changed(Lend, until=meta(datetime, tz=True)), r"Lend\.until: leave out msgspec\.Meta"),
        (
            changed(Lend, genre=(meta(str, max_length=2) | None, None)),
            r"Lend\.genre: expected str, or an enum",
        ),
        (
            changed(Lend, pages=(meta(list[Leaf], max_length=1) | None, None)),
            r"Lend\.pages: leave out msgspec\.Meta",
        ),
        (changed(Lend, times=int | str), r"Lend\.times: expected one type besides None"),
    ],
)
def test_an_input_that_does_not_fit_is_named(input: type[msgspec.Struct], message: str) -> None:
    with pytest.raises(SchemaError, match=PLACE + message):
        check(lend(input))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (changed(Lent, count=None), "Lent: expected a field for Lent.count."),
        (changed(Lent, book=str), r"Lent\.book: expected UUID, the id of the Book\."),
        (changed(Lent, page=UUID), r"Lent\.page: expected `\| None`, since it may be null\."),
        (changed(Lent, count=str), r"Lent\.count: expected int\."),
    ],
)
def test_a_payload_that_does_not_fit_is_named(payload: type[msgspec.Struct], message: str) -> None:
    with pytest.raises(SchemaError, match=PLACE + message):
        check(lend(Lend, payload))


def test_a_procedure_that_no_feature_has_is_named() -> None:
    with pytest.raises(SchemaError, match=PLACE + "no feature has a procedure lend"):
        check()


def test_a_procedure_that_nothing_names_is_named() -> None:
    with pytest.raises(SchemaError, match="No @procedure of the schema names the procedure other"):
        check(lend(), Procedure("other", lend().function, Lend, Lent))


async def _two(context: ProcedureContext, input: Lend, more: int) -> Lent:
    raise NotImplementedError


def _plain(context: ProcedureContext, input: Lend) -> Lent:
    raise NotImplementedError


async def _untyped(context: ProcedureContext, input: dict[str, object]) -> Lent:
    raise NotImplementedError


async def _unreturned(context: ProcedureContext, input: Lend) -> None:
    raise NotImplementedError


async def _absent(context: ProcedureContext, input: msgspec.Nothing) -> Lent:  # type: ignore[name-defined]
    raise NotImplementedError


async def _by_name(context: ProcedureContext, *, input: Lend) -> Lent:
    raise NotImplementedError


async def _unknown(context: ProcedureContext, input: Lendd) -> Lent:  # type: ignore[name-defined]  # noqa: F821
    raise NotImplementedError


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_two, "it is not an `async def` with two parameters"),
        (_plain, "it is not an `async def` with two parameters"),
        (_untyped, r"its second parameter is not annotated with a msgspec\.Struct"),
        (_unreturned, r"its result is not annotated with a msgspec\.Struct"),
        (_by_name, "it is not an `async def` with two parameters"),
        (
            _absent,
            r"its annotations cannot be read \(module 'msgspec' has no attribute 'Nothing'\)",
        ),
        (_unknown, r"its annotations cannot be read \(name 'Lendd' is not defined\)"),
    ],
)
def test_a_wrong_signature_is_named_with_its_place(
    function: Callable[..., Awaitable[Any]], message: str
) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"test_function_signatures\.py:\d+: procedure _.*{message}"
    ):
        Procedure.of(function)


COMPUTED = 'extend type Page { link: String @computed(name: "link", columns: ["id", "text"]) }'


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({}, r"link\.graphql:1: Page\.link: no feature has a function link\."),
        (
            {"link": lambda one: one},
            r"Page\.link: link does not take 2 values, one for each column",
        ),
    ],
)
def test_a_computed_field_needs_its_function(functions: dict[str, Any], message: str) -> None:
    model = build_model([Source("b.graphql", WORDS + BOOKS), Source("link.graphql", COMPUTED)])
    check_computed(model, {"link": None})
    check_computed(model, {"link": lambda one, two: one})
    with pytest.raises(SchemaError, match=message):
        check_computed(model, functions)


@pytest.mark.parametrize(
    "thing", ["lend", None, partial(_two), Lend], ids=("text", "none", "partial", "class")
)
def test_what_is_not_a_function_is_named(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match="it is not an `async def` with two parameters"):
        Procedure.of(thing)


@pytest.mark.parametrize("scalar", ["Float", "ID", "Long"])
def test_a_scalar_that_procedures_do_not_take_is_named(scalar: str) -> None:
    sdl = f"{SDL.replace('times: Int! = 1', f'times: {scalar}!')}\nscalar Long"
    model = build_model([Source("books.graphql", WORDS + BOOKS), Source("lend.graphql", sdl)])
    message = rf"Lend\.times: the SDL has {scalar}; expected one of UUID, String, Int"

    with pytest.raises(SchemaError, match=PLACE + message):
        check_procedures(model, {"lend": lend(), "burn_book": BURN})
