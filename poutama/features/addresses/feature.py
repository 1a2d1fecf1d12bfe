"""Addresses that one person has and another claims."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.addresses import procedures
from poutama.personal_data import Erasure, PersonalData
from poutama.schedule import DAY, Task

FEATURE = Feature(
    name="addresses",
    package=__package__,
    procedures=(procedures.resolve_address_conflict,),
    tasks={"free_addresses": Task("poutama.features.addresses.freeing:free_addresses", DAY)},
    personal_data=(
        PersonalData(
            table="address_conflict",
            path="person_id",
            note="who claims their address: a name of a roster, or a subject of an issuer",
            export="`me { auditConnection }`",
        ),
        PersonalData(
            table="address_conflict",
            matches="this.email = lower(p.email)",
            columns=("email", "claimed_name", "claimant"),
            erasure=Erasure.DELETE,
            note="addresses of others that they claimed and have now",
            export="no: it was about another person",
        ),
        PersonalData(
            table="address_conflict",
            path="decided_by",
            erasure=Erasure.ANONYMISE,
            note="conflicts they decided",
            export="no: they are about others",
        ),
        PersonalData(
            table="address_conflict",
            path="proposed_by",
            erasure=Erasure.ANONYMISE,
            note="conflicts they were the first to decide",
            export="no: they are about others",
        ),
    ),
)
