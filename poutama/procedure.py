"""What a procedure is: a mutation in Python, declared in SDL by `@procedure`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from uuid import UUID

Procedure: TypeAlias = Callable[..., Awaitable[Mapping[str, UUID]]]
"""Runs in the mutation's transaction, perhaps several times over: `(transaction, viewer, given)`.

It returns the id of the row for each field of its payload."""
