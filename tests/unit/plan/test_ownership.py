"""What is known to be the viewer's own, where a type names several people."""

from __future__ import annotations

from collections.abc import Iterator

from poutama.plan.nodes import ALWAYS, Many, One, OwnedBy, Read, Rows
from poutama.plan.passes import rewrite_read
from poutama.plan.values import ViewerId
from poutama.schema.load import build_model
from poutama.schema.model import Model
from poutama.schema.source import Source
from tests.unit.schema.books import WORDS

LETTERS = """
type Query { letters: [Letter!]! @rows(own: "writer_id") }
type Reader
  @table(name: "reader", order: ["NUMBER_ASC"])
  @visible(person: "id", to: [SELF])
  @audited(person: "id") {
  id: UUID!
  number: Int!
  written: [Letter!]! @many(key: "writer_id")
}
type Letter
  @table(name: "letter", order: ["NUMBER_ASC"])
  @visible(person: "writer_id", to: [SELF])
  @visible(person: "reader_id", to: [SELF])
  @audited(person: "reader_id", by: ["writer_id"]) {
  id: UUID!
  number: Int!
  writer: Reader @one(key: "writer_id")
  reader: Reader @one(key: "reader_id")
  stamps: [Stamp!]! @many(key: "letter_id")
}
type Stamp
  @table(name: "stamp", order: ["NUMBER_ASC"])
  @visible(through: "letter")
  @audited(person: "owner_id") {
  id: UUID!
  number: Int!
  letter: Letter! @one(key: "letter_id")
  album: Album @one(key: "letter_id")
}
type Album
  @table(name: "album", order: ["NUMBER_ASC"])
  @visible(person: "owner_id", to: [SELF])
  @audited(person: "owner_id") {
  id: UUID!
  number: Int!
}
"""
MODEL = build_model([Source("test.graphql", WORDS + LETTERS)])


def walk(model: Model, start: Rows, *path: str) -> Iterator[Rows]:
    """The guarded rows along a path of relations, the first included."""
    entity = start.entity
    steps = []
    for name in path:
        relation = entity.relation(name)
        entity = model.entities[relation.target]
        steps.append((name, Rows(entity, relation, ())))
    inner: Rows | None = None
    for name, rows in reversed([("start", start), *steps]):
        fields = () if inner is None else (Many(name, inner),)
        inner = Rows(rows.entity, rows.relation, fields, rows.where)
    assert inner is not None
    (root,) = rewrite_read(model.entities, Read((Many("root", inner),))).roots
    while isinstance(root, Many | One):
        yield root.rows
        if not root.rows.fields:
            return
        (root,) = root.rows.fields


def letters(column: str) -> Rows:
    return Rows(MODEL.entities["Letter"], None, (), OwnedBy(column, ViewerId()))


def test_only_the_column_that_holds_the_viewer_leads_to_the_viewer() -> None:
    _, writer = walk(MODEL, letters("writer_id"), "writer")
    assert writer.where == ALWAYS
    _, reader = walk(MODEL, letters("writer_id"), "reader")
    assert reader.where != ALWAYS


def test_what_one_has_written_is_still_another_persons_data() -> None:
    (written,) = walk(MODEL, letters("writer_id"))
    assert not written.own.data
    (read,) = walk(MODEL, letters("reader_id"))
    assert read.own.data


def test_rows_with_a_subject_of_their_own_are_not_the_data_of_what_they_hang_on() -> None:
    _, stamps = walk(MODEL, letters("reader_id"), "stamps")
    assert not stamps.own.data
    assert stamps.where == ALWAYS


def test_a_key_that_leads_to_two_types_implies_one_of_them() -> None:
    stamp = Rows(MODEL.entities["Stamp"], None, ())
    _, letter = walk(MODEL, stamp, "letter")
    assert letter.where == ALWAYS
    _, album = walk(MODEL, stamp, "album")
    assert album.where != ALWAYS
