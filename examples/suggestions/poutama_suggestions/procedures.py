"""The procedures of suggestions: accept, decline, and suggest to a group.

Poutama calls them in the mutation's transaction, once the schema's `@permit` and the directives of
the input have been checked.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from poutama.jobs.table import enqueue
from poutama.procedure import ProcedureContext
from poutama_suggestions.job import SUGGEST_TO_GROUP, GroupSuggestion

_FIND = "SELECT goal_type, title, reason FROM suggestion WHERE id = $1::uuid"


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """Which suggestion, and the version that the student has seen."""

    suggestion_id: UUID
    expected_version: int | None = None


class Accepted(msgspec.Struct, frozen=True):
    """The suggestion, and the goal that it became."""

    suggestion: UUID
    goal: UUID


class Declined(msgspec.Struct, frozen=True):
    """The suggestion."""

    suggestion: UUID


class GroupRequest(msgspec.Struct, frozen=True, rename="camel"):
    """What is suggested, and to which group."""

    group_id: UUID
    goal_type: str
    title: str
    reason: str


class Requested(msgspec.Struct, frozen=True):
    """The job that does it."""

    job: UUID


async def accept_suggestion(context: ProcedureContext, input: Answer) -> Accepted:
    """Make the suggestion a goal of the caller's."""
    (row,) = await context.transaction.fetch(_FIND, input.suggestion_id)
    goal = await context.changes.insert(
        "Goal",
        {"goalType": row["goal_type"], "title": row["title"], "information": row["reason"]},
    )
    await context.changes.update(
        "Suggestion",
        input.suggestion_id,
        {"state": "ACCEPTED", "goal": goal},
        expected_version=input.expected_version,
    )
    return Accepted(input.suggestion_id, goal)


async def decline_suggestion(context: ProcedureContext, input: Answer) -> Declined:
    """Decline it; the mentor sees that."""
    await context.changes.update(
        "Suggestion",
        input.suggestion_id,
        {"state": "DECLINED"},
        expected_version=input.expected_version,
    )
    return Declined(input.suggestion_id)


async def suggest_to_group(context: ProcedureContext, input: GroupRequest) -> Requested:
    """Add the job that suggests the goal to each student of the group."""
    job = await enqueue(
        context.transaction,
        SUGGEST_TO_GROUP,
        person_id=context.viewer.person_id,
        input=GroupSuggestion(
            group_id=input.group_id,
            goal_type=input.goal_type,
            title=input.title,
            reason=input.reason,
        ),
    )
    return Requested(job)
