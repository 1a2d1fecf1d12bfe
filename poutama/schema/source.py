"""One SDL file: its name, for messages, and its text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A schema file as it was read."""

    name: str
    text: str
