"""The inputs of the jobs of a roster import; light, for the API enqueues such jobs."""

from __future__ import annotations

from uuid import UUID

import msgspec

CHECK, APPLY = "ROSTER_CHECK", "ROSTER_APPLY"
"""The kinds' names."""


class CheckInput(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"import_id": "import"},
):
    """An import to check."""

    import_id: UUID


class ApplyInput(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"import_id": "import", "allow_ending_percent": "allowEndingPercent"},
):
    """An import to apply.

    Attributes:
        allow_ending_percent: the job fails where more of the memberships by rosters would end.
    """

    import_id: UUID
    allow_ending_percent: int
