"""What a request for access or erasure can be, and the SQL that finds those that are not done.

Light: the API imports it when it starts.
"""

from __future__ import annotations

from enum import StrEnum


class RequestKind(StrEnum):
    """What a person requests."""

    ACCESS = "ACCESS"
    ERASURE = "ERASURE"


class RequestState(StrEnum):
    """How far a request is."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    DONE = "DONE"


IS_PENDING = """
(r.state = 'OPEN' OR (r.state = 'ACCEPTED' AND (
    r.kind = 'ERASURE'
    OR coalesce((SELECT j.state <> 'SUCCEEDED' FROM job AS j WHERE j.id = r.job_id), false)
)))
"""
"""Whether the request `r` is to be decided, or its job is unfinished."""
