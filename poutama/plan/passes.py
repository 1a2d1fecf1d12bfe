"""The rewrites of a plan that reads: pure functions, applied in the order of `PASSES`.

`engine.prepare` applies them to a query and `plan.writes` to a mutation's payload. No plan is
rendered without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from poutama.plan.audit_marks import mark_traces
from poutama.plan.guard import confine_filters, confine_rows, hide_fields
from poutama.plan.nodes import Read
from poutama.plan.ownership import mark_own
from poutama.plan.scan_marks import mark_scans
from poutama.schema.model import Entity

Pass: TypeAlias = Callable[[Mapping[str, Entity], Read], Read]

PASSES: tuple[Pass, ...] = (
    mark_own,
    mark_traces,
    mark_scans,
    confine_filters,
    confine_rows,
    hide_fields,
)


def rewrite_read(entities: Mapping[str, Entity], read: Read) -> Read:
    """The plan as it is rendered: after every pass."""
    for rewrite in PASSES:
        read = rewrite(entities, read)
    return read
