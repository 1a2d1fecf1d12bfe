"""The mutations of evidence that take more than one change: announce, finish, delete.

A file never passes through here: what is added is a row with a key, for which the engine signs a
form. Who may call them is declared beside each mutation in `evidence.graphql`.
"""

from __future__ import annotations

import secrets
from uuid import UUID

import msgspec

from poutama.db.statements import load_sql
from poutama.errors import BadUserInputError, NotFoundError
from poutama.features.evidence.inputs import EVIDENCE, EvidenceInput
from poutama.features.evidence.keys import every_key, upload_key
from poutama.features.evidence.types import (
    NOT_DECLARED,
    FileType,
    UnfitFileError,
    fit_file_name,
    read_declared_type,
)
from poutama.features.evidence.usage import Holder, release_quota, reserve_quota
from poutama.jobs.table import enqueue
from poutama.procedure import ProcedureContext
from poutama.settings import Settings
from poutama.sql.relationship import render_is_current
from poutama.store.deletion import schedule_deletion

_FIND_NOTE = "SELECT 1 FROM goal_note WHERE id = $1::uuid AND goal_id = $2::uuid"
_SQL = load_sql(
    __package__, "procedures.sql", {"membership_counts": render_is_current("membership")}
)
_FIND = """
SELECT e.goal_id, e.state, e.stem, e.bytes, e.uploader_id, e.organisation_id,
    j.state AS job_state
FROM evidence AS e LEFT JOIN job AS j ON j.id = e.job_id WHERE e.id = $1::uuid
"""
_WORKED_ON = ("QUEUED", "RUNNING", "SUCCEEDED")


class AddEvidenceInput(msgspec.Struct, frozen=True, rename="camel"):
    """What is announced of a file."""

    goal_id: UUID
    title: str
    alt_text: str
    file_name: str
    media_type: str
    bytes: int
    sha256: str
    note_id: UUID | None = None
    id: UUID | None = None


class FinishEvidenceInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which evidence."""

    evidence_id: UUID


class DeleteEvidenceInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which evidence, and which version of it."""

    evidence_id: UUID
    expected_version: int | None = None


class EvidencePayload(msgspec.Struct, frozen=True):
    """The evidence."""

    evidence: UUID


class DeleteEvidencePayload(msgspec.Struct, frozen=True, rename="camel"):
    """The evidence that is gone, and the goal that it belonged to."""

    deleted_evidence_id: UUID
    goal: UUID


async def add_evidence(context: ProcedureContext, input: AddEvidenceInput) -> EvidencePayload:
    """Announce a file for a goal, and reserve the bytes that it needs.

    Raises:
        BadUserInputError: the type or the size is not one that evidence may have.
        NotFoundError: the note is not the goal's.
        QuotaExceededError: the caller's or their organisation's quota is used up.
    """
    file_type = _check_file(input, context.settings)
    transaction, person = context.transaction, context.viewer.person_id
    if input.note_id is not None and not await transaction.fetch(
        _FIND_NOTE, input.note_id, input.goal_id
    ):
        raise NotFoundError.of("GoalNote")
    rows = await transaction.fetch(_SQL["find_organisation"], person)
    holder = Holder(person, rows[0]["organisation_id"] if rows else None)
    await reserve_quota(transaction, context.settings, holder, input.bytes)
    stem = _new_stem()
    evidence = await context.changes.insert(
        "Evidence",
        {
            "goal": input.goal_id,
            "addedTo": "GOAL" if input.note_id is None else "NOTE",
            "note": input.note_id,
            "title": input.title,
            "altText": input.alt_text,
            "fileName": fit_file_name(input.file_name, file_type),
            "mediaType": NOT_DECLARED if file_type is None else file_type.media_type,
            "bytes": input.bytes,
            "sha256": input.sha256.lower(),
        },
        columns={
            "uploader_id": person,
            "organisation_id": holder.organisation,
            "stem": stem,
            "upload_key": upload_key(stem),
        },
        row=input.id,
    )
    return EvidencePayload(evidence)


async def finish_evidence(context: ProcedureContext, input: FinishEvidenceInput) -> EvidencePayload:
    """Have an upload looked at; once, however often the client calls."""
    evidence, person = input.evidence_id, context.viewer.person_id
    (row,) = await context.transaction.fetch(_FIND, evidence)
    if row["state"] == "PENDING" and row["job_state"] not in _WORKED_ON:
        job_input = EvidenceInput(evidence=evidence, stem=row["stem"])
        job = await enqueue(
            context.transaction, EVIDENCE, person_id=person, subject_id=person, input=job_input
        )
        await context.changes.update("Evidence", evidence, {}, columns={"job_id": job})
    return EvidencePayload(evidence)


async def delete_evidence(
    context: ProcedureContext, input: DeleteEvidenceInput
) -> DeleteEvidencePayload:
    """Delete evidence; its objects are deleted after the commit.

    Raises:
        ConflictError: it has another version than expected.
    """
    (row,) = await context.transaction.fetch(_FIND, input.evidence_id)
    await context.changes.delete(
        "Evidence", input.evidence_id, expected_version=input.expected_version
    )
    if row["state"] != "REJECTED":
        holder = Holder(row["uploader_id"], row["organisation_id"])
        await release_quota(context.transaction, holder, row["bytes"])
    await schedule_deletion(context.transaction, every_key(row["stem"]))
    return DeleteEvidencePayload(input.evidence_id, row["goal_id"])


def _check_file(input: AddEvidenceInput, settings: Settings) -> FileType | None:
    """The type of what is announced, as far as the caller knows it.

    Raises:
        BadUserInputError: no file of evidence has this type or size.
    """
    try:
        file_type = read_declared_type(input.media_type)
    except UnfitFileError as error:
        expected = "a picture, a document, or a recording of sound or video"
        raise BadUserInputError.at("input.mediaType", f"{expected}. {error.message}") from error
    largest = settings.evidence_max_bytes
    if file_type is None or file_type.is_media:
        largest = max(largest, settings.evidence_max_media_bytes)
    if input.bytes > largest:
        raise BadUserInputError.at("input.bytes", f"1 to {largest}, got {input.bytes}")
    return file_type


def _new_stem() -> str:
    """How the keys of new evidence begin; it cannot be guessed.

    Whose it is stands in the row alone: people of other organisations see the key in the address.
    """
    return f"evidence/{secrets.token_urlsafe(24)}"
