"""A small schema about books, and every mistake that its author could make."""

from __future__ import annotations

from importlib.resources import files

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
type Reader
  @table(name: "reader", order: ["NAME_ASC"])
  @visible(person: "id", to: [SELF])
  @audited(person: "id") {
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
  @change(actions: [INSERT, UPDATE, DELETE], through: "book", to: [SELF])
  @audited(partOf: "book") {
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
  burn(input: Burn!): BurnPayload!
    @procedure(name: "burn_book")
    @permit(input: "bookId", type: "Book", person: "reader_id", to: [SELF])
    @permit(
      input: "pageId"
      type: "Page"
      as: UPDATE
      given: [{input: "genre", in: ["VERSE"]}]
    )
    @permit(input: "bookId", type: "Book", as: SEE, row: [{field: "genre", in: ["PROSE"]}])
}
input AddBook { title: String! @length(min: 1, max: 9) pages: [NewPage!] }
input NewPage { text: String! }
input AddPage { bookId: UUID! text: String! }
input ChangePage { pageId: UUID! @key text: String expectedVersion: Int }
input TearPage { pageId: UUID! @key }
input Burn {
  bookId: UUID! pageId: UUID genre: Genre!
  why: String @length(max: 5) times: Int! = 1 @range(min: 1)
}
type BookPayload { book: Book! }
type PagePayload { page: Page! }
type TearPayload { tornPageId: UUID! }
type TearErrorPayload { error: UUID! }
type BurnPayload { book: Book! page: Page burnt: Int! }
"""

PERMITS = BOOKS[BOOKS.index("    @permit") : BOOKS.index("\n}\ninput AddBook")]
MISTAKES = {
    "a person's data without an audit": (
        '@visible(person: "id", to: [SELF])\n  @audited(person: "id")',
        '@visible(person: "id", to: [SELF])',
        "Reader: its rows belong to a person: say whose data they are with @audited",
    ),
    "a part of a person's data without an audit": (
        '\n  @audited(partOf: "book")', "", "Page: its rows belong to a person",
    ),
    "an audit that records less for no reason": (
        '@audited(person: "reader_id")', '@audited(person: "reader_id", reads: SHOWN)',
        "Book: @audited takes a reason exactly where some reads leave no entry",
    ),
    "a person of whom the audit says nothing": (
        'price: Int @restricted(person: "reader_id"', 'price: Int @restricted(person: "lender_id"',
        "Book: its column 'lender_id' names a person: say with @audited(also:)",
    ),
    "a person whom the audit names twice": (
        '@audited(person: "reader_id")', '@audited(person: "reader_id", also: ["reader_id"])',
        "Book: @audited(also: 'reader_id') is named by `person` or `by` already",
    ),
    "a part with a person of its own": (
        '@audited(partOf: "book")', '@audited(partOf: "book", also: ["lender_id"])',
        "Page: @audited(also:) stands beside person",
    ),
    "an audit without a person": (
        '@audited(person: "reader_id")',
        "@audited",
        "Book: @audited: expected one of person, through",
    ),
    "an audit that leads nowhere": (
        '@audited(partOf: "book")', '@audited(partOf: "text")',
        "Page: @audited(partOf: 'text') is not one of its @one fields",
    ),
    "an audit that leads to a type without one": (
        '@audited(person: "reader_id")', '@audited(reads: NONE, reason: "Books are known.")',
        "Page: @audited leads to Book, whose @audited names no person",
    ),
    "not GraphQL": ("type Query {", "type Query {{", "Syntax Error"),
    "a type that is not there": (
        "title: String! @length(min: 1, max: 9)", "title: Strin!", "AddBook.title: expected String",
    ),
    "a misspelt directive": ("text: String!", "text: String! @serch", "Unknown directive '@serch'"),
    "a misspelt argument": ('@visible(person: "id"', '@visible(preson: "id"', "'preson'"),
    "a missing argument": ('@table(name: "book", owner', "@table(owner", "'@table(name:)'"),
    "a table called as a part of a statement": (
        '@table(name: "page"', '@table(name: "store"', "Page: @table(name:): expected",
    ),
    "a table called as a level of a statement": (
        '@table(name: "page"', '@table(name: "page_1"', "Page: @table(name:): expected",
    ),
    "a table whose name needs quotes": (
        '@table(name: "page"', '@table(name: "Page"', "Page: @table(name:): expected",
    ),
    "a type twice": ("enum Genre", "type Book { a: Int }\nenum Genre", "one type named 'Book'"),
    "a generated type": ("enum Genre", "type BookEdge { a: Int }\nenum Genre", "'BookEdge'"),
    "a quota without a limit": (
        '@visible(through: "book")',
        '@visible(through: "book") @quota(within: "book_id", what: "a", advice: "b")',
        "Page: @quota takes one of setting and limit",
    ),
    "a quota with a setting that is not there": (
        '@visible(through: "book")',
        '@visible(through: "book")'
        ' @quota(within: "book_id", what: "a", advice: "b", setting: "max_pages")',
        "Page: @quota(setting: 'max_pages') is not a setting with a whole number",
    ),
    "a quota with a setting that is not a whole number": (
        '@visible(through: "book")',
        '@visible(through: "book")'
        ' @quota(within: "book_id", what: "a", advice: "b", setting: "home")',
        "Page: @quota(setting: 'home') is not a setting with a whole number",
    ),
    "a quota without advice": (
        '@visible(through: "book")',
        '@visible(through: "book") @quota(within: "book_id", what: "a", limit: 5)',
        "Page: @quota: say with advice what to do",
    ),
    "a quota of a day without a date": (
        '@visible(through: "book")',
        '@visible(through: "book") @quota(within: "book_id", what: "a", limit: 5, hours: 24)',
        "Page: @quota(hours:) needs a field createdAt",
    ),
    "a quota of rows with a word that is none": (
        '@audited(person: "reader_id")',
        '@audited(person: "reader_id") @quota(within: "reader_id", what: "a", limit: 5, hours: 1,'
        ' row: [{field: "genre", in: ["NOVEL"]}])',
        "Book: @quota(row:): NOVEL is not one of PROSE, VERSE",
    ),
    "a quota of rows by a field that is none": (
        '@audited(person: "reader_id")',
        '@audited(person: "reader_id") @quota(within: "reader_id", what: "a", limit: 5, hours: 1,'
        ' row: [{field: "pages", in: ["x"]}])',
        "Book: @quota(row:): pages is not a field with words",
    ),
    "a quota where there is no table": (
        "type BookPayload {", 'type BookPayload @quota(within: "a", what: "b", limit: 1) {',
        "BookPayload: @quota has no effect here",
    ),
    "a rule at an extension": (
        "enum Genre", 'extend type Book @visible(through: "reader")\nenum Genre',
        "Book: @visible has no effect here",
    ),
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
    "a rule without a role": (
        '@visible(person: "id", to: [SELF])', '@visible(person: "id")', "Reader: @visible: `to`",
    ),
    "a relationship of another scope": (
        'organisation: "library_id", to: [ADMIN]', 'organisation: "library_id", to: [SELF]',
        "Book: @visible: `to` takes some of ADMIN, MANAGER, MEMBER",
    ),
    "a restricted field that cannot be null": (
        "price: Int @r", "price: Int! @r", "Book.price: a restricted field must be nullable",
    ),
    "a restricted field that can be searched": (
        "price: Int @r", "price: String @search @r", "Book.price: a restricted field cannot be",
    ),
    "a change that no rule allows": (
        '@insert(type: "Book")', '@delete(type: "Book")', "Book has no @change that lets anyone",
    ),
    "one row that must be there": (
        "owner: Reader @viewer", 'owner(id: UUID @where(field: "id")): Reader! @row',
        "Query.owner: it may find nothing",
    ),
    "one row that is not named": (
        "owner: Reader @viewer", "owner: Reader @row", "owner: @row needs",
    ),
    "a relationship that is none": (
        '@visible(through: "book")', '@visible(through: "book", to: [FRIEND])',
        "expected [Relationship!], got [FRIEND]",
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
    "a connection of which so many are expected": (
        "PageConnection! @rows", "PageConnection! @rows(expected: 5)", "on a Connection",
    ),
    "a list without rows": (
        '@many(key: "book_id")', '@many(key: "book_id", expected: 0)', "expected 1 or more, got 0",
    ),
    "a list that is none": ("pages: [Page!]! @many", "pages: Page! @many", "expected [Page!]! or"),
    "a relation that does not say so": (
        'reader: Reader! @one(key: "reader_id")', "reader: Reader!",
        "Book.reader: Reader is not a column",
    ),
    "a misspelt type": ("genre: Genre", "genre: Jenre", "Book.genre: Jenre is not a column"),
    "a column of an unknown kind": ("genre: Genre", "genre: Float", "Book.genre: Float is no"),
    "a column that is a list": ("genre: Genre", "genre: [Genre!]", "Book.genre: a column cannot"),
    "a root that says nothing": ("PageConnection! @rows", "PageConnection!", "pages: expected"),
    "a viewer without a table": ("owner: Reader", "owner: Genre", "Query.owner: Genre has no"),
    "an argument without a column": (
        '@where(field: "id")', '@where(field: "pages")', "Query.books: @where names pages",
    ),
    "a procedure without a permit": (PERMITS, "", "burn: say who may call it with @permit"),
    "a permit of no input": (
        'input: "pageId"',
        'input: "pagId"',
        "burn: @permit(input: 'pagId'): its input has no field of that name",
    ),
    "a permit of an input that names no row": (
        'input: "pageId"', 'input: "why"', "burn: @permit(input: 'why'): expected a field of type",
    ),
    "a permit of no type": (
        'type: "Page"\n      as', 'type: "Genre"\n      as', "@permit(type: 'Genre'): it has no",
    ),
    "a permit of two types": (
        'input: "pageId"', 'input: "bookId"', "names two types for one input",
    ),
    "a permit without input": (
        'input: "pageId"\n', "", "@permit takes input and type, or everyone",
    ),
    "a permit without a role": ("as: UPDATE", "", "@permit takes either `as`, or one of person"),
    "a permit for everyone and some": (
        "as: UPDATE", "as: UPDATE everyone: true", "@permit(everyone: true) takes nothing else",
    ),
    "a permit by a change that no rule allows": (
        'type: "Book", as: SEE', 'type: "Book", as: DELETE', "Book has no @change that lets anyone",
    ),
    "a permit that may be left out": (
        "input Burn {\n  bookId: UUID! ", "input Burn {\n  bookId: UUID ",
        "burn: its inputs may be left out so that no @permit is asked",
    ),
    "a permit by a field without values": (
        'field: "genre"', 'field: "title"', "@permit(row:): title is not a field with enum",
    ),
    "a permit by a value that is none": (
        'in: ["PROSE"]', 'in: ["PROES"]', "@permit(row:): PROES is not one of PROSE, VERSE",
    ),
    "a permit by an input without values": (
        'input: "genre", in', 'input: "why", in', "@permit(given:): why is not a required input",
    ),
    "a permit by an input's value that is none": (
        'in: ["VERSE"]', 'in: ["VRSE"]', "@permit(given:): VRSE is not one of PROSE, VERSE",
    ),
    "a permit against a column of no person": (
        'as: SEE, row', 'as: SEE, notBy: ["title"], row',
        "@permit(notBy: 'title'): Book has no @one field with this key",
    ),
    "a permit of a write": (
        '@insert(type: "Book")', '@insert(type: "Book") @permit(everyone: true)',
        "Mutation.addBook: @permit has no effect here",
    ),
    "two ways to change": (
        '@insert(type: "Book")',
        '@insert(type: "Book") @procedure(name: "a") @permit(everyone: true)',
        "Mutation.addBook: expected one of @insert and @procedure, got both",
    ),
    "a length of a number": (
        "@range(min: 1)", "@length(max: 3)", "Burn.times: @length has no effect here",
    ),
    "a range of a text": ("@length(max: 5)", "@range(min: 1)", "Burn.why: @range has no effect"),
    "a range that nothing fits": (
        "@range(min: 1)", "@range(min: 1, max: 0)", "Burn.times: @range: expected min <= max",
    ),
    "a length that nothing fits": (
        "@length(max: 5)", "@length(min: 6, max: 5)", "Burn.why: @length: expected 0 <= min <= max",
    ),
    "a length of more than any text has": (
        "@length(max: 5)", "@length(max: 100001)", "@length(max: 100001): a text has 100000",
    ),
    "a pattern that is none": (
        "@length(max: 5)", '@pattern(regex: "(", expected: "x")', "Burn.why: @pattern: not a",
    ),
    "a key of a procedure": (
        "input Burn {\n  bookId: UUID! ", "input Burn {\n  bookId: UUID! @key ",
        "Burn.bookId: expected one @key, which may be left out",
    ),
    "a rule of a field that no input has": (
        "type BurnPayload", "input Unused { a: String @length(max: 5) }\ntype BurnPayload",
        "Unused.a: @length has no effect here",
    ),
    "a search of a relation": (
        'reader: Reader! @one(key: "reader_id")', 'reader: Reader! @one(key: "reader_id") @search',
        "Book.reader: @search has no effect here",
    ),
    "a restriction of a relation": (
        'reader: Reader! @one(key: "reader_id")',
        'reader: Reader! @one(key: "reader_id") @restricted(person: "reader_id", to: [SELF])',
        "Book.reader: @restricted has no effect here"),
    "a sequence of a text": (
        "text: String!\n", 'text: String! @sequence(within: "book_id")\n',
        "Page.text: @sequence has no effect here",
    ),
    "a rule of what has no table": (
        "type BookPayload {", 'type BookPayload @visible(person: "id", to: [SELF]) {',
        "BookPayload: @visible has no effect here",
    ),
    "a column of what has no table": (
        "type BookPayload { book: Book! }", 'type BookPayload { book: Book! @column(name: "b") }',
        "BookPayload.book: @column has no effect here",
    ),
    "a payload with a list": (
        "page: Page burnt", "page: [Page!]! burnt", "BurnPayload.page: a payload",
    ),
    "a payload that may lack the row written": (
        "type PagePayload { page: Page! }", "type PagePayload { page: Page }",
        "PagePayload.page: the row written is there",
    ),
    "a write to a view": ('"page", order', '"page", over: ["leaf"], order', "a view: only"),
    "a base elsewhere": ('"page", order', '"page", base: "leaf", order', "(base:): leaf is"),
    "a mutation that says nothing": (
        ' @insert(type: "Book")', "", "Mutation.addBook: expected @insert, @update, @delete or",
    ),
    "a mutation of no table": ('@insert(type: "Book")', '@insert(type: "Genre")', "addBook: Genre"),
    "a mutation without input": ("addBook(input: AddBook!)", "addBook", "addBook: takes one"),
    "an input that is none": ("addBook(input: AddBook!)", "addBook(input: UUID)", "addBook: takes"),
    "a payload that is none": ("): BookPayload! @i", "): Int! @i", "payload Int is not defined"),
    "a payload of something else": (
        "{ tornPageId: UUID! }", "{ torn: Boolean! }",
        "TearPayload.torn: the payload of a write holds Page and"),
    "an update without a key": ("pageId: UUID! @key text", "text", "ChangePage: an update or"),
    "an insert with two keys": ("{ bookId: UUID!", "{ a: UUID @key b: UUID @key", "an insert one"),
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
    "children that are no rows": ("[NewPage!]", "[String!]", "AddBook.pages: Book has no column"),
}  # fmt: skip
