"""`docs/schema.graphql` is the schema that is served, and keeps what was published."""

from __future__ import annotations

import re
from difflib import unified_diff
from pathlib import Path

from graphql import (
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    get_named_type,
    is_specified_scalar_type,
)
from graphql.utilities import BreakingChange, find_schema_changes

from poutama.features import load_model
from poutama.schema.load import print_public_sdl
from poutama.schema.model import RelationShape

DOCS = Path(__file__).parents[3] / "docs"
WRITTEN = DOCS / "schema.graphql"
PUBLISHED = """
scalar UUID
scalar DateTime
type Query { goals(goalId: UUID): [Goal!]! }
type Mutation {
  createGoal(input: CreateGoalInput!): CreateGoalPayload!
  updateGoal(input: UpdateGoalInput!): UpdateGoalPayload!
  deleteGoal(input: DeleteGoalInput!): DeleteGoalPayload!
}
type Goal { id: UUID! goalType: GoalType! title: String! information: String! complete: Boolean!
  dueAt: DateTime color: String tasks: [GoalTask!]! notes: [GoalNote!]! updatedAt: DateTime!
  createdAt: DateTime! }
type GoalTask { id: UUID! information: String! complete: Boolean! updatedAt: DateTime!
  createdAt: DateTime! }
type GoalNote { id: UUID! information: String! updatedAt: DateTime! createdAt: DateTime! }
enum GoalType { ACADEMIC PERSONAL CAREER WELLBEING CULTURAL SPORTS }
input CreateGoalInput { goalType: GoalType! title: String! }
input UpdateGoalInput { goalId: UUID! }
input DeleteGoalInput { goalId: UUID! }
type CreateGoalPayload { goal: Goal! }
type UpdateGoalPayload { goal: Goal! }
type DeleteGoalPayload { deletedGoalId: UUID! }
"""


def test_the_written_schema_is_the_one_that_is_served() -> None:
    served = print_public_sdl(load_model())
    written = WRITTEN.read_text("utf-8")
    difference = "\n".join(
        unified_diff(written.splitlines(), served.splitlines(), "docs", "served", lineterm="")
    )
    assert written == served, (
        f"{difference}\n\nWrite it anew: .venv/bin/poutama schema > docs/schema.graphql"
    )


def test_nothing_that_was_published_is_broken() -> None:
    changes = find_schema_changes(build_schema(PUBLISHED), load_model().schema)
    broken = [change.description for change in changes if isinstance(change, BreakingChange)]
    assert broken == []


def test_each_list_of_rows_has_a_twin_that_is_a_connection() -> None:
    schema = load_model().schema
    alone = [
        f"{type_.name}.{name}"
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if "orderBy" in field.args and not name.endswith("Connection")
        if f"{name}Connection" not in type_.fields
    ]
    assert alone == []
    assert "remindersConnection" in load_model().entities["Person"].fields


def test_every_type_can_be_reached_from_an_operation() -> None:
    schema = load_model().schema
    seen: set[str] = set()
    waiting: list[GraphQLNamedType | None] = [schema.query_type, schema.mutation_type]
    while waiting:
        type_ = waiting.pop()
        if type_ is None or type_.name in seen:
            continue
        seen.add(type_.name)
        for field in getattr(type_, "fields", {}).values():
            used = (field, *getattr(field, "args", {}).values())
            waiting.extend(get_named_type(each.type) for each in used)
    builtin = {"Float", "ID"}
    unreached = {name for name in schema.type_map if not name.startswith("__")} - seen - builtin
    assert unreached == set()


def test_each_row_that_a_mutation_names_can_be_read_by_the_same_id() -> None:
    model = load_model()
    named = {
        each.entity
        for mutation in model.mutations.values()
        for each in mutation.permissions
        if each.entity is not None
    } | {mutation.entity for mutation in model.mutations.values() if mutation.entity is not None}
    by_id = {
        relation.target
        for relation in model.roots.values()
        if [column.field for column in relation.arguments.values()] == ["id"]
        and relation.shape is RelationShape.ONE
    }
    assert named == by_id


def test_generators_of_types_are_given_each_scalar() -> None:
    page = (DOCS / "clients.md").read_text("utf-8")
    types = build_schema(WRITTEN.read_text("utf-8")).type_map.values()
    scalars = [one for one in types if isinstance(one, GraphQLScalarType)]
    own = {one.name for one in scalars if not is_specified_scalar_type(one)}
    listed = re.search(r"scalars: \{ (.+?) \}", page)
    assert listed is not None
    assert {pair.partition(":")[0] for pair in listed[1].split(", ")} == own
