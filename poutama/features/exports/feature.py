"""A student's learning journey as a file."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.exports.job import EXPORT
from poutama.features.exports.request import export_journey
from poutama.personal_data import Erasure, PersonalData, StoredData
from poutama.schedule import HOUR, Task

FEATURE = Feature(
    name="exports",
    package=__package__,
    procedures=(export_journey,),
    answer_access="poutama.features.exports.request:answer_access",
    jobs={EXPORT: "poutama.features.exports.steps:EXPORT_JOB"},
    tasks={"purge_expired_exports": Task("poutama.features.exports.tasks:clear_exports", HOUR)},
    personal_data=(
        PersonalData(
            table="export_folder",
            erasure=Erasure.SWEEP,
            note="the id in a folder's name, and its files: `purge_expired_exports`",
            export="no: it is where exports are",
            retention="`POUTAMA_EXPORT_DAYS` after the export",
        ),
    ),
    stored_data=(
        StoredData(
            prefix="people/{person}/exports/",
            note="exports of their learning journey, by the person who made them",
            export="no: they are exports",
            retention="`POUTAMA_EXPORT_DAYS` after the export",
        ),
    ),
)
