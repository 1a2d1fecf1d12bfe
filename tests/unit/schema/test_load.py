"""What the schema files say becomes the model; every mistake in them is found when they load."""

from __future__ import annotations

from importlib.resources import files

import pytest
from graphql import GraphQLInputObjectType

from poutama.errors import SchemaError
from poutama.features import load_model
from poutama.schema.load import build_model
from poutama.schema.model import (
    Action,
    Audience,
    Column,
    InputChildren,
    InputColumn,
    InputKey,
    InputParent,
    InputVersion,
    Kind,
    Scope,
    Shape,
    Standing,
    Through,
)
from poutama.schema.source import Source

SCHEMA = files("poutama.schema")
WORDS = (
    SCHEMA.joinpath("mapping.graphql").read_text() + SCHEMA.joinpath("filters.graphql").read_text()
)
BOOKS = """
type Query {
  books(bookId: UUID @where(field: "id")): [Book!]! @rows
  pages: PageConnection! @rows
  owner: Reader @viewer
}
type Reader @table(name: "reader", order: ["NAME_ASC"]) @visible(person: "id", to: [SELF]) {
  id: UUID!
  name: String! @search
}
enum Genre { PROSE VERSE }
type Book
  @table(name: "book", owner: "reader_id")
  @visible(person: "reader_id", to: [SELF, MENTOR])
  @visible(organisation: "library_id", to: [ADMIN])
  @change(actions: [INSERT], person: "reader_id", to: [SELF])
  @audited(person: "reader_id") {
  id: UUID!
  title: String! @search @column(name: "book_title")
  genre: Genre
  price: Int @restricted(person: "reader_id", to: [SELF])
  reader: Reader! @one(key: "reader_id")
  pages: [Page!]! @many(key: "book_id")
  createdAt: DateTime!
}
type Page
  @table(name: "page", order: ["NUMBER_DESC"])
  @visible(through: "book")
  @change(actions: [INSERT, UPDATE, DELETE], through: "book", to: [SELF]) {
  id: UUID!
  text: String!
  number: Int! @sequence(within: "book_id")
  book: Book @one(key: "book_id")
  version: Int!
}
type Mutation {
  addBook(input: AddBook!): BookPayload! @insert(type: "Book")
  addPage(input: AddPage!): PagePayload! @insert(type: "Page")
  changePage(input: ChangePage!): PagePayload! @update(type: "Page")
  tearPage(input: TearPage!): TearPayload! @delete(type: "Page")
  burn(input: TearPage!): BookPayload! @procedure(name: "burn_book")
}
input AddBook { title: String! @length(min: 1, max: 9) pages: [NewPage!] }
input NewPage { text: String! }
input AddPage { bookId: UUID! text: String! }
input ChangePage { pageId: UUID! @key text: String expectedVersion: Int }
input TearPage { pageId: UUID! @key }
type BookPayload { book: Book! }
type PagePayload { page: Page! }
type TearPayload { tornPageId: UUID! }
"""


def test_the_schema_as_it_stands_loads_once() -> None:
    assert load_model() is load_model()
    assert set(load_model().entities) >= {"Person", "Goal", "GoalTask", "GoalNote"}


def test_fields_are_columns_or_relations() -> None:
    book = build_model([Source("test.graphql", WORDS + BOOKS)]).entities["Book"]
    assert book.table == "book"
    assert book.column("title") == Column("title", "book_title", Kind.TEXT, False, searchable=True)
    assert book.column("genre") == Column("genre", "genre", Kind.ENUM, nullable=True)
    assert book.relation("reader").shape is Shape.ONE
    assert not book.relation("reader").nullable
    assert book.relation("pages").shape is Shape.LIST
    with pytest.raises(KeyError):
        book.column("pages")
    with pytest.raises(KeyError):
        book.relation("title")


def test_rules_orders_and_sequences_come_from_the_directives() -> None:
    model = build_model([Source("test.graphql", WORDS + BOOKS)])
    book, page = model.entities["Book"], model.entities["Page"]
    assert book.rule.alternatives == (
        Audience(Scope.PERSON, "reader_id", (Standing.SELF, Standing.MENTOR)),
        Audience(Scope.ORGANISATION, "library_id", (Standing.ADMIN,)),
    )
    assert book.rule.through is None
    assert page.rule.through == page.relation("book")
    assert page.changes[Action.UPDATE].alternatives == (
        Through(page.relation("book"), (Standing.SELF,)),
    )
    assert set(book.changes) == {Action.INSERT}
    assert (book.owner, book.subject, page.subject) == ("reader_id", "reader_id", None)
    assert page.relation("book").nullable
    assert [(term.column.field, term.descending) for term in page.order] == [("number", True)]
    assert [(term.column.field, term.descending) for term in book.order] == [("createdAt", False)]
    assert page.column("number").sequence == "book_id"


def test_what_can_be_sorted_is_what_has_an_order() -> None:
    orders = build_model([Source("test.graphql", WORDS + BOOKS)]).orders
    assert set(orders["PageOrder"]) == {"NUMBER_ASC", "NUMBER_DESC", "VERSION_ASC", "VERSION_DESC"}
    assert {name.rpartition("_")[0] for name in orders["BookOrder"]} == {
        "TITLE",
        "GENRE",
        "CREATED_AT",
    }


def test_a_restricted_column_is_neither_filtered_nor_sorted_by() -> None:
    model = build_model([Source("test.graphql", WORDS + BOOKS)])
    assert model.entities["Book"].column("price").restricted is not None
    assert not any(name.startswith("PRICE") for name in model.orders["BookOrder"])
    filters = model.schema.type_map["BookFilter"]
    assert isinstance(filters, GraphQLInputObjectType)
    assert "price" not in filters.fields


def test_roots_are_lists_pages_or_the_viewer() -> None:
    roots = build_model([Source("test.graphql", WORDS + BOOKS)]).roots
    assert roots["books"].arguments["bookId"].field == "id"
    assert roots["pages"].shape is Shape.CONNECTION
    assert roots["owner"].viewer
    assert roots["owner"].nullable
    assert all(root.key is None for root in roots.values())


def test_mutations_know_what_each_input_field_is_for() -> None:
    mutations = build_model([Source("test.graphql", WORDS + BOOKS)]).mutations
    assert mutations["addBook"].action is Action.INSERT
    title, pages = mutations["addBook"].inputs["title"], mutations["addBook"].inputs["pages"]
    assert isinstance(title, InputColumn)
    assert (title.text.minimum, title.text.maximum) == (1, 9)
    assert isinstance(pages, InputChildren)
    assert set(pages.fields) == {"text"}
    assert isinstance(mutations["addPage"].inputs["bookId"], InputParent)
    change = mutations["changePage"]
    assert isinstance(change.inputs["pageId"], InputKey)
    assert isinstance(change.inputs["expectedVersion"], InputVersion)
    assert mutations["burn"].procedure == "burn_book"
    assert mutations["burn"].entity is None


def test_the_public_schema_has_no_mapping_in_it() -> None:
    model = build_model([Source("test.graphql", WORDS + BOOKS)])
    assert {d.name for d in model.schema.directives} == {
        "include", "skip", "deprecated", "specifiedBy", "oneOf",
    }  # fmt: skip
    assert set(model.schema.type_map) >= {
        "BookConnection", "BookEdge", "BookFilter", "BookListFilter", "BookOrder", "GenreFilter",
    }  # fmt: skip


MISTAKES = {
    "not GraphQL": ("type Query {", "type Query {{", "Syntax Error"),
    "a type that is not there": (
        "title: String! @length", "title: Strin! @length", "Unknown type: 'Strin'",
    ),
    "a misspelt directive": ("text: String!", "text: String! @serch", "Unknown directive '@serch'"),
    "a misspelt argument": ('@visible(person: "id"', '@visible(preson: "id"', "'preson'"),
    "a missing argument": ('@table(name: "book", owner', "@table(owner", "'@table(name:)'"),
    "a type twice": ("enum Genre", "type Book { a: Int }\nenum Genre", "one type named 'Book'"),
    "a generated type": ("enum Genre", "type BookEdge { a: Int }\nenum Genre", "'BookEdge'"),
    "no query": ("type Query", "type Quarry", "Query root type must be provided"),
    "an order without a field": ("NUMBER_DESC", "NOMBER_DESC", "Page: @table(order:) names NOMBER"),
    "no default order": ("createdAt: DateTime!", "", "Book: @table(order:) names CREATED_AT_ASC"),
    "no id": ("id: UUID!\n  text", "text", "Page: a type with a table needs a field `id: UUID!`"),
    "an id that may be null": ("id: UUID!\n  text", "id: UUID\n  text", "Page: a type with a"),
    "an id of another type": ("id: UUID!\n  text", "id: String!\n  text", "Page: a type with a"),
    "no rule": ('@visible(through: "book")', "", "Page: say who may see its rows with @visible"),
    "an empty rule": ('@visible(through: "book")', "@visible", "Page: @visible takes one of"),
    "two rules": (
        '@visible(through: "book")', '@visible(through: "book", person: "id")',
        "Page: @visible takes one of person, group, organisation and through",
    ),
    "a rule for nobody": (
        '@visible(person: "id", to: [SELF])', '@visible(person: "id")', "Reader: @visible: `to`",
    ),
    "a standing of another scope": (
        'organisation: "library_id", to: [ADMIN]', 'organisation: "library_id", to: [SELF]',
        "Book: @visible: `to` takes some of ADMIN, MANAGER, MEMBER",
    ),
    "a restricted field that cannot be null": (
        "price: Int @r", "price: Int! @r", "Book.price: a restricted field must be nullable",
    ),
    "a restricted field that can be searched": (
        "price: Int @r", "price: String @search @r", "Book.price: a restricted field cannot be",
    ),
    "a change that is nobody's": (
        '@insert(type: "Book")', '@delete(type: "Book")', "Book has no @change that lets anybody",
    ),
    "one row that must be there": (
        "owner: Reader @viewer", 'owner(id: UUID @where(field: "id")): Reader! @row',
        "Query.owner: it may find nothing",
    ),
    "one row that is not named": (
        "owner: Reader @viewer", "owner: Reader @row", "owner: @row needs",
    ),
    "a standing that is none": (
        '@visible(through: "book")', '@visible(through: "book", to: [FRIEND])',
        "no standing FRIEND",
    ),
    "a rule through a column": (
        '@visible(through: "book")', '@visible(through: "text")', "Page: @visible(through: 'text')",
    ),
    "a rule through a list": (
        '@visible(person: "reader_id", to: [SELF, MENTOR])', '@visible(through: "pages")',
        "Book: @visible(through: 'pages') is not one of its @one fields",
    ),
    "rules in a circle": (
        '@audited(person: "reader_id") {',
        '@visible(through: "best") { best: Page @one(key: "b")',
        "leads in a circle, Book -> Page -> Book",
    ),
    "one row of a type without a table": (
        "reader: Reader! @one", "reader: Genre! @one", "Book.reader: @one leads to Genre",
    ),
    "rows of a type without a table": (
        "pages: [Page!]! @many", "pages: [Genre!]! @many", "Book.pages: its rows would be Genre",
    ),
    "a list that is none": ("pages: [Page!]! @many", "pages: Page! @many", "expected [Page!]! or"),
    "a relation that does not say so": (
        'reader: Reader! @one(key: "reader_id")', "reader: Reader!",
        "Book.reader: Reader is no column",
    ),
    "a misspelt type": ("genre: Genre", "genre: Jenre", "Book.genre: Jenre is no column"),
    "a column of an unknown kind": ("genre: Genre", "genre: Float", "Book.genre: Float is no"),
    "a column that is a list": ("genre: Genre", "genre: [Genre!]", "Book.genre: a column cannot"),
    "a root that says nothing": ("PageConnection! @rows", "PageConnection!", "Query.pages: say"),
    "a viewer without a table": ("owner: Reader", "owner: Genre", "Query.owner: Genre has no"),
    "an argument without a column": (
        '@where(field: "id")', '@where(field: "pages")', "Query.books: @where names pages",
    ),
    "a mutation that says nothing": (
        ' @insert(type: "Book")', "", "Mutation.addBook: say @insert, @update, @delete or",
    ),
    "a mutation of no table": ('@insert(type: "Book")', '@insert(type: "Genre")', "addBook: Genre"),
    "a mutation without input": ("addBook(input: AddBook!)", "addBook", "addBook: takes one"),
    "an input that is none": ("addBook(input: AddBook!)", "addBook(input: UUID)", "addBook: takes"),
    "a payload that is none": ("): BookPayload! @i", "): Int! @i", "payload Int is not defined"),
    "a payload of something else": (
        "{ tornPageId: UUID! }", "{ torn: Boolean! }", "TearPayload.torn: a payload holds rows and",
    ),
    "an update without a key": ("pageId: UUID! @key text", "text", "ChangePage: an update or"),
    "an insert with a key": ("{ bookId: UUID!", "{ id: UUID! @key bookId: UUID!", "an insert none"),
    "an input that leads nowhere": ("{ bookId: UUID!", "{ bookIt: UUID!", "AddPage.bookIt: Page"),
    "a child that leads nowhere": ("{ text: String! }", "{ txt: String! }", "NewPage.txt: Page"),
    "a rule about what no input names": (
        "{ bookId: UUID!", "{ number: Int", "addPage: a rule of Page asks about book_id, which no",
    ),
    "a rule about what may be left out": (
        "{ bookId: UUID!", "{ bookId: UUID", "addPage: inputs may be left out so that no rule",
    ),
    "a rule about another than the owner": (
        '[INSERT], person: "reader_id", to: [SELF]',
        '[INSERT], organisation: "library_id", to: [ADMIN]',
        "addBook: a rule of Book asks about library_id",
    ),
    "children that their parent's owner may not add": (
        'DELETE], through: "book", to: [SELF]', 'DELETE], through: "book", to: [MENTOR]',
        "addBook: no rule of Page lets an owner add it to Book",
    ),
    "children that are no rows": ("[NewPage!]", "[String!]", "AddBook.pages: Book has no such"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake: str) -> None:
    wrong, instead, message = MISTAKES[mistake]
    assert BOOKS.count(wrong) >= 1
    with pytest.raises(SchemaError) as caught:
        build_model([Source("test.graphql", WORDS + BOOKS.replace(wrong, instead, 1))])
    assert message in str(caught.value)
