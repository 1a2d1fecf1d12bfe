"""What an export has of evidence: what is READY, with its files. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from poutama.export_section import (
    ExportColumn,
    ExportFiles,
    ExportParent,
    ExportRow,
    ExportSection,
    JsonObject,
)

_KEYS = """
SELECT id, object_key, thumbnail_key FROM evidence
WHERE id IN (SELECT e.v::uuid FROM jsonb_array_elements_text($1::jsonb) AS e (v))
"""


def _arrange(goal: JsonObject) -> None:
    """Put a note's evidence with the note; with the goal where the note has gone since."""
    notes = {note["id"]: note for note in goal["notes"]}
    for note in notes.values():
        note["evidence"] = []
    own: list[JsonObject] = []
    for evidence in goal["evidence"]:
        note = evidence.pop("note")
        of_note = notes.get(note["id"]) if note else None
        (own if of_note is None else of_note["evidence"]).append(evidence)
    goal["evidence"] = own


def _find_rows(goal: JsonObject) -> Iterator[JsonObject]:
    """The goal's own, then that of its notes."""
    yield from goal["evidence"]
    for note in goal["notes"]:
        yield from note["evidence"]


def _find_note(row: ExportRow) -> JsonObject:
    """The note that a row belongs to; empty if it is the goal's own."""
    for note in row.owner["notes"]:
        if any(evidence is row.node for evidence in note["evidence"]):
            return dict(note)
    return {}


def _is_for_staff(evidence: JsonObject) -> bool:
    note = evidence["note"]
    return note is not None and bool(note["audience"] == "STAFF")


EVIDENCE = ExportSection(
    name="evidence",
    title="Evidence",
    parent=ExportParent.GOAL,
    arguments="(filter: { state: { eq: READY } })",
    fields="id title altText fileName mediaType seconds bytes sha256 createdAt"
    " note { id audience }",
    columns=(
        ExportColumn("evidenceId", "id"),
        ExportColumn("goalId", lambda row: row.owner["id"]),
        ExportColumn("noteId", lambda row: _find_note(row).get("id")),
        ExportColumn("goalTitle", lambda row: row.owner["title"]),
        ExportColumn("title", "title"),
        ExportColumn("altText", "altText"),
        ExportColumn("fileName", "fileName"),
        ExportColumn("mediaType", "mediaType"),
        ExportColumn("seconds", "seconds"),
        ExportColumn("bytes", "bytes"),
        ExportColumn("sha256", "sha256"),
        ExportColumn("goalAudience", lambda row: row.owner["audience"]),
        ExportColumn("noteAudience", lambda row: _find_note(row).get("audience")),
        ExportColumn("createdAt", "createdAt"),
        ExportColumn("file", "file"),
    ),
    arrange=_arrange,
    rows=_find_rows,
    files=ExportFiles(_KEYS),
    is_for_staff=_is_for_staff,
    place=3,
)
