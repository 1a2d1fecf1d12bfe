"""`PublicPage`: text of a feature that is read without signing in.

Features declare theirs (`poutama.feature`), `edge.public_pages` serves them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from poutama.db.connection import Database

PublicPage: TypeAlias = Callable[[Database, Mapping[str, str], float], Awaitable[str | None]]
"""Returns plain text for the address's parameters, or None for "not found".

The deadline is an absolute `time.monotonic()`. Strangers call it: it asks the database at most
once, by an index, and refuses before that what cannot be there."""
