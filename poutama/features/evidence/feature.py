"""Photos, documents and recordings on goals and notes."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.evidence import procedures
from poutama.features.evidence.export import EVIDENCE as EVIDENCE_SECTION
from poutama.features.evidence.inputs import EVIDENCE
from poutama.features.evidence.keys import EVIDENCE_KEYS
from poutama.personal_data import Erasure, PersonalData, StoredData
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
        "purge_unfinished_uploads": Task(
            "poutama.features.evidence.sweep:purge_unfinished_uploads", 10 * MINUTE
        )
    },
    exports=(EVIDENCE_SECTION,),
    personal_data=(
        PersonalData(
            table="evidence",
            path="goal_id.person_id",
            erasure=Erasure.SWEEP,
            counted=False,
            note="photos, documents and recordings: `purge_unfinished_uploads`",
            export="`evidence`",
        ),
        PersonalData(
            table="evidence",
            path="uploader_id",
            erasure=Erasure.ANONYMISE,
            counted=False,
            note="photos, documents and recordings of others that they uploaded",
            export="no: they are on the others' goals",
        ),
        PersonalData(
            table="evidence_usage",
            path="person_id",
            counted=False,
            note="how much they have uploaded",
            export="no: a sum of what is exported",
        ),
    ),
    stored_data=(
        StoredData(
            prefix="evidence/",
            note="photos, documents and recordings",
            retention="with the evidence, or a day after an upload that was not finished",
            export="`evidence`",
            keys=EVIDENCE_KEYS,
        ),
        # Files from before: their keys name a person or an organisation.
        StoredData(
            prefix="{organisation}/evidence/",
            note="older photos, documents and recordings of students of an organisation",
            retention="with the evidence, or a day after an upload that was not finished",
            export="`evidence`",
            keys=EVIDENCE_KEYS,
        ),
        StoredData(
            prefix="people/{person}/evidence/",
            note="older photos, documents and recordings of people without an organisation",
            retention="with the evidence, or a day after an upload that was not finished",
            export="`evidence`",
            keys=EVIDENCE_KEYS,
        ),
    ),
)
