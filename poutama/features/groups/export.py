"""What the answer to a request for access has of memberships, consents and access. Pure."""

from __future__ import annotations

from poutama.export_section import ExportColumn, ExportParent, ExportSection

MEMBERSHIPS = ExportSection(
    name="memberships",
    title="Memberships",
    parent=ExportParent.ACCESS,
    fields="id role source organisation { name } group { name } child { name } grantedBy { name }"
    " beginsAt endsAt acceptedAt confirmed confirmedAt createdAt updatedAt",
    columns=(
        ExportColumn("membershipId", "id"),
        ExportColumn("role", "role"),
        ExportColumn("source", "source"),
        ExportColumn("organisation", "organisation.name"),
        ExportColumn("group", "group.name"),
        ExportColumn("child", "child.name"),
        ExportColumn("grantedBy", "grantedBy.name"),
        ExportColumn("beginsAt", "beginsAt"),
        ExportColumn("endsAt", "endsAt"),
        ExportColumn("acceptedAt", "acceptedAt"),
        ExportColumn("confirmed", "confirmed"),
        ExportColumn("confirmedAt", "confirmedAt"),
        ExportColumn("createdAt", "createdAt"),
        ExportColumn("updatedAt", "updatedAt"),
    ),
)
CONSENTS = ExportSection(
    name="consents",
    title="Consents",
    parent=ExportParent.ACCESS,
    fields="id basis role organisation { name } noticeVersion notice givenAt givenBy { name }"
    " withdrawnAt withdrawnBy { name }",
    columns=(
        ExportColumn("consentId", "id"),
        ExportColumn("basis", "basis"),
        ExportColumn("role", "role"),
        ExportColumn("organisation", "organisation.name"),
        ExportColumn("noticeVersion", "noticeVersion"),
        ExportColumn("notice", "notice"),
        ExportColumn("givenAt", "givenAt"),
        ExportColumn("givenBy", "givenBy.name"),
        ExportColumn("withdrawnAt", "withdrawnAt"),
        ExportColumn("withdrawnBy", "withdrawnBy.name"),
    ),
)
ACCESS = ExportSection(
    name="access",
    title="Who has access",
    parent=ExportParent.ACCESS,
    fields="reason readsGoals holderName organisationName groupName since"
    " grantedByName confirmedByName",
    columns=(
        ExportColumn("reason", "reason"),
        ExportColumn("readsGoals", "readsGoals"),
        ExportColumn("holderName", "holderName"),
        ExportColumn("organisationName", "organisationName"),
        ExportColumn("groupName", "groupName"),
        ExportColumn("since", "since"),
        ExportColumn("grantedByName", "grantedByName"),
        ExportColumn("confirmedByName", "confirmedByName"),
    ),
)
