"""What the product does beyond single changes: the procedures that the schema files name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

from poutama.db.transaction import Transaction
from poutama.journeys.evidence.procedures import (
    add_evidence,
    delete_evidence,
    finish_evidence,
)
from poutama.journeys.exports.request import export_journey
from poutama.journeys.goals import reorder_goal_tasks
from poutama.journeys.groups import (
    accept_membership,
    create_group,
    create_organisation,
    end_membership,
    invite,
    join_group,
    renew_join_code,
)
from poutama.journeys.jobs import cancel_job
from poutama.journeys.reminders import dismiss_reminder
from poutama.journeys.roster.procedures import (
    apply_roster_import,
    check_roster_import,
    start_roster_import,
)
from poutama.settings import Settings
from poutama.viewer import Viewer

Procedure: TypeAlias = Callable[
    [Transaction, Viewer, Mapping[str, Any]], Awaitable[Mapping[str, UUID]]
]

_PROCEDURES: dict[str, Procedure] = {
    procedure.__name__: procedure
    for procedure in (
        accept_membership,
        apply_roster_import,
        cancel_job,
        check_roster_import,
        create_group,
        create_organisation,
        delete_evidence,
        dismiss_reminder,
        end_membership,
        export_journey,
        finish_evidence,
        invite,
        join_group,
        renew_join_code,
        reorder_goal_tasks,
        start_roster_import,
    )
}
# These are given the settings, too.
_CONFIGURED = (add_evidence,)


def build_procedures(settings: Settings) -> dict[str, Procedure]:
    """Name in the schema files -> procedure."""
    configured: dict[str, Procedure] = {
        procedure.__name__: partial(procedure, settings=settings) for procedure in _CONFIGURED
    }
    return _PROCEDURES | configured


PROCEDURES = build_procedures(Settings())
"""With every setting at its default."""
