"""Opened records: how managers and administrators read what a student wrote."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.records import procedures
from poutama.features.records.export import OPENED_RECORDS
from poutama.personal_data import Erasure, PersonalData

FEATURE = Feature(
    name="records",
    package=__package__,
    procedures=(procedures.close_record, procedures.open_record),
    exports=(OPENED_RECORDS,),
    personal_data=(
        PersonalData(
            table="opened_record",
            path="person_id",
            note="who opened their record, when and why",
            export="`openedRecords`",
        ),
        PersonalData(
            table="opened_record",
            path="opener_id",
            columns=("opener_name",),
            erasure=Erasure.KEEP,
            note="records of others that they opened, with the name they had: it is the student's"
            " record, and is deleted with the student",
            export="no: it is about the students",
        ),
    ),
)
