"""The two jobs of a roster import, as sequences of phases: the check, and the application.

Each call does a little of one phase, and returns where it is. A check reads the file into staged
rows, matches them and counts; it changes nothing else. An application matches them again, for what
there is then, and does it. `docs/roster.md` describes both.
"""

from __future__ import annotations

from collections.abc import Mapping

from poutama.features.roster import conclusions, matching, phases, wanting, writing
from poutama.features.roster.checkpoint import Phase, RosterCheckpoint
from poutama.features.roster.inputs import ApplyInput, CheckInput
from poutama.features.roster.runner import (
    ApplyStep,
    CheckStep,
    PhaseFunction,
    RosterProgress,
    Sweep,
    run_phase,
)
from poutama.features.roster.staged_tables import StagedTable
from poutama.jobs.job import Finished, JobFailedError, JobKind

FUNCTIONS: Mapping[Phase, PhaseFunction] = {
    Phase.BEGIN: phases.begin_application,
    Phase.CLEAN: phases.clean,
    Phase.OPEN: phases.open_file,
    Phase.READ: phases.read_rows,
    Phase.DROP_ENDINGS: conclusions.drop_endings,
    Phase.MATCH_GROUPS: Sweep(StagedTable.GROUP, (matching.MATCH_GROUPS,)),
    Phase.END_GROUPS: conclusions.end_groups,
    Phase.MATCH_PEOPLE: Sweep(StagedTable.PERSON, (matching.MATCH_PEOPLE,)),
    Phase.REFUSE_RIVALS: Sweep(StagedTable.PERSON, (matching.REFUSE_RIVALS,)),
    Phase.END_PEOPLE: conclusions.end_people,
    Phase.MATCH_MEMBERSHIPS: Sweep(StagedTable.MEMBERSHIP, (wanting.MATCH_MEMBERSHIPS,)),
    Phase.END_ENROLMENTS: conclusions.end_enrolments,
    Phase.END_ROLES: conclusions.end_roles,
    Phase.END_USERS: conclusions.end_users,
    Phase.COUNT: conclusions.count,
    Phase.GUARD: phases.guard,
    Phase.WRITE_GROUPS: Sweep(StagedTable.GROUP, writing.WRITE_GROUPS),
    Phase.WRITE_PEOPLE: Sweep(StagedTable.PERSON, writing.WRITE_PEOPLE),
    Phase.WRITE_MEMBERSHIPS: Sweep(StagedTable.MEMBERSHIP, writing.WRITE_MEMBERSHIPS),
    Phase.END_MEMBERSHIPS: Sweep(StagedTable.MEMBERSHIP, writing.END_MEMBERSHIPS),
    Phase.REPORT_PEOPLE: conclusions.report_faults(StagedTable.PERSON),
    Phase.REPORT_MEMBERSHIPS: conclusions.report_faults(StagedTable.MEMBERSHIP),
    Phase.CHOOSE_REPORT: conclusions.choose_report,
    Phase.WRITE_REPORT: conclusions.write_report,
    Phase.FINISH_CHECK: conclusions.finish_check,
    Phase.FINISH_APPLICATION: conclusions.finish_application,
}
"""What each phase does."""

_MATCH = (
    Phase.DROP_ENDINGS,
    Phase.MATCH_GROUPS,
    Phase.END_GROUPS,
    Phase.MATCH_PEOPLE,
    Phase.REFUSE_RIVALS,
    Phase.END_PEOPLE,
    Phase.MATCH_MEMBERSHIPS,
    Phase.END_ENROLMENTS,
    Phase.END_ROLES,
    Phase.END_USERS,
)
CHECK_ORDER = (
    Phase.CLEAN,
    Phase.OPEN,
    Phase.READ,
    *_MATCH,
    Phase.REPORT_PEOPLE,
    Phase.REPORT_MEMBERSHIPS,
    Phase.COUNT,
    Phase.CHOOSE_REPORT,
    Phase.WRITE_REPORT,
    Phase.FINISH_CHECK,
)
"""The phases of a check."""
APPLY_ORDER = (
    Phase.BEGIN,
    *_MATCH,
    Phase.COUNT,
    Phase.GUARD,
    Phase.WRITE_GROUPS,
    Phase.WRITE_PEOPLE,
    Phase.WRITE_MEMBERSHIPS,
    Phase.END_MEMBERSHIPS,
    Phase.REPORT_PEOPLE,
    Phase.REPORT_MEMBERSHIPS,
    Phase.CHOOSE_REPORT,
    Phase.WRITE_REPORT,
    Phase.CLEAN,
    Phase.FINISH_APPLICATION,
)
"""The phases of an application."""


NO_ADMIN = "The person who requested this no longer administers the organisation."


async def check_roster(step: CheckStep) -> RosterProgress | Finished:
    """One step of a ROSTER_CHECK job.

    Raises:
        JobFailedError: the file cannot be read as a roster, the person who requested it may not
            do so any longer, or the import is gone.
    """
    await _require_administrator(step, "checkRosterImport")
    return await run_phase(step, CHECK_ORDER, FUNCTIONS)


async def apply_roster(step: ApplyStep) -> RosterProgress | Finished:
    """One step of a ROSTER_APPLY job.

    Raises:
        JobFailedError: too much would end, the person who requested it may not do so any longer,
            or the import is gone.
    """
    await _require_administrator(step, "applyRosterImport")
    return await run_phase(step, APPLY_ORDER, FUNCTIONS)


async def _require_administrator(step: CheckStep | ApplyStep, mutation: str) -> None:
    """Stop at the step after the person has lost the right; what is done stays done."""
    asked = {"importId": step.input.import_id}
    if not await step.permits.hold(mutation, asked, step.job.person_id, deadline=step.deadline):
        raise JobFailedError(NO_ADMIN)


CHECK_JOB = JobKind(input=CheckInput, checkpoint=RosterCheckpoint, step=check_roster)
APPLY_JOB = JobKind(input=ApplyInput, checkpoint=RosterCheckpoint, step=apply_roster)
"""What workers run."""
