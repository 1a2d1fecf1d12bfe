"""Organisations, groups and memberships."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.groups import procedures

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
)
