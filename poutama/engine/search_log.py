"""Notices a viewer who searches the same texts of other people again and again, and logs it.

The audit has an entry for each person and visit; who probes a text letter by letter shows here.
Called by the engine for each operation whose filters compare others' texts. A record has the fields
and the number, never what was searched for. It counts within one process, and refuses nothing: the
price of a search (`cost_search`) slows it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from uuid import UUID

from poutama.lru import Lru

logger = logging.getLogger(__name__)

LOGGED_EVERY = 20
"""So many searches of the same texts by one viewer, within `WINDOW`, are one record."""
WINDOW = 900.0
"""Seconds."""


class SearchLog:
    """The searches of a process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create one that has seen none; `clock` returns seconds."""
        self._clock = clock
        self._counts: Lru[tuple[UUID, tuple[str, ...]], tuple[float, int]] = Lru(10_000)

    def count(self, viewer: UUID, searched: tuple[str, ...]) -> None:
        """Count an operation that compared these texts, as `Type.field`; logs every twentieth."""
        key = (viewer, tuple(sorted(set(searched))))
        now = self._clock()
        since, number = self._counts.get(key) or (now, 0)
        if now - since > WINDOW:
            since, number = now, 0
        number += 1
        self._counts.put(key, (since, number))
        if number % LOGGED_EVERY == 0:
            record = {"viewer": str(viewer), "fields": list(key[1]), "searches": number}
            logger.warning("repeated search of others' texts: %s", record, extra={"search": record})
