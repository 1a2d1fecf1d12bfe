"""The two jobs of a roster import, as sequences of phases: the check, and the application.

Each call does a little of one phase, and returns where it is. A check reads the file into staged
rows, matches them and counts; it changes nothing else. An application matches them again, for what
there is then, and does it. `docs/roster.md` describes both.
"""

from __future__ import annotations

from collections.abc import Mapping

from poutama.features.roster import final_phases, matching, membership_changes, phases, writing
from poutama.features.roster.checkpoint import RosterCheckpoint, RosterPhase
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

FUNCTIONS: Mapping[RosterPhase, PhaseFunction] = {
    RosterPhase.BEGIN: phases.begin_application,
    RosterPhase.CLEAN: phases.clean,
    RosterPhase.OPEN: phases.open_file,
    RosterPhase.READ: phases.read_rows,
    RosterPhase.DROP_ENDINGS: final_phases.drop_endings,
    RosterPhase.MATCH_GROUPS: Sweep(StagedTable.GROUP, (matching.MATCH_GROUPS,)),
    RosterPhase.END_GROUPS: final_phases.end_groups,
    RosterPhase.MATCH_PEOPLE: Sweep(
        StagedTable.PERSON, (matching.MARK_SHARED, matching.MATCH_PEOPLE)
    ),
    RosterPhase.REFUSE_RIVALS: Sweep(
        StagedTable.PERSON, (matching.REFUSE_RIVALS, *matching.RECORD_CONFLICTS)
    ),
    RosterPhase.END_PEOPLE: final_phases.end_people,
    RosterPhase.MATCH_MEMBERSHIPS: Sweep(
        StagedTable.MEMBERSHIP, (membership_changes.MATCH_MEMBERSHIPS,), pauses=True
    ),
    RosterPhase.END_ENROLMENTS: final_phases.end_enrolments,
    RosterPhase.END_ROLES: final_phases.end_roles,
    RosterPhase.END_USERS: final_phases.end_users,
    RosterPhase.COMBINE_MEMBERSHIPS: Sweep(
        StagedTable.MEMBERSHIP, membership_changes.COMBINE_MEMBERSHIPS
    ),
    RosterPhase.COUNT: final_phases.count,
    RosterPhase.GUARD: phases.guard,
    RosterPhase.WRITE_GROUPS: Sweep(StagedTable.GROUP, writing.WRITE_GROUPS),
    RosterPhase.WRITE_PEOPLE: Sweep(StagedTable.PERSON, writing.WRITE_PEOPLE),
    RosterPhase.WRITE_MEMBERSHIPS: Sweep(StagedTable.MEMBERSHIP, writing.WRITE_MEMBERSHIPS),
    RosterPhase.END_LINKS: Sweep(StagedTable.MEMBERSHIP, writing.END_LINKS),
    RosterPhase.END_MEMBERSHIPS: Sweep(StagedTable.MEMBERSHIP, writing.END_MEMBERSHIPS),
    RosterPhase.REPORT_PEOPLE: final_phases.report_faults(StagedTable.PERSON),
    RosterPhase.REPORT_MEMBERSHIPS: final_phases.report_faults(StagedTable.MEMBERSHIP),
    RosterPhase.CHOOSE_REPORT: final_phases.choose_report,
    RosterPhase.WRITE_REPORT: final_phases.write_report,
    RosterPhase.FINISH_CHECK: final_phases.finish_check,
    RosterPhase.FINISH_APPLICATION: final_phases.finish_application,
}
"""What each phase does."""

_MATCH = (
    RosterPhase.DROP_ENDINGS,
    RosterPhase.MATCH_GROUPS,
    RosterPhase.END_GROUPS,
    RosterPhase.MATCH_PEOPLE,
    RosterPhase.REFUSE_RIVALS,
    RosterPhase.END_PEOPLE,
    RosterPhase.MATCH_MEMBERSHIPS,
    RosterPhase.END_ENROLMENTS,
    RosterPhase.END_ROLES,
    RosterPhase.END_USERS,
    RosterPhase.COMBINE_MEMBERSHIPS,
)
CHECK_ORDER = (
    RosterPhase.CLEAN,
    RosterPhase.OPEN,
    RosterPhase.READ,
    *_MATCH,
    RosterPhase.REPORT_PEOPLE,
    RosterPhase.REPORT_MEMBERSHIPS,
    RosterPhase.COUNT,
    RosterPhase.CHOOSE_REPORT,
    RosterPhase.WRITE_REPORT,
    RosterPhase.FINISH_CHECK,
)
"""The phases of a check."""
APPLY_ORDER = (
    RosterPhase.BEGIN,
    *_MATCH,
    RosterPhase.COUNT,
    RosterPhase.GUARD,
    RosterPhase.WRITE_GROUPS,
    RosterPhase.WRITE_PEOPLE,
    RosterPhase.WRITE_MEMBERSHIPS,
    RosterPhase.END_LINKS,
    RosterPhase.END_MEMBERSHIPS,
    RosterPhase.REPORT_PEOPLE,
    RosterPhase.REPORT_MEMBERSHIPS,
    RosterPhase.CHOOSE_REPORT,
    RosterPhase.WRITE_REPORT,
    RosterPhase.CLEAN,
    RosterPhase.FINISH_APPLICATION,
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
    permitted = {"importId": step.input.import_id}
    if not await step.permits.hold(mutation, permitted, step.job.person_id, deadline=step.deadline):
        raise JobFailedError(NO_ADMIN)


CHECK_JOB = JobKind(input=CheckInput, checkpoint=RosterCheckpoint, step=check_roster)
APPLY_JOB = JobKind(input=ApplyInput, checkpoint=RosterCheckpoint, step=apply_roster)
"""What workers run."""
