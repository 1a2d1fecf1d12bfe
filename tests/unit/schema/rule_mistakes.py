"""Mistakes that the author of the small schema about books could make in rules and audits."""

from __future__ import annotations

RULE_MISTAKES = {
    "a quota with an exemption that is not there": (
        '@visible(through: "book")',
        '@visible(through: "book")'
        ' @quota(within: "book_id", what: "a", advice: "b", limit: 1, unless: "book.title")',
        "Page: @quota(unless: 'book.title'): expected one of none",
    ),
    "rows that lists leave out by a value that all have": (
        '@table(name: "book", owner: "reader_id")',
        '@table(name: "book", owner: "reader_id") @unlisted(field: "createdAt", argument: "all")',
        "Book: @unlisted(field:): expected a field that is a column, may be null",
    ),
    "rows that lists leave out, with an argument of all lists": (
        '@table(name: "book", owner: "reader_id")',
        '@table(name: "book", owner: "reader_id") @unlisted(field: "genre", argument: "filter")',
        "Book: @unlisted(argument:): filter is one of all lists",
    ),
    "a moment since which no boolean is true": (
        "  createdAt: DateTime!",
        '  readAt: DateTime @trueSince(field: "title")\n  createdAt: DateTime!',
        "Book.readAt: @trueSince(field:): title is not a Boolean column of Book",
    ),
    "a moment that is there while nothing is true": (
        "  createdAt: DateTime!",
        '  read: Boolean!\n  readAt: DateTime! @trueSince(field: "read")\n  createdAt: DateTime!',
        "Book.readAt: @trueSince(field:): the field must be nullable",
    ),
    "two moments since which one boolean is true": (
        "  createdAt: DateTime!",
        '  read: Boolean!\n  readAt: DateTime @trueSince(field: "read")'
        '\n  doneAt: DateTime @trueSince(field: "read")\n  createdAt: DateTime!',
        "Book.doneAt: @trueSince(field:): another field follows read already",
    ),
    "a text since which something is true": (
        "  genre: Genre\n",
        '  genre: Genre @trueSince(field: "read")\n  read: Boolean!\n',
        "Book.genre: @trueSince has no effect here",
    ),
    "an input that writes what follows another column": (
        "  text: String!\n  number: Int!",
        '  text: DateTime @trueSince(field: "read")\n  read: Boolean!\n  number: Int!',
        ": Page.text follows another column",
    ),
    "a required organisation that is not named": (
        '@audited(person: "reader_id")',
        '@audited(person: "reader_id", organisationRequired: true)',
        "Book: @audited(organisationRequired:) stands beside organisation",
    ),
    "a rule by a field without values": (
        "to: [SELF, MENTOR])",
        'to: [SELF], row: [{field: "title", in: ["a"]}])',
        "Book: @visible(row:): title is not a field with enum values",
    ),
    "a rule by a value that is none": (
        "to: [SELF, MENTOR])",
        'to: [SELF], row: [{field: "genre", in: ["PROES"]}])',
        "Book: @visible(row:): PROES is not one of PROSE, VERSE",
    ),
    "a rule by no condition": (
        "to: [SELF, MENTOR])",
        "to: [SELF], row: [])",
        "Book: @visible(row:): expected a condition",
    ),
    "a rule by a condition that says nothing": (
        "to: [SELF, MENTOR])",
        'to: [SELF], row: [{field: "genre"}])',
        'expected [RowIs!], got [{ field: "genre" }]',
    ),
    "a restriction by a value that is none": (
        '@restricted(person: "reader_id", to: [SELF])',
        '@restricted(person: "reader_id", to: [SELF], row: [{field: "genre", in: ["X"]}])',
        "Book.price: @restricted(row:): X is not one of PROSE, VERSE",
    ),
    "a rule within a column that is none": (
        "to: [SELF, MENTOR])",
        'to: [MENTOR], within: "library")',
        "Book: @visible(within:): library is not the column of a field with an id",
    ),
    "a rule within what holds no id": (
        "to: [SELF, MENTOR])",
        'to: [MENTOR], within: "book_title")',
        "Book: @visible(within:): book_title is not the column",
    ),
    "a restriction to each of what is not listed": (
        '@restricted(person: "reader_id", to: [SELF])',
        '@restricted(person: "reader_id", to: [MENTOR], within: "reader_id", every: true)',
        "Book.price: @restricted(every:): reader_id does not list organisations",
    ),
    "a restriction to each of nothing": (
        '@restricted(person: "reader_id", to: [SELF])',
        '@restricted(person: "reader_id", to: [MENTOR], every: true)',
        "Book.price: @restricted(every:) stands beside `within`",
    ),
    "a restriction with a further relationship that is none": (
        '@restricted(person: "reader_id", to: [SELF])',
        '@restricted(person: "reader_id", to: [SELF], besides: [MEMBER])',
        "Book.price: @restricted: `besides` takes some of",
    ),
    "a rule within an empty place": (
        "to: [SELF, MENTOR])",
        'to: [SELF], within: "reader_id")',
        "Book: @visible(within:): SELF comes from no membership",
    ),
    "an insert within what is not there yet": (
        'DELETE], through: "book", to: [SELF]',
        'DELETE], through: "book", within: "book_id"',
        "addPage: `within` has no effect in a rule of Page by which it inserts",
    ),
    "an insert by a condition on its owner": (
        '[INSERT], person: "reader_id", to: [SELF]',
        '[INSERT], person: "reader_id", to: [SELF], row: [{field: "genre", in: ["PROSE"]}]',
        "addBook: `row` has no effect in a rule of Book by which it inserts",
    ),
    "an insert that does not say what its rule asks": (
        "to: [SELF, MENTOR])",
        'to: [SELF, MENTOR], row: [{field: "genre", in: ["PROSE"]}])',
        "addBook: a rule of Book asks about genre, which no input names for certain",
    ),
}
