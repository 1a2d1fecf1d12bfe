"""What the answer to a request for access has of reminders. Pure."""

from __future__ import annotations

from poutama.export_section import ExportColumn, ExportParent, ExportSection

REMINDERS = ExportSection(
    name="reminders",
    title="Reminders",
    parent=ExportParent.ACCESS,
    fields="id kind dueAt goal { id title } createdAt",
    columns=(
        ExportColumn("reminderId", "id"),
        ExportColumn("kind", "kind"),
        ExportColumn("dueAt", "dueAt"),
        ExportColumn("goalId", "goal.id"),
        ExportColumn("goalTitle", "goal.title"),
        ExportColumn("createdAt", "createdAt"),
    ),
)
