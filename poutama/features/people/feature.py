"""People, and who read or changed their data."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.people.export import AUDIT

FEATURE = Feature(
    name="people",
    package=__package__,
    exports=(AUDIT,),
)
