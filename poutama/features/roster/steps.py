"""The two jobs of a roster import, as walks over phases: the check, and the application.

Each call does a little of one phase, and gives back where it is. A
check reads the file into staged rows, matches them and counts; it changes nothing else. An
application matches them again, for what there is by then, and does it. `docs/roster.md` has both
walks.
"""

from __future__ import annotations

from poutama.features.roster import conclusions, matching, phases, wanting, writing
from poutama.features.roster.inputs import ApplyInput, CheckInput
from poutama.features.roster.staging import GROUP, MEMBERSHIP, PERSON
from poutama.features.roster.walk import Phase, Sweep, WalkCheckpoint, WalkStep, walk
from poutama.jobs.job import Finished, JobKind, Progress

_MATCH: tuple[tuple[str, Phase], ...] = (
    ("forget endings", conclusions.forget_endings),
    ("match groups", Sweep(GROUP, (matching.MATCH_GROUPS,))),
    ("end groups", conclusions.end_groups),
    ("match people", Sweep(PERSON, (matching.MATCH_PEOPLE,))),
    ("refuse rivals", Sweep(PERSON, (matching.REFUSE_RIVALS,))),
    ("end people", conclusions.end_people),
    ("match memberships", Sweep(MEMBERSHIP, (wanting.MATCH_MEMBERSHIPS,))),
    ("end enrolments", conclusions.end_enrolments),
    ("end roles", conclusions.end_roles),
    ("end users", conclusions.end_users),
)
CHECK: tuple[tuple[str, Phase], ...] = (
    ("clean", phases.clean),
    ("open", phases.open_file),
    ("read", phases.read_rows),
    *_MATCH,
    ("tell people", conclusions.tell_faults(PERSON)),
    ("tell memberships", conclusions.tell_faults(MEMBERSHIP)),
    ("count", conclusions.count),
    ("choose report", conclusions.choose_report),
    ("report", conclusions.write_report),
    ("finish", conclusions.finish_check),
)
"""The phases of a check."""
APPLY: tuple[tuple[str, Phase], ...] = (
    ("begin", phases.begin_application),
    *_MATCH,
    ("count", conclusions.count),
    ("guard", phases.guard),
    ("write groups", Sweep(GROUP, writing.WRITE_GROUPS)),
    ("write people", Sweep(PERSON, writing.WRITE_PEOPLE)),
    ("write memberships", Sweep(MEMBERSHIP, writing.WRITE_MEMBERSHIPS)),
    ("end memberships", Sweep(MEMBERSHIP, writing.END_MEMBERSHIPS)),
    ("tell people", conclusions.tell_faults(PERSON)),
    ("tell memberships", conclusions.tell_faults(MEMBERSHIP)),
    ("choose report", conclusions.choose_report),
    ("report", conclusions.write_report),
    ("clean", phases.clean),
    ("finish", conclusions.finish_application),
)
"""The phases of an application."""


async def check_roster(step: WalkStep) -> Progress[WalkCheckpoint] | Finished:
    """One step of a ROSTER_CHECK job.

    Raises:
        JobFailedError: the file cannot be read as a roster, or the import is gone.
    """
    return await walk(step, CHECK)


async def apply_roster(step: WalkStep) -> Progress[WalkCheckpoint] | Finished:
    """One step of a ROSTER_APPLY job.

    Raises:
        JobFailedError: too much would end, whoever asked may not any more, or the import is gone.
    """
    return await walk(step, APPLY)


CHECK_JOB = JobKind(input=CheckInput, checkpoint=WalkCheckpoint, step=check_roster)
APPLY_JOB = JobKind(input=ApplyInput, checkpoint=WalkCheckpoint, step=apply_roster)
"""What workers run."""
