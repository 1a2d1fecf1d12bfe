"""What a job of the kind EVIDENCE is given; light, for the API enqueues such jobs."""

from __future__ import annotations

from uuid import UUID

import msgspec

EVIDENCE = "EVIDENCE"
"""The kind's name."""


class EvidenceInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An upload to look at.

    Attributes:
        evidence: the row's id.
        stem: how the keys of its objects begin, for the row may be deleted meanwhile.
    """

    evidence: UUID
    stem: str
