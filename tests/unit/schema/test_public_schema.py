"""`docs/schema.graphql` is the schema that is served, and keeps what was published."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

from graphql import build_schema
from graphql.utilities import BreakingChange, find_schema_changes

from poutama.features import load_model
from poutama.schema.load import print_public_sdl

WRITTEN = Path(__file__).parents[3] / "docs" / "schema.graphql"
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
