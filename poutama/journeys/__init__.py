"""What the product does beyond single changes: the procedures that the schema files name."""

from __future__ import annotations

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

PROCEDURES = {
    procedure.__name__: procedure
    for procedure in (
        accept_membership,
        cancel_job,
        create_group,
        create_organisation,
        end_membership,
        invite,
        join_group,
        renew_join_code,
        reorder_goal_tasks,
    )
}
"""Name in the schema files -> procedure."""
