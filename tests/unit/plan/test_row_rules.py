"""Rules that depend on the row: on what its fields hold, and on whose memberships count."""

from __future__ import annotations

from collections.abc import Iterator

from poutama.plan.guard import visible_rows
from poutama.plan.mutation_steps import MutationSteps, Write
from poutama.plan.nodes import (
    ALWAYS,
    All,
    AnyOf,
    Confined,
    Exists,
    HasRelationship,
    Many,
    OneOf,
    OwnedBy,
    Predicate,
    Read,
    Rows,
)
from poutama.plan.operation import GraphQLRequest
from poutama.plan.passes import rewrite_read
from poutama.plan.values import Constant, ViewerId
from poutama.schema.load import build_model
from poutama.schema.model import Relationship, Scope, Within
from poutama.schema.source import Source
from poutama.sql.fragment import Parameters
from poutama.sql.predicate import Conditions
from tests.golden.compiled import plan_request
from tests.unit.schema.books import WORDS

DIARY = """
type Query { days: [Day!]! @rows(own: "child_id") }
enum Readers { NONE TEACHERS PARENTS }
type School @table(name: "school", order: []) @visible(organisation: "id", to: [MEMBER]) {
  id: UUID!
  number: Int!
}
type Day
  @table(name: "day", order: [], owner: "child_id")
  @visible(person: "child_id", to: [SELF])
  @visible(
    person: "child_id"
    to: [MENTOR]
    row: [{field: "readers", in: ["TEACHERS", "PARENTS"]}]
    within: "school_id"
  )
  @audited(person: "child_id") {
  id: UUID!
  readers: Readers!
  school: School @one(key: "school_id")
  remarks: [Remark!]! @many(key: "day_id")
  pictures: [Picture!]! @many(key: "day_id")
}
type Remark
  @table(name: "remark", order: [], owner: "author_id")
  @audited(partOf: "day", by: ["author_id"])
  @visible(through: "day", to: [SELF], row: [{field: "readers", in: ["PARENTS"]}])
  @visible(through: "day", to: [MENTOR], within: "school_id")
  @change(actions: [INSERT], through: "day", to: [SELF, MENTOR])
  @change(actions: [UPDATE], person: "author_id", to: [SELF]) {
  id: UUID!
  readers: Readers!
  school: School @one(key: "school_id")
  day: Day! @one(key: "day_id")
}
enum Place { DAY REMARK }
type Picture
  @table(name: "picture", order: [])
  @audited(partOf: "day")
  @visible(through: "day", row: [{field: "place", in: ["DAY"]}])
  @visible(through: "remark") {
  id: UUID!
  number: Int!
  place: Place!
  day: Day! @one(key: "day_id")
  remark: Remark @one(key: "remark_id")
}
type Mutation {
  remark(input: NewRemark!): RemarkPayload! @insert(type: "Remark")
  change(input: ChangeRemark!): RemarkPayload! @update(type: "Remark")
}
input NewRemark { dayId: UUID! readers: Readers! }
input ChangeRemark { remarkId: UUID! @key readers: Readers }
type RemarkPayload { remark: Remark! }
"""
MODEL = build_model([Source("test.graphql", WORDS + DIARY)])
DAY, REMARK, PICTURE = (MODEL.entities[name] for name in ("Day", "Remark", "Picture"))
SCHOOL = Within("school_id")
MINE = OwnedBy("child_id", ViewerId())


def readers(*values: str) -> OneOf:
    return OneOf(REMARK.column("readers"), values)


def mentors(*confined: Confined) -> HasRelationship:
    return HasRelationship(Scope.PERSON, "child_id", (Relationship.MENTOR,), confined)


def test_a_rule_holds_for_rows_with_these_values_and_by_memberships_there() -> None:
    others = All((readers("TEACHERS", "PARENTS"), mentors(Confined(SCHOOL))))
    assert visible_rows(MODEL.entities, DAY) == AnyOf((MINE, others))


def test_behind_a_relation_the_organisation_is_that_of_the_row_before_it() -> None:
    day = REMARK.relation("day")
    both = (Confined(SCHOOL, above=1), Confined(SCHOOL))
    teachers = All((readers("TEACHERS", "PARENTS"), mentors(*both)))
    assert visible_rows(MODEL.entities, REMARK) == AnyOf(
        (
            All((readers("PARENTS"), Exists(day, DAY, MINE))),
            Exists(day, DAY, teachers),
        )
    )


def test_sql_looks_at_the_rows_that_the_memberships_are_confined_by() -> None:
    text = Conditions(Parameters()).render("this", visible_rows(MODEL.entities, REMARK)).text
    for column in ('this."school_id"', 'day_2."school_id"'):
        assert f"({column} IS NULL OR viewer.organisation_id = {column})" in text
    assert text.count("viewer.person_id <> day_2") == 1


def rows_below(*path: str) -> Iterator[Rows]:
    """The guarded rows from the viewer's own days on."""
    entity, steps = DAY, [("days", Rows(DAY, None, (), MINE))]
    for name in path:
        relation = entity.relation(name)
        entity = MODEL.entities[relation.target]
        steps.append((name, Rows(entity, relation, ())))
    inner: tuple[Many, ...] = ()
    for name, rows in reversed(steps):
        inner = (Many(name, Rows(rows.entity, rows.relation, inner, rows.where)),)
    found = rewrite_read(MODEL.entities, Read(inner)).roots
    while found:
        (member,) = found
        assert isinstance(member, Many)
        yield member.rows
        found = member.rows.fields


def below(*path: str) -> Predicate:
    *_, last = rows_below(*path)
    return last.where


def test_of_the_viewers_own_rows_only_what_the_row_is_remains_to_be_asked() -> None:
    assert below() == MINE
    assert below("remarks") == All((readers("PARENTS"), ALWAYS))
    assert below("remarks", "day") == ALWAYS


def test_what_has_two_ways_to_be_seen_keeps_the_one_that_is_not_known() -> None:
    remark = PICTURE.relation("remark")
    other = Exists(remark, REMARK, visible_rows(MODEL.entities, REMARK))
    alone = OneOf(PICTURE.column("place"), ("DAY",))
    assert below("pictures") == All((AnyOf((alone, other)), ALWAYS))
    assert below("pictures", "day") == ALWAYS


def steps(query: str) -> list[Write]:
    found = plan_request(GraphQLRequest(query), model=MODEL)
    assert isinstance(found, MutationSteps)
    return [step for step in found.steps if isinstance(step, Write)]


def test_who_inserts_a_row_must_see_it_as_it_is_written() -> None:
    ((parent,),) = (
        step.change.parents  # type: ignore[union-attr]
        for step in steps(
            f'mutation {{ remark(input: {{dayId: "{ID}", readers: TEACHERS}}) {{ __typename }} }}'
        )
    )
    assert isinstance(parent.guard, AnyOf)
    own, others = parent.guard.parts
    assert own == All((MINE, OneOf(Constant("TEACHERS"), ("PARENTS",))))
    # A teacher who may add a remark sees it, whatever is written in it; and nothing else is asked.
    assert others == All((readers("TEACHERS", "PARENTS"), mentors(Confined(SCHOOL))))


def test_who_updates_a_row_must_see_it_before_and_after() -> None:
    (step,) = steps(
        f'mutation {{ change(input: {{remarkId: "{ID}", readers: NONE}}) {{ __typename }} }}'
    )
    guard = step.change.guard  # type: ignore[union-attr]
    assert isinstance(guard, All)
    before, after = (str(part) for part in guard.parts)
    assert before != after
    assert "NONE" in after
    assert "NONE" not in before


ID = "60a10000-0000-4000-8000-000000000001"
