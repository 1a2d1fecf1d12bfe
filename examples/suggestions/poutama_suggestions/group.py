"""The job: suggest a goal to each student of a group, page by page.

The members are read as the mentor sees them at that moment, by the API's own query: a mentor who
has left the group since sees none.
"""

from __future__ import annotations

from functools import cache
from uuid import UUID

from poutama.changes import ChangePlans, Changes
from poutama.db.transaction import Transaction
from poutama.features import load_model
from poutama.jobs.job import Finished, JobKind, Progress, Step
from poutama.viewer import Viewer
from poutama_suggestions.job import GroupSuggestion, Page

_MEMBERS = """
query Members($group: UUID!, $after: String) {
  group(groupId: $group) {
    membersConnection(first: 50, after: $after, filter: {role: {eq: STUDENT}}) {
      nodes { endsAt person { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


async def suggest_to_page(step: Step[GroupSuggestion, Page]) -> Progress[Page] | Finished:
    """Suggest it to the next page of students."""
    variables = {"group": str(step.input.group_id), "after": step.checkpoint.after}
    data = await step.query(_MEMBERS, variables, step.job.person_id)
    if data["group"] is None:
        return Finished()
    page = data["group"]["membersConnection"]
    students = [
        UUID(node["person"]["id"])
        for node in page["nodes"]
        if node["person"] is not None and node["endsAt"] is None
    ]

    async def effects(transaction: Transaction) -> None:
        changes = Changes(_plans(), transaction, Viewer(step.job.person_id))
        for student in students:
            await changes.insert(
                "Suggestion",
                {
                    "student": student,
                    "goalType": step.input.goal_type,
                    "title": step.input.title,
                    "reason": step.input.reason,
                },
            )

    done = step.checkpoint.done + len(students)
    if not page["pageInfo"]["hasNextPage"]:
        return Finished(done=done, effects=effects)
    checkpoint = Page(after=page["pageInfo"]["endCursor"], done=done)
    return Progress(checkpoint=checkpoint, done=done, effects=effects)


@cache
def _plans() -> ChangePlans:
    return ChangePlans(load_model())


KIND = JobKind(input=GroupSuggestion, checkpoint=Page, step=suggest_to_page)
