"""The kinds of jobs: what each name in the column `job.kind` runs.

Imported by workers alone, never by the function that answers requests: steps may need much more
than it does. `docs/jobs.md` shows how a kind is written.
"""

from __future__ import annotations

from collections.abc import Mapping

from poutama.jobs.job import StepFunction
from poutama.journeys.evidence.job import prepare_evidence
from poutama.journeys.evidence.procedures import JOB_KIND as EVIDENCE
from poutama.journeys.exports.request import JOB_KIND as EXPORT
from poutama.journeys.exports.steps import export_step
from poutama.journeys.roster.procedures import APPLY, CHECK
from poutama.journeys.roster.steps import apply_roster, check_roster

KINDS: Mapping[str, StepFunction] = {
    EVIDENCE: prepare_evidence,
    EXPORT: export_step,
    CHECK: check_roster,
    APPLY: apply_roster,
}
