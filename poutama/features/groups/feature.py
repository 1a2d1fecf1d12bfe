"""Organisations, groups and memberships."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.groups import procedures
from poutama.personal_data import Erasure, PersonalData

FEATURE = Feature(
    name="groups",
    package=__package__,
    procedures=(
        procedures.accept_membership,
        procedures.create_group,
        procedures.create_organisation,
        procedures.end_membership,
        procedures.invite,
        procedures.join_group,
        procedures.renew_join_code,
    ),
    personal_data=(
        PersonalData(
            table="membership",
            path="person_id",
            columns=("invited_name", "invited_email"),
            note="memberships, and invitations' names and emails",
            export="`me { memberships }`",
        ),
        PersonalData(
            table="membership",
            path="child_id",
            note="who cares for them",
            export="`me { auditConnection }`",
        ),
        PersonalData(
            table="membership",
            path="granted_by_id",
            erasure=Erasure.ANONYMISE,
            note="memberships they offered to others",
            export="no: they are the others'",
        ),
    ),
    impersonal_tables=("learning_group",),
)
