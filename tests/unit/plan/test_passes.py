"""Each pass rewrites one thing of a plan; the passes run in this order."""

from __future__ import annotations

import re
from pathlib import Path

from poutama.features import load_model
from poutama.plan.guard import allowed_by, confine_filters, confine_rows, hide_fields, visible_rows
from poutama.plan.nodes import (
    All,
    AnyOf,
    EdgeList,
    EdgeNode,
    Exists,
    Leaf,
    Many,
    Member,
    NodeList,
    Not,
    One,
    OneAmong,
    Own,
    OwnedBy,
    Page,
    Read,
    Rows,
)
from poutama.plan.ownership import mark_own
from poutama.plan.passes import PASSES, rewrite_read
from poutama.plan.values import Returned, ViewerId
from poutama.schema.load import build_model
from poutama.schema.source import Source
from tests.golden.outline import outline
from tests.unit.schema.books import WORDS

ENTITIES = load_model().entities
PERSON, GOAL, TASK, GROUP = (ENTITIES[name] for name in ("Person", "Goal", "GoalTask", "Group"))
ME = OwnedBy("id", ViewerId())
MINE = OwnedBy("person_id", ViewerId())
HAS_OWNER = Exists(GOAL.relation("owner"), PERSON, All(()))


def tasks(*fields: Member) -> Many:
    return Many("tasks", Rows(TASK, GOAL.relation("tasks"), fields))


def test_own_rows_are_marked_and_so_is_what_hangs_on_them() -> None:
    before = Read(
        (Many("goals", Rows(GOAL, None, (tasks(),), MINE)), Many("all", Rows(GOAL, None, ())))
    )
    assert "\n".join(outline(mark_own(ENTITIES, before))) == (
        "Read\n"
        "  Many goals\n"
        "    Rows Goal own\n"
        "      Many tasks\n"
        "        Rows GoalTask tasks own\n"
        "      where: OwnedBy person_id viewer id\n"
        "  Many all\n"
        "    Rows Goal"
    )


def test_only_visible_rows_count_in_a_filter() -> None:
    before = Read((Many("goals", Rows(GOAL, None, (), filter=Not(HAS_OWNER))),))
    seen = All((visible_rows(ENTITIES, PERSON), All(())))
    after = Not(Exists(GOAL.relation("owner"), PERSON, seen))
    assert confine_filters(ENTITIES, before) == Read(
        (Many("goals", Rows(GOAL, None, (), filter=after)),)
    )


def test_rows_obey_the_rule_of_their_type_where_their_parent_does_not_imply_it() -> None:
    before = Read((Many("goals", Rows(GOAL, None, (tasks(),), HAS_OWNER)),))
    where = All((visible_rows(ENTITIES, GOAL), HAS_OWNER))
    after = Read((Many("goals", Rows(GOAL, None, (tasks(),), where)),))
    assert confine_rows(ENTITIES, before) == after


def test_rows_that_hold_the_viewer_need_no_rule() -> None:
    held = Rows(GOAL, None, (), MINE, own=Own(frozenset({"person_id"}), data=True))
    assert confine_rows(ENTITIES, Read((Many("goals", held),))) == Read((Many("goals", held),))


def test_rows_that_the_statement_has_written_need_no_rule() -> None:
    payload = Read((One("goal", Rows(GOAL, None, (), written=0), nullable=False),))
    assert confine_rows(ENTITIES, payload) == payload


def test_rows_that_a_procedure_returns_obey_the_rule_of_their_type() -> None:
    returned = OwnedBy("id", Returned("goal"))
    confined = All((visible_rows(ENTITIES, GOAL), returned))
    before, after = (
        Read((One("goal", Rows(GOAL, None, (), where), nullable=False),))
        for where in (returned, confined)
    )
    assert confine_rows(ENTITIES, before) == after


def test_a_restricted_field_is_hidden_in_lists_and_in_every_view_of_a_page() -> None:
    code, name = (Leaf(field, GROUP.column(field)) for field in ("joinCode", "name"))
    assert code.column.restricted is not None
    hidden = Leaf("joinCode", code.column, allowed_by(ENTITIES, code.column.restricted))

    def plan(leaf: Leaf) -> Read:
        edges = EdgeList("edges", (EdgeNode("node", (leaf,)),))
        page = Page("page", Rows(GROUP, None, ()), (NodeList("nodes", (leaf, name)), edges))
        return Read((Many("groups", Rows(GROUP, None, (leaf, name))), page))

    assert hide_fields(ENTITIES, plan(code)) == plan(hidden)


def test_the_passes_run_one_after_the_other() -> None:
    read = Read((One("me", Rows(PERSON, None, (), All((ME, HAS_OWNER))), nullable=False),))
    expected = read
    for each in PASSES:
        expected = each(ENTITIES, expected)
    assert rewrite_read(ENTITIES, read) == expected != read


def test_what_is_own_is_known_before_rules_are_added() -> None:
    """The other way round, the viewer's own rows would get a rule."""
    (root,) = rewrite_read(ENTITIES, Read((Many("goals", Rows(GOAL, None, (), MINE)),))).roots
    assert isinstance(root, Many)
    assert root.rows.where == MINE


BOXES = """
type Query { cards: [Card!]! @rows }
type Box
  @table(name: "box", order: ["NUMBER_ASC"])
  @visible(person: "owner_id", to: [SELF])
  @audited(person: "owner_id") {
  id: UUID!
  number: Int!
}
type Card
  @table(name: "card", order: ["NUMBER_ASC"])
  @visible(through: "box")
  @visible(person: "author_id", to: [SELF])
  @audited(partOf: "box", by: ["author_id"]) {
  id: UUID!
  number: Int!
  box: Box @one(key: "box_id")
}
"""


def test_a_rule_that_a_pass_has_added_is_not_confined_again() -> None:
    """The other way round, the relation of the rule itself would get the rule of its target."""
    entities = build_model([Source("test.graphql", WORDS + BOXES)]).entities
    card = entities["Card"]
    (root,) = rewrite_read(entities, Read((Many("cards", Rows(card, None, ())),))).roots
    assert isinstance(root, Many)
    rule = visible_rows(entities, card)
    assert isinstance(rule, AnyOf)
    assert root.rows.where == All((OneAmong(card, rule.parts), All(())))


def test_the_docs_explain_every_pass_in_order() -> None:
    page = (Path(__file__).parents[3] / "docs" / "compiler.md").read_text(encoding="utf-8")
    assert re.findall(r"^\d\. `(\w+)`", page, re.MULTILINE) == [each.__name__ for each in PASSES]
