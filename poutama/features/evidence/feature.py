"""Photos and documents on goals and notes."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.evidence import procedures
from poutama.features.evidence.inputs import EVIDENCE
from poutama.schedule import MINUTE, Task

FEATURE = Feature(
    name="evidence",
    package=__package__,
    procedures=(
        procedures.add_evidence,
        procedures.delete_evidence,
        procedures.finish_evidence,
    ),
    jobs={EVIDENCE: "poutama.features.evidence.job:EVIDENCE_JOB"},
    tasks={
        "forget_unfinished_uploads": Task(
            "poutama.features.evidence.tasks:clear_uploads", 10 * MINUTE
        )
    },
)
