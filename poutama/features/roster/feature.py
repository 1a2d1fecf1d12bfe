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
            table="roster_person",
            path="person_id",
            columns=("username", "shared_email"),
            note="their id and username in the school's system, and the digest of a shared address",
            export="no: the school's system gives it out",
        ),
        PersonalData(
            table="roster_membership",
            path="membership_id.person_id",
            columns=("user_id",),
            note="the ids of their memberships there",
            export="no: the school's system gives them out",
        ),
        PersonalData(
            table="roster_import",
            path="actor_id",
            erasure=Erasure.ANONYMISE,
            note="imports they asked for",
            export="no: they are the organisation's",
        ),
        PersonalData(
            table="roster_staged_person",
            matches="this.target = p.id OR lower(this.email) = lower(p.email)",
            columns=("email", "username"),
            erasure=Erasure.DELETE,
            note="names, emails and usernames of an import under way",
            export="no: what it changes is exported",
            retention="7 days after the last check",
        ),
        PersonalData(
            table="roster_staged_membership",
            path="person_id",
            columns=("user_id",),
            erasure=Erasure.DELETE,
            note="memberships of an import under way",
            export="no: what it changes is exported",
            retention="7 days after the last check",
        ),
        PersonalData(
            table="roster_change",
            erasure=Erasure.SWEEP,
            note="sentences that name people, in reports of imports: `purge_expired_rosters`",
            export="no: what was changed is exported",
            retention="30 days after the import",
        ),
        PersonalData(
            table="job_row_error",
            erasure=Erasure.SWEEP,
            note="rows of a roster that could not be used: `purge_expired_rosters`",
            export="no: they are the school's, and have ids of its system",
            retention="30 days after the import",
        ),
    ),
    stored_data=(
        StoredData(
            prefix="{organisation}/roster/",
            note="the roster's file, and reports of what it changes",
            export="no: they are about a whole school",
            retention="7 days after the last check; reports 30 days after the import",
        ),
    ),
    impersonal_tables=("roster_group", "roster_staged_group", "verified_domain"),
)
