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
            note="memberships, and invitations' names and emails",
        ),
        PersonalData(table="membership", path="child_id", note="who cares for them"),
        PersonalData(
            table="membership",
            path="granted_by_id",
            erasure=Erasure.ANONYMISE,
            note="memberships they offered to others",
        ),
    ),
    impersonal_tables=("learning_group",),
)
