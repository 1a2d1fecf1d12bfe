"""Directives whose arguments are not of their types, and names of types that are not there."""

from __future__ import annotations

import pytest

from poutama.errors import SchemaError
from poutama.schema.load import build_model
from poutama.schema.source import Source
from tests.unit.schema.books import BOOKS, WORDS


def complaint(text: str) -> str:
    sources = [Source("books.graphql", WORDS + BOOKS), Source("shelf.graphql", text)]
    with pytest.raises(SchemaError) as caught:
        build_model(sources)
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("directives", "message"),
    [
        ('@permit(everyone: "false")', '@permit(everyone:): expected Boolean, got "false"'),
        ("@permit(everyone: null)", "@permit(everyone:): expected Boolean, got null"),
        ('@permit(input: 3, type: "Book", as: SEE)', "@permit(input:): expected String, got 3"),
        (
            '@permit(input: "bookId", type: "Book", as: READ)',
            "@permit(as:): expected Access, got READ",
        ),
        (
            '@permit(input: "bookId", type: "Book", person: "reader_id", to: SELF)',
            "@permit(to:): expected [Relationship!], got SELF",
        ),
        (
            '@permit(input: "bookId", type: "Book", as: SEE, row: [{field: "genre", in: "PROSE"}])',
            '@permit(row:): expected [RowIs!], got [{ field: "genre", in: "PROSE" }]',
        ),
        (
            '@permit(input: "bookId", type: "Book", as: SEE, row: [{in: ["PROSE"]}])',
            '@permit(row:): expected [RowIs!], got [{ in: ["PROSE"] }]',
        ),
        (
            '@permit(input: "bookId", type: "Book", as: SEE, given: [{is: "genre", in: []}])',
            '@permit(given:): expected [InputIs!], got [{ is: "genre", in: [] }]',
        ),
        ("@procedure(name: {a: 1})", "@procedure(name:): expected String!, got { a: 1 }"),
    ],
)
def test_an_argument_of_another_type_is_named_with_its_place(directives: str, message: str) -> None:
    text = (
        'extend type Mutation { lend(input: Lend!): Lent! @procedure(name: "lend")\n'
        f"  {directives} }}\n"
        "input Lend { bookId: UUID! }\n"
        "type Lent { book: Book! }\n"
    )
    if "@procedure" in directives:
        text = text.replace('@procedure(name: "lend")\n', "\n")

    assert complaint(text) == f"shelf.graphql:2: {message}."


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("@length(max: null)", "@length(max:): expected Int!, got null"),
        ('@length(min: "1", max: 2)', '@length(min:): expected Int, got "1"'),
        ('@pattern(regex: "a", expected: 1)', "@pattern(expected:): expected String!, got 1"),
    ],
)
def test_so_is_one_of_an_input(rule: str, message: str) -> None:
    assert complaint(f"input Lend {{\n  note: String {rule}\n}}") == f"shelf.graphql:2: {message}."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extend type Book {\n  shelf: Shelf }", "shelf.graphql:2: "),
        ("\ninput Lend { book: Shelf }", "shelf.graphql:2: Unknown type 'Shelf'."),
        ("\nextend type Shelf { name: String }", "shelf.graphql:2: expected a type"),
        ("\ndirective @search on FIELD_DEFINITION", "only one directive named '@search'"),
        (
            'extend type Query {\n  more: [Book!]! @rows(own: "reader_id", own: "id") }',
            "shelf.graphql:2: There can be only one argument named 'own'",
        ),
    ],
)
def test_what_is_not_there_or_there_twice_is_named_with_its_place(text: str, message: str) -> None:
    assert message in complaint(text)


@pytest.mark.parametrize(
    "text",
    [
        "schema { query: Book }",
        "extend schema { subscription: Book }",
        "extend input AddBook { more: String }",
        "extend type BookPayload { more: Book }",
        "extend enum Genre { DRAMA }",
        "extend scalar UUID @deprecated",
        "interface Node { id: UUID! }",
        "type Shelf implements Node { id: UUID! }",
        "union Any = Book | Page",
        "type Subscription { book: Book }",
        "directive @shelved on OBJECT",
        "query { books { id } }",
    ],
)
def test_a_definition_without_effect_is_refused_with_its_place(text: str) -> None:
    assert complaint(f"\n{text}").startswith("shelf.graphql:2: expected a type, input, enum or")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (
            "extend type Query {\n  more(title: String): [Book!]! @rows }",
            "Query.more(title:): it has no effect here without @where.",
        ),
        (
            "extend type Query {\n  me(id: UUID): Reader! @viewer }",
            "Query.me(id:): it has no effect here.",
        ),
        (
            "extend type Book {\n  more(upper: Boolean): String }",
            "Book.more(upper:): it has no effect here.",
        ),
        (
            "extend type Mutation {\n  more(input: AddBook!): [BookPayload!]! @insert(type: "
            '"Book") }',
            "Mutation.more: it returns one payload, not a list.",
        ),
    ],
)
def test_a_field_that_promises_what_it_does_not_do_is_refused(field: str, message: str) -> None:
    assert complaint(field) == f"shelf.graphql:2: {message}"


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("title: String! @length(min: 1, max: 9)", "title: Int!", "AddBook.title: expected String"),
        (
            "title: String! @length(min: 1, max: 9)",
            "title: [String!]!",
            "AddBook.title: expected String",
        ),
        ("bookId: UUID!", "bookId: String!", "AddPage.bookId: expected UUID"),
        (
            "expectedVersion: Int",
            "expectedVersion: String",
            "ChangePage.expectedVersion: expected Int",
        ),
        (
            "type BookPayload { book: Book! }",
            "type BookPayload { book: Page! }",
            "BookPayload.book: the payload of a write holds Book and ids, not Page.",
        ),
    ],
)
def test_a_write_takes_and_returns_what_its_table_holds(
    right: str, wrong: str, message: str
) -> None:
    assert right in BOOKS
    with pytest.raises(SchemaError, match=r"^books\.graphql:\d+: ") as caught:
        build_model([Source("books.graphql", WORDS + BOOKS.replace(right, wrong, 1))])
    assert message in caught.value.message
