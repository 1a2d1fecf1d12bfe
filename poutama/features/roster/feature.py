"""Imports of schools' rosters."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.roster import procedures
from poutama.features.roster.inputs import APPLY, CHECK
from poutama.personal_data import Erasure, PersonalData, StoredData
from poutama.schedule import HOUR, Task

FEATURE = Feature(
    name="roster",
    package=__package__,
    procedures=(
        procedures.apply_roster_import,
        procedures.check_roster_import,
        procedures.start_roster_import,
    ),
    jobs={
        CHECK: "poutama.features.roster.steps:CHECK_JOB",
        APPLY: "poutama.features.roster.steps:APPLY_JOB",
    },
    tasks={"purge_expired_rosters": Task("poutama.features.roster.tasks:clear_rosters", HOUR)},
    personal_data=(
        PersonalData(
            table="roster_person", path="person_id", note="their id in the school's system"
        ),
        PersonalData(
            table="roster_membership",
            path="membership_id.person_id",
            note="the ids of their memberships there",
        ),
        PersonalData(
            table="roster_import",
            path="actor_id",
            erasure=Erasure.ANONYMISE,
            note="imports they asked for",
        ),
        PersonalData(
            table="roster_staged_person",
            erasure=Erasure.SWEEP,
            note="names and emails of an import under way: `purge_expired_rosters`",
            retention="7 days after the last check",
        ),
        PersonalData(
            table="roster_staged_membership",
            erasure=Erasure.SWEEP,
            note="memberships of an import under way: `purge_expired_rosters`",
            retention="7 days after the last check",
        ),
        PersonalData(
            table="roster_change",
            erasure=Erasure.SWEEP,
            note="sentences that name people: `purge_expired_rosters`",
            retention="30 days after the import",
        ),
    ),
    stored_data=(
        StoredData(
            prefix="{organisation}/roster/",
            note="the roster's file, and reports of what it changes",
            retention="7 days after the last check; reports 30 days after the import",
        ),
    ),
    impersonal_tables=("roster_group", "roster_staged_group"),
)
