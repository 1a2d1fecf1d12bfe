"""Accounts of students without an address, and the codes by which they claim them."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.accounts import procedures
from poutama.personal_data import Erasure, PersonalData
from poutama.schedule import HOUR, Task

FEATURE = Feature(
    name="accounts",
    package=__package__,
    procedures=(procedures.claim_account, procedures.make_account_codes),
    tasks={
        "purge_account_codes": Task("poutama.features.accounts.purging:purge_account_codes", HOUR)
    },
    personal_data=(
        PersonalData(
            table="account_code",
            path="person_id",
            note="codes to claim their account, as digests",
            export="`me { auditConnection }`",
            retention="those that were not used, a day after they expire",
        ),
        PersonalData(
            table="account_code",
            path="made_by_id",
            erasure=Erasure.ANONYMISE,
            note="codes they made for students",
            export="no: they are about others",
        ),
        PersonalData(
            table="new_sign_in",
            erasure=Erasure.SWEEP,
            note="attempts of a sign-in to claim an account, by a digest: `purge_account_codes`",
            export="no: it is not a person's yet",
            retention="a day after the last attempt",
        ),
    ),
)
