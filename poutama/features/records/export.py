"""What the answer to a request for access has of opened records. Pure."""

from __future__ import annotations

from poutama.export_section import ExportColumn, ExportParent, ExportSection

OPENED_RECORDS = ExportSection(
    name="openedRecords",
    title="Opened records",
    parent=ExportParent.ACCESS,
    fields="id reason openerName organisation { name } createdAt expiresAt closedAt",
    columns=(
        ExportColumn("openedRecordId", "id"),
        ExportColumn("reason", "reason"),
        ExportColumn("openerName", "openerName"),
        ExportColumn("organisation", "organisation.name"),
        ExportColumn("createdAt", "createdAt"),
        ExportColumn("expiresAt", "expiresAt"),
        ExportColumn("closedAt", "closedAt"),
    ),
)
