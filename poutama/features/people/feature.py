"""People, and who read or changed their data."""

from __future__ import annotations

from poutama.feature import Feature

FEATURE = Feature(
    name="people",
    package=__package__,
)
