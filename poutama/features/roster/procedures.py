"""The mutations of roster imports: announce, check, apply. For an organisation's administrators.

Each runs in the mutation's transaction, perhaps several times over. The work itself is done by
jobs, which `roster.steps` runs; a file never passes through here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from asyncpg import Record

from poutama.audit import record_change
from poutama.db.transaction import Transaction
from poutama.errors import BadUserInputError, ConflictError, NotFoundError
from poutama.features.roster.inputs import APPLY, CHECK, ApplyInput, CheckInput
from poutama.jobs.table import enqueue
from poutama.sql.standing import render_counting
from poutama.text import normalize
from poutama.viewer import Viewer

MEDIA_TYPE = "application/zip"
LARGEST_FILE = 200_000_000
"""Bytes. The scratch space of a function has room for two."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ADMINISTERS = f"""
SELECT 1 FROM membership WHERE person_id = $1::uuid AND organisation_id = $2::uuid
    AND role = 'ADMIN' AND {render_counting("membership")}
"""  # noqa: S608  constants
_ADD = """
INSERT INTO roster_import
    (id, organisation_id, actor_id, name, media_type, bytes, sha256, upload_key, object_key,
    notice_version, managers)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::int8, $7::text, $8::text, $8::text,
    $9::text, $10::bool)
"""
_FIND = """
SELECT i.organisation_id, i.state, i.version, i.checked_at, i.ending_percent, j.state AS job_state
FROM roster_progress AS i LEFT JOIN job AS j ON j.id = i.job_id WHERE i.id = $1::uuid
"""
# Two that write to one organisation at once would each count without the other.
_OTHERS = """
SELECT 1 FROM roster_progress
WHERE organisation_id = $1::uuid AND id <> $2::uuid AND state = 'APPLYING' LIMIT 1
"""
_BEGIN = """
UPDATE roster_import SET
    state = $2::text, job_id = $3::uuid,
    check_job_id = CASE WHEN $2::text = 'CHECKING' THEN $3::uuid ELSE check_job_id END,
    actor_id = $4::uuid, upload_key = NULL,
    version = version + 1, updated_at = now()
WHERE id = $1::uuid
"""
_UNDER_WAY = ("QUEUED", "RUNNING")

Given = Mapping[str, Any]
Ids = Mapping[str, UUID]


async def start_roster_import(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Announce a file.

    Raises:
        NotFoundError: there is no such organisation, or the viewer does not administer it.
        BadUserInputError: there can be no such file.
    """
    name = normalize(given["name"]).strip()
    if not 1 <= len(name) <= 200:
        raise _bad("name", f"1 to 200 characters, got {len(name)}")
    if not 1 <= given["bytes"] <= LARGEST_FILE:
        raise _bad("bytes", f"1 to {LARGEST_FILE}, got {given['bytes']}")
    sha256 = given["sha256"].lower()
    if not _SHA256.fullmatch(sha256):
        raise _bad("sha256", "64 hexadecimal digits")
    notice = normalize(given.get("noticeVersion") or "").strip() or None
    if notice is not None and len(notice) > 100:
        raise _bad("noticeVersion", f"100 characters at most, got {len(notice)}")
    organisation = given["organisationId"]
    if not await transaction.fetch(_ADMINISTERS, viewer.person_id, organisation):
        raise NotFoundError(
            "startRosterImport: there is no such organisation, or it is not yours to change."
        )
    import_id = uuid4()
    key = f"{organisation}/roster/{secrets.token_urlsafe(24)}"
    await transaction.execute(
        _ADD,
        *(import_id, organisation, viewer.person_id, name, MEDIA_TYPE, given["bytes"], sha256),
        *(key, notice, given["managers"]),
    )
    await record_change(transaction, viewer, "INSERT", "RosterImport", import_id, None)
    return {"rosterImport": import_id}


async def check_roster_import(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Have the file read and compared; while that is under way, saying so again changes nothing.

    Raises:
        NotFoundError: there is no such import, or it is not the viewer's.
        ConflictError: it is being applied, or was applied, or is too old.
    """
    import_id = given["importId"]
    row = await _find(transaction, viewer, import_id, "checkRosterImport")
    if row["state"] == "CHECKING":
        return {"rosterImport": import_id}
    if row["state"] not in ("UPLOADING", "CHECKED", "FAILED"):
        raise ConflictError(f"checkRosterImport: it is {row['state']} already.")
    await _begin(transaction, viewer, row, CHECK, CheckInput(import_id=import_id))
    return {"rosterImport": import_id}


async def apply_roster_import(transaction: Transaction, viewer: Viewer, given: Given) -> Ids:
    """Have done what the check has shown.

    Raises:
        NotFoundError: there is no such import, or it is not the viewer's.
        BadUserInputError: the share is none of a hundred.
        ConflictError: it was not checked, or has changed since; more would end than is allowed; or
            another import is being applied to the organisation.
    """
    import_id, expected = given["importId"], given["expectedVersion"]
    most = given["allowEndingPercent"]
    if not 0 <= most <= 100:
        raise _bad("allowEndingPercent", f"0 to 100, got {most}")
    row = await _find(transaction, viewer, import_id, "applyRosterImport")
    if row["version"] != expected:
        raise ConflictError(
            f"applyRosterImport: expected version {expected}, but it has version {row['version']}"
            " by now. Look at its differences again, and decide whether you still want them.",
            expectedVersion=expected,
            currentVersion=row["version"],
        )
    if row["state"] not in ("CHECKED", "FAILED") or row["checked_at"] is None:
        raise ConflictError(f"applyRosterImport: it is {row['state']}; check it first.")
    if (row["ending_percent"] or 0) > most:
        raise ConflictError(
            f"applyRosterImport: {row['ending_percent']} % of the memberships by rosters would"
            f" end, and {most} % are allowed. If that is right, allow more."
        )
    if await transaction.fetch(_OTHERS, row["organisation_id"], import_id):
        raise ConflictError("applyRosterImport: another import is being applied; wait for it.")
    asked = ApplyInput(import_id=import_id, allow_ending_percent=most)
    await _begin(transaction, viewer, row, APPLY, asked)
    return {"rosterImport": import_id}


async def _find(transaction: Transaction, viewer: Viewer, import_id: UUID, field: str) -> Record:
    found = await transaction.fetch(_FIND, import_id)
    if not found or not await transaction.fetch(
        _ADMINISTERS, viewer.person_id, found[0]["organisation_id"]
    ):
        raise NotFoundError(f"{field}: there is no such import, or it is not yours to change.")
    return found[0]


async def _begin(
    transaction: Transaction,
    viewer: Viewer,
    row: Record,
    kind: str,
    asked: CheckInput | ApplyInput,
) -> None:
    job = await enqueue(
        transaction,
        kind,
        person_id=viewer.person_id,
        organisation_id=row["organisation_id"],
        input=asked,
    )
    import_id, state = asked.import_id, "CHECKING" if kind == CHECK else "APPLYING"
    await transaction.execute(_BEGIN, import_id, state, job, viewer.person_id)
    await record_change(transaction, viewer, "UPDATE", "RosterImport", import_id, None)


def _bad(field: str, expected: str) -> BadUserInputError:
    return BadUserInputError(f"input.{field}: expected {expected}.", field=f"input.{field}")
