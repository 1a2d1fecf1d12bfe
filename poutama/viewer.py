"""Who is asking: the one value every rule of visibility is written against.

Made by `edge.tokens` from a verified bearer token; read by the plan's guard, which turns it into
parameters of the statement. It never carries the token itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person, named by the id of their `person` row."""

    person_id: UUID
