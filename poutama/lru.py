"""A mapping bounded in entries, and in bytes where they are large; the least recently used go.

What keeps plans, prepared statements, verified tokens and budgets uses it. Pure; it never forgets
by time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lru(Generic[K, V]):
    """At most `size` entries, none of which is None. Not for several threads."""

    def __init__(
        self,
        size: int,
        *,
        max_bytes: int | None = None,
        measure: Callable[[K, V], int] | None = None,
    ) -> None:
        """Make it empty.

        Args:
            size: most entries.
            max_bytes: most bytes that they take together; one that takes more is not kept.
            measure: how many bytes an entry takes; called once for each.
        """
        self._size = max(size, 1)
        self._max_bytes = max_bytes
        self._measure = measure
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._sizes: dict[K, int] = {}
        self.bytes = 0
        """What the entries take together; 0 where they are not measured."""

    def get(self, key: K) -> V | None:
        """Return the entry, which has been used now."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: K, value: V) -> None:
        """Keep the entry, which has been used now."""
        self.pop(key)
        if self._measure is not None:
            taken = self._measure(key, value)
            if self._max_bytes is not None and taken > self._max_bytes:
                return
            self._sizes[key] = taken
            self.bytes += taken
        self._entries[key] = value
        while len(self._entries) > self._size or self._is_too_large():
            oldest, _ = self._entries.popitem(last=False)
            self.bytes -= self._sizes.pop(oldest, 0)

    def _is_too_large(self) -> bool:
        return self._max_bytes is not None and self.bytes > self._max_bytes

    def pop(self, key: K) -> V | None:
        """Forget the entry, and return it."""
        self.bytes -= self._sizes.pop(key, 0)
        return self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
        self._sizes.clear()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)
