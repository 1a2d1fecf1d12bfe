"""The job: suggest a goal to each student of a group, page by page.

Before each page the mutation's own `@permit` is asked again; the members are read as the mentor
sees them, by the API's own query.
"""

from __future__ import annotations

from uuid import UUID

from poutama.db.transaction import Transaction
from poutama.jobs.job import Finished, JobFailedError, JobKind, Progress, Step
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
    """Suggest it to the next page of students.

    Raises:
        JobFailedError: the mentor does not mentor the group any longer.
    """
    mentor, input = step.job.person_id, step.input
    permitted = {"groupId": input.group_id}
    if not await step.permits.hold("suggestToGroup", permitted, mentor, deadline=step.deadline):
        raise JobFailedError("You do not mentor this group any longer.")
    variables = {"group": str(input.group_id), "after": step.checkpoint.after}
    page = (await step.query(_MEMBERS, variables, mentor))["group"]["membersConnection"]
    values = {"goalType": input.goal_type, "title": input.title, "reason": input.reason}
    students = [
        UUID(node["person"]["id"])
        for node in page["nodes"]
        if node["person"] is not None and node["endsAt"] is None
    ]

    async def effects(transaction: Transaction) -> None:
        for student in students:
            await step.changes(transaction).insert("Suggestion", {"student": student, **values})

    done = step.checkpoint.done + len(students)
    if not page["pageInfo"]["hasNextPage"]:
        return Finished(done=done, effects=effects)
    checkpoint = Page(after=page["pageInfo"]["endCursor"], done=done)
    return Progress(checkpoint=checkpoint, done=done, effects=effects)


KIND = JobKind(input=GroupSuggestion, checkpoint=Page, step=suggest_to_page)
