"""What the product does beyond single changes: the procedures that the schema files name."""

from __future__ import annotations

from poutama.journeys.goals import reorder_goal_tasks

PROCEDURES = {
    "reorder_goal_tasks": reorder_goal_tasks,
}
"""Name in the schema files -> procedure."""
