"""What the schema files say becomes the model; every mistake in them is found when they load."""

from __future__ import annotations

import pytest
from graphql import GraphQLInputObjectType

from poutama.errors import SchemaError
from poutama.features import load_model
from poutama.schema.load import build_model
from poutama.schema.model import (
    Action,
    Audience,
    Column,
    ColumnKind,
    InputChildren,
    InputColumn,
    InputKey,
    InputParent,
    InputVersion,
    RelationShape,
    Relationship,
    Scope,
    Through,
)
from poutama.schema.source import Source
from tests.unit.schema.books import BOOKS, MISTAKES, WORDS
from tests.unit.schema.bulk_mistakes import BULK_MISTAKES
from tests.unit.schema.rule_mistakes import RULE_MISTAKES


def test_the_schema_as_it_stands_loads_once() -> None:
    assert load_model() is load_model()
    assert set(load_model().entities) >= {"Person", "Goal", "GoalTask", "GoalNote"}


def test_fields_are_columns_or_relations() -> None:
    book = build_model([Source("test.graphql", WORDS + BOOKS)]).entities["Book"]
    assert book.table == "book"
    assert book.column("title") == Column(
        "title", "book_title", ColumnKind.TEXT, False, searchable=True
    )
    assert book.column("genre") == Column(
        "genre", "genre", ColumnKind.ENUM, nullable=True, enum="Genre"
    )
    assert book.relation("reader").shape is RelationShape.ONE
    assert not book.relation("reader").nullable
    assert book.relation("pages").shape is RelationShape.LIST
    with pytest.raises(KeyError):
        book.column("pages")
    with pytest.raises(KeyError):
        book.relation("title")


def test_rules_orders_and_sequences_come_from_the_directives() -> None:
    model = build_model([Source("test.graphql", WORDS + BOOKS)])
    book, page = model.entities["Book"], model.entities["Page"]
    assert book.rule.alternatives == (
        Audience(Scope.PERSON, "reader_id", (Relationship.SELF, Relationship.MENTOR)),
        Audience(Scope.ORGANISATION, "library_id", (Relationship.ADMIN,)),
    )
    assert book.rule.through is None
    assert page.rule.through == page.relation("book")
    assert page.changes[Action.UPDATE].alternatives == (
        Through(page.relation("book"), (Relationship.SELF,)),
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
    assert roots["pages"].shape is RelationShape.CONNECTION
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
        "BookConnection", "BookEdge", "BookFilter", "BookOrder", "GenreFilter",
    }  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES | RULE_MISTAKES | BULK_MISTAKES)
def test_a_mistake_is_named(mistake: str) -> None:
    wrong, instead, message = (MISTAKES | RULE_MISTAKES | BULK_MISTAKES)[mistake]
    assert BOOKS.count(wrong) >= 1
    with pytest.raises(SchemaError) as caught:
        build_model([Source("test.graphql", WORDS + BOOKS.replace(wrong, instead, 1))])
    assert message in str(caught.value)
