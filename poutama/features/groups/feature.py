"""Organisations, groups and memberships, how people get into them, and what they consent to."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.groups import (
    confirmations,
    endings,
    group_endings,
    invitations,
    memberships,
    procedures,
)
from poutama.features.groups.export import ACCESS, CONSENTS, MEMBERSHIPS
from poutama.features.groups.notice import Offer, describe_sharing, name_version
from poutama.personal_data import Erasure, PersonalData
from poutama.schedule import DAY, Task


def show_sharing(role: str, organisation: str, verified: bool, group: str | None) -> list[str]:
    """The field `sharing` of an invitation."""
    return describe_sharing(Offer(role, organisation, verified, group))


def show_notice_version(role: str, organisation: str, verified: bool, group: str | None) -> str:
    """The field `noticeVersion` of an invitation."""
    return name_version(Offer(role, organisation, verified, group))


FEATURE = Feature(
    name="groups",
    package=__package__,
    procedures=(
        invitations.decline_invitation,
        invitations.invite,
        confirmations.confirm_membership,
        memberships.accept_membership,
        endings.end_membership,
        group_endings.end_group,
        procedures.create_group,
        procedures.create_organisation,
        procedures.delete_group,
        procedures.join_group,
        procedures.renew_join_code,
        procedures.update_group,
        procedures.update_organisation,
    ),
    computed={"invitation_sharing": show_sharing, "notice_version": show_notice_version},
    tasks={"let_caregivers_wait": Task("poutama.features.groups.lapses:let_caregivers_wait", DAY)},
    exports=(MEMBERSHIPS, CONSENTS, ACCESS),
    personal_data=(
        PersonalData(
            table="membership",
            path="person_id",
            columns=("invited_name", "invited_email", "applicant_name"),
            note="memberships, and invitations' names and emails",
            export="`memberships`",
        ),
        PersonalData(
            table="membership",
            path="child_id",
            note="who cares for them",
            export="`access`",
        ),
        PersonalData(
            table="membership",
            path="granted_by_id",
            erasure=Erasure.ANONYMISE,
            note="memberships they offered to others",
            export="no: they are the others'",
        ),
        PersonalData(
            table="membership",
            path="enrolled_by_id",
            erasure=Erasure.ANONYMISE,
            note="memberships of others that rosters made which they applied",
            export="no: they are the others'",
        ),
        PersonalData(
            table="membership",
            matches="this.person_id IS NULL AND this.invited_email = lower(p.email)",
            columns=("invited_email",),
            erasure=Erasure.DELETE,
            note="invitations to their address",
            export="`query { invitations }`",
        ),
        PersonalData(
            table="consent",
            path="person_id",
            note="what they consented to, and when",
            export="`consents`",
        ),
        PersonalData(
            table="membership",
            path="confirmed_by_id",
            erasure=Erasure.ANONYMISE,
            note="memberships of others that they confirmed",
            export="no: they are the others'",
        ),
        PersonalData(
            table="membership",
            path="ended_by_id",
            erasure=Erasure.ANONYMISE,
            note="memberships of others that they ended",
            export="no: they are the others'",
        ),
        PersonalData(
            table="consent",
            path="given_by_id",
            erasure=Erasure.ANONYMISE,
            note="consents they gave for others",
            export="no: they are the others'",
        ),
        PersonalData(
            table="consent",
            path="withdrawn_by_id",
            erasure=Erasure.ANONYMISE,
            note="consents of others that they ended",
            export="no: they are the others'",
        ),
        PersonalData(
            table="invitation_report",
            path="reporter_id",
            note="invitations they reported",
            export="no: they wrote it to the operator, who answers",
        ),
        PersonalData(
            table="invitation_report",
            path="inviter_id",
            erasure=Erasure.ANONYMISE,
            note="reports about invitations they made",
            export="no: who reported is not shown to them",
        ),
    ),
    impersonal_tables=("learning_group",),
)
