"""Names, ids and moments of the sample rows: one student, and those who are something to them.

`tests.db.sample_people` holds the people and memberships; the records of features add theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID, uuid5

from poutama.text import fold

Row: TypeAlias = Mapping[str, object]

NAMESPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
JOIN_CODE = "KAUR2345"
LONG_AGO = datetime.now(UTC) - timedelta(days=100)
LATELY = datetime.now(UTC) - timedelta(days=2)

PERSON = "{ id name email goals { id notes { id author { id email } } } memberships { id } }"
"""All that a payload might give away of a person."""
MEMBER = f"{{ id role acceptedAt endsAt person {PERSON} child {PERSON} }}"
GROUP = f"{{ id joinCode progress {{ active completed }} members {MEMBER} }}"
ORGANISATION = f"{{ id groups {GROUP} memberships {MEMBER} }}"
GOAL = f"{{ id owner {PERSON} tasks {{ id }} notes {{ id author {PERSON} }} }}"


def id_of(name: str) -> UUID:
    """The id of a person, or of a thing, by its name."""
    return uuid5(NAMESPACE, name)


def searched(column: str, text: str) -> Row:
    """A text and what it is searched by."""
    return {column: text, f"{column}_search": fold(text)}
