"""What a job of the kind ERASURE is given; light, for the API enqueues such jobs."""

from __future__ import annotations

from uuid import UUID

import msgspec

ERASURE = "ERASURE"
"""The kind's name."""


class ErasureInput(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"
):
    """Which request is done; the person is the request's."""

    privacy_request_id: UUID
