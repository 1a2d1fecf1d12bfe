"""What the answer to a request for access has of the audit: its newest entries. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from poutama.export_section import ExportColumn, ExportParent, ExportSection, JsonObject


def _find_entries(person: JsonObject) -> Iterable[JsonObject]:
    nodes: list[JsonObject] = person["auditConnection"]["nodes"]
    return nodes


AUDIT = ExportSection(
    name="auditConnection",
    title="Who read or changed the data",
    parent=ExportParent.ACCESS,
    # As many as one operation may cost. `totalCount` says how many there are in all.
    arguments="(first: 250)",
    fields="totalCount nodes { id at action kind rowId actorName organisationName }",
    rows=_find_entries,
    columns=(
        ExportColumn("entryId", "id"),
        ExportColumn("at", "at"),
        ExportColumn("action", "action"),
        ExportColumn("kind", "kind"),
        ExportColumn("rowId", "rowId"),
        ExportColumn("actorName", "actorName"),
        ExportColumn("organisationName", "organisationName"),
    ),
    place=200,
)
"""The person's log."""
