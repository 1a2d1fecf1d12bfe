"""Mistakes in the schema about books: mutations of several inputs, deletions, ids of clients."""

from __future__ import annotations

BULK_MISTAKES = {
    "several of a procedure": (
        '@procedure(name: "burn_book")',
        '@procedure(name: "burn_book") @bulk(name: "burnAll")',
        "Mutation.burn: @bulk has no effect here",
    ),
    "several of none": (
        '@update(type: "Page")',
        '@update(type: "Page") @bulk(name: "changePages", limit: 0)',
        "Mutation.changePage: @bulk: expected a limit of at least 1",
    ),
    "a name of several that is taken": (
        '@update(type: "Page")',
        '@update(type: "Page") @bulk(name: "addPage")',
        "Mutation.addPage: another mutation has this name",
    ),
    "a result with an error of its own": (
        "tearPage(input: TearPage!): TearPayload! @delete",
        'tearPage(input: TearPage!): TearErrorPayload! @bulk(name: "tearPages") @delete',
        "TearErrorPayload.error: results have that beside it",
    ),
    "what a deleted row belonged to, always": (
        "{ tornPageId: UUID! }",
        "{ tornPageId: UUID! book: Book! }",
        "book: the caller may not see it once the row is deleted; expected it to be nullable",
    ),
    "a key of a procedure without its type": (
        "input Burn {\n  bookId: UUID! ",
        "input Burn {\n  newId: UUID @key\n  bookId: UUID! ",
        "Burn.newId: @key: expected the type of the row that is made",
    ),
    "a key of a procedure whose payload is more than its row": (
        "input Burn {\n  bookId: UUID! ",
        'input Burn {\n  newId: UUID @key(type: "Page")\n  bookId: UUID! ',
        "Burn.newId: @key: the payload holds more than the Page",
    ),
    "a value that is shown once and is there each time": (
        "burnt: Int!",
        "burnt: Int! @shownOnce",
        "BurnPayload.burnt: @shownOnce needs a field that may be null",
    ),
    "what a write shows once": (
        "{ tornPageId: UUID! }",
        "{ tornPageId: UUID! @shownOnce }",
        "TearPayload.tornPageId: @shownOnce has no effect here",
    ),
}
