"""What is measured: operations of student 1 of the demo school, whose dashboard has a known size.

Pure; `bench.recording` turns a case into requests and statements.
"""

from __future__ import annotations

from dataclasses import dataclass

DASHBOARD = """
query Dashboard {
  goals {
    id goalType title information complete dueAt color updatedAt createdAt
    tasks { id information complete updatedAt createdAt }
    notes { id information updatedAt createdAt }
  }
}
"""
SMALL = "query Name { me { name } }"
# Nothing in the payload whose length changes with every write: lengths are verified.
WRITE = """
mutation Finish($goalId: UUID!) {
  updateGoal(input: {goalId: $goalId, complete: true}) { goal { id title complete } }
}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One operation, rendered in one way.

    Attributes:
        name: what the table and the JSON call it.
        document: sent by every connection.
        rendering: `json` or `rows`.
        goal_each: whether every connection sends a `$goalId` of its own, so that writes do not
            wait for each other.
        target: the share of the ceiling that is asked for, if any.
    """

    name: str
    document: str
    rendering: str = "json"
    goal_each: bool = False
    target: float | None = None


CASES = (
    Case("dashboard", DASHBOARD, target=0.7),
    Case("dashboard rows", DASHBOARD, rendering="rows"),
    Case("small read", SMALL),
    Case("simple write", WRITE, goal_each=True),
)
