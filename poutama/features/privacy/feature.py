"""Requests of people for access to their data and for its erasure."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.privacy import procedures
from poutama.features.privacy.export import PRIVACY_REQUESTS
from poutama.features.privacy.inputs import ERASURE
from poutama.features.privacy.receipt_page import PATH
from poutama.personal_data import Erasure, PersonalData
from poutama.schedule import DAY, Task

FEATURE = Feature(
    name="privacy",
    package=__package__,
    procedures=(
        procedures.accept_privacy_request,
        procedures.refuse_privacy_request,
        procedures.request_access,
        procedures.request_erasure,
    ),
    jobs={ERASURE: "poutama.features.privacy.job:ERASURE_JOB"},
    tasks={"remind_of_requests": Task("poutama.features.privacy.tasks:remind_deciders", DAY)},
    pages={PATH: "poutama.features.privacy.receipt_page:show_receipt"},
    exports=(PRIVACY_REQUESTS,),
    personal_data=(
        PersonalData(
            table="privacy_request",
            path="person_id",
            note="requests for access and erasure",
            export="`privacyRequests`",
        ),
        PersonalData(
            table="privacy_request",
            columns=("decider_name",),
            erasure=Erasure.KEEP,
            note="the request for erasure itself, without the person: its dates, the name of the"
            " administrator who decided, and the receipt prove that it was done, for as long as the"
            " organisation exists",
            export="no: there is none while the person stays",
        ),
    ),
)
