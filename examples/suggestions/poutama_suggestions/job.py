"""The job's input and checkpoint; the procedure that adds one needs no more than these."""

from __future__ import annotations

from uuid import UUID

import msgspec

SUGGEST_TO_GROUP = "SUGGEST_TO_GROUP"


class GroupSuggestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is suggested, and to which group."""

    group_id: UUID
    goal_type: str
    title: str
    reason: str


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cursor after which the next page of the group's members begins."""

    after: str | None = None
    done: int = 0
