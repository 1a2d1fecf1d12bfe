"""What the answer to a request for access has of the person's requests. Pure."""

from __future__ import annotations

from poutama.export_section import ExportColumn, ExportParent, ExportSection

PRIVACY_REQUESTS = ExportSection(
    name="privacyRequests",
    title="Requests for access and erasure",
    parent=ExportParent.ACCESS,
    fields="id kind state note dueAt organisation { name } decidedAt deciderName reason createdAt",
    columns=(
        ExportColumn("privacyRequestId", "id"),
        ExportColumn("kind", "kind"),
        ExportColumn("state", "state"),
        ExportColumn("note", "note"),
        ExportColumn("dueAt", "dueAt"),
        ExportColumn("organisation", "organisation.name"),
        ExportColumn("decidedAt", "decidedAt"),
        ExportColumn("deciderName", "deciderName"),
        ExportColumn("reason", "reason"),
        ExportColumn("createdAt", "createdAt"),
    ),
)
