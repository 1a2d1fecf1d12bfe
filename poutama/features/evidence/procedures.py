"""The mutations of evidence that take more than one change: announce, finish, delete.

Each runs in the mutation's transaction, perhaps several times over. A file never passes through
here: what is added is a row with a key, for which the engine signs a form.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from poutama.audit import record_change
from poutama.db.transaction import Transaction
from poutama.errors import BadUserInputError, ConflictError, NotFoundError
from poutama.features.evidence.inputs import EVIDENCE, EvidenceInput
from poutama.features.evidence.keys import every_key, upload_key
from poutama.features.evidence.types import FILE_TYPES, FileType, fit_file_name
from poutama.features.evidence.usage import Holder, give_room_back, take_room
from poutama.jobs.table import enqueue
from poutama.settings import Settings
from poutama.sql.standing import render_counting
from poutama.store.deletion import doom_objects
from poutama.text import fold, normalize
from poutama.viewer import Viewer

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIND_GOAL = "SELECT 1 FROM goal WHERE id = $1::uuid AND person_id = $2::uuid"
_FIND_NOTE = "SELECT 1 FROM goal_note WHERE id = $1::uuid AND goal_id = $2::uuid"
# Somebody who is a student of several counts with the first.
_FIND_ORGANISATION = f"""
SELECT organisation_id FROM membership
WHERE person_id = $1::uuid AND role = 'STUDENT' AND {render_counting("membership")}
ORDER BY begins_at, id LIMIT 1
"""  # noqa: S608  constants
_ADD = """
INSERT INTO evidence
    (id, goal_id, note_id, uploader_id, organisation_id, title, title_search, alt_text, file_name,
    media_type, bytes, sha256, stem, upload_key)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::text, $7::text, $8::text, $9::text,
    $10::text, $11::int8, $12::text, $13::text, $14::text)
"""
_FIND = """
SELECT e.goal_id, e.state, e.stem, e.bytes, e.version, e.uploader_id, e.organisation_id,
    j.state AS job_state
FROM evidence AS e JOIN goal AS g ON g.id = e.goal_id LEFT JOIN job AS j ON j.id = e.job_id
WHERE e.id = $1::uuid AND g.person_id = $2::uuid
"""
_SET_JOB = """
UPDATE evidence SET job_id = $2::uuid, version = version + 1, updated_at = now()
WHERE id = $1::uuid
"""
_DELETE = "DELETE FROM evidence WHERE id = $1::uuid"
_WORKED_ON = ("QUEUED", "RUNNING", "SUCCEEDED")

Given = Mapping[str, Any]
Ids = Mapping[str, UUID]


async def add_evidence(
    transaction: Transaction, viewer: Viewer, given: Given, *, settings: Settings
) -> Ids:
    """Announce a file for a goal of the viewer's own, and take the room that it needs.

    Raises:
        BadUserInputError: something about the file cannot be.
        NotFoundError: the viewer has no such goal, or the goal no such note.
        QuotaExceededError: the viewer or their organisation has no room for it.
    """
    title = _text(given, "title", 1, 200)
    alt_text = _text(given, "altText", 0, 1000)
    file_type, bytes_, sha256 = _file(given, settings)
    file_name = fit_file_name(_text(given, "fileName", 1, 1000), file_type)
    goal, note, person = given["goalId"], given.get("noteId"), viewer.person_id
    if not await transaction.fetch(_FIND_GOAL, goal, person):
        raise _missing("addEvidence", "goal")
    if note is not None and not await transaction.fetch(_FIND_NOTE, note, goal):
        raise _missing("addEvidence", "note")
    rows = await transaction.fetch(_FIND_ORGANISATION, person)
    holder = Holder(person, rows[0]["organisation_id"] if rows else None)
    await take_room(transaction, settings, holder, bytes_)
    evidence, stem = uuid4(), _new_stem(holder)
    await transaction.execute(
        _ADD,
        *(evidence, goal, note, person, holder.organisation),
        *(title, fold(title), alt_text, file_name),
        *(file_type.media_type, bytes_, sha256, stem, upload_key(stem)),
    )
    await record_change(transaction, viewer, "INSERT", "Evidence", evidence, person)
    return {"evidence": evidence}


async def finish_evidence(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Have an upload looked at; once, however often it is said.

    Raises:
        NotFoundError: the viewer has no such evidence.
    """
    evidence, person = given["evidenceId"], viewer.person_id
    found = await transaction.fetch(_FIND, evidence, person)
    if not found:
        raise _missing("finishEvidence", "evidence")
    if found[0]["state"] == "PENDING" and found[0]["job_state"] not in _WORKED_ON:
        asked = EvidenceInput(evidence=evidence, stem=found[0]["stem"])
        job = await enqueue(transaction, EVIDENCE, person_id=person, subject_id=person, input=asked)
        await transaction.execute(_SET_JOB, evidence, job)
        await record_change(transaction, viewer, "UPDATE", "Evidence", evidence, person)
    return {"evidence": evidence}


async def delete_evidence(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Delete evidence; its objects go after the commit.

    Raises:
        NotFoundError: the viewer has no such evidence.
        ConflictError: it has another version than expected.
    """
    evidence, expected = given["evidenceId"], given.get("expectedVersion")
    found = await transaction.fetch(_FIND, evidence, viewer.person_id)
    if not found:
        raise _missing("deleteEvidence", "evidence")
    row = found[0]
    if expected is not None and row["version"] != expected:
        raise ConflictError(
            f"deleteEvidence: expected version {expected}, but it has version {row['version']} by"
            " now. Read it again, and decide whether your change still holds.",
            expectedVersion=expected,
            currentVersion=row["version"],
        )
    await transaction.execute(_DELETE, evidence)
    if row["state"] != "REJECTED":
        holder = Holder(row["uploader_id"], row["organisation_id"])
        await give_room_back(transaction, holder, row["bytes"])
    await doom_objects(transaction, every_key(row["stem"]))
    await record_change(transaction, viewer, "DELETE", "Evidence", evidence, viewer.person_id)
    return {"goal": row["goal_id"]}


def _file(given: Given, settings: Settings) -> tuple[FileType, int, str]:
    """What is announced: type, size and hash.

    Raises:
        BadUserInputError: no file of evidence can be like that.
    """
    # A browser may add parameters, such as the character set.
    media_type = given["mediaType"].split(";")[0].strip().lower()
    file_type = FILE_TYPES.get(media_type)
    if file_type is None:
        raise _bad("mediaType", f"one of {', '.join(FILE_TYPES)}")
    largest = settings.evidence_max_bytes
    if not 1 <= given["bytes"] <= largest:
        raise _bad("bytes", f"1 to {largest}, got {given['bytes']}")
    sha256 = given["sha256"].lower()
    if not _SHA256.fullmatch(sha256):
        raise _bad("sha256", "64 hexadecimal digits")
    return file_type, given["bytes"], sha256


def _new_stem(holder: Holder) -> str:
    """How the keys of new evidence begin; nobody can guess it."""
    owner = str(holder.organisation or f"people/{holder.person}")
    return f"{owner}/evidence/{secrets.token_urlsafe(24)}"


def _text(given: Given, field: str, shortest: int, longest: int) -> str:
    text = normalize(given[field])
    if not shortest <= len(text) <= longest:
        raise _bad(field, f"{shortest} to {longest} characters, got {len(text)}")
    return text


def _bad(field: str, expected: str) -> BadUserInputError:
    return BadUserInputError(f"input.{field}: expected {expected}.", field=f"input.{field}")


def _missing(field: str, what: str) -> NotFoundError:
    return NotFoundError(f"{field}: there is no such {what}, or it is not yours to change.")
