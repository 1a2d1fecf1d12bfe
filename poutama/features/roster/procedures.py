"""The mutations of roster imports: announce, check, apply. For an organisation's administrators.

The work itself is done by jobs, which `roster.steps` runs; a file never passes through here. Who
may call them is declared beside each mutation in `roster.graphql`.
"""

from __future__ import annotations

import secrets
from uuid import UUID

import msgspec
from asyncpg import Record

from poutama.changes import explain_conflict
from poutama.errors import BadUserInputError, ConflictError, ForbiddenError
from poutama.features.roster.inputs import APPLY, CHECK, ApplyInput, CheckInput
from poutama.features.roster.organisation_verification import NOT_VERIFIED
from poutama.jobs.table import enqueue
from poutama.procedure import ProcedureContext

MEDIA_TYPE = "application/zip"

_FIND = """
SELECT i.organisation_id, i.state, i.version, i.checked_at, i.ending_percent
FROM roster_progress AS i WHERE i.id = $1::uuid
"""
# Two that write to one organisation at once would each count without the other.
_OTHERS = """
SELECT 1 FROM roster_progress
WHERE organisation_id = $1::uuid AND id <> $2::uuid AND state = 'APPLYING' LIMIT 1
"""
_IS_VERIFIED = "SELECT verified FROM organisation WHERE id = $1::uuid"


class StartRosterImportInput(msgspec.Struct, frozen=True, rename="camel"):
    """What is announced of the zip of a OneRoster export."""

    organisation_id: UUID
    name: str
    bytes: int
    sha256: str
    managers: bool
    notice_version: str | None = None
    schools: str | None = None
    id: UUID | None = None


class CheckRosterImportInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which import."""

    import_id: UUID


class ApplyRosterImportInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which import, the version that was looked at, and how much of it may end, in percent."""

    import_id: UUID
    expected_version: int
    allow_ending_percent: int


class RosterImportPayload(msgspec.Struct, frozen=True, rename="camel"):
    """The import."""

    roster_import: UUID


async def start_roster_import(
    context: ProcedureContext, input: StartRosterImportInput
) -> RosterImportPayload:
    """Announce a file.

    Raises:
        BadUserInputError: its name is blank.
        ForbiddenError: the organisation is not verified.
    """
    await _require_verified(context, input.organisation_id)
    name = input.name.strip()
    if not name:
        raise BadUserInputError.at("input.name", "more than white space")
    schools = {one.strip() for one in (input.schools or "").split(",")} - {""}
    key = f"{input.organisation_id}/roster/{secrets.token_urlsafe(24)}"
    import_id = await context.changes.insert(
        "RosterImport",
        {
            "organisation": input.organisation_id,
            "name": name,
            "bytes": input.bytes,
            "sha256": input.sha256.lower(),
            "noticeVersion": (input.notice_version or "").strip() or None,
            "managers": input.managers,
            "schools": ",".join(sorted(schools)) or None,
        },
        columns={
            "actor_id": context.viewer.person_id,
            "media_type": MEDIA_TYPE,
            "upload_key": key,
            "object_key": key,
        },
        row=input.id,
    )
    return RosterImportPayload(import_id)


async def check_roster_import(
    context: ProcedureContext, input: CheckRosterImportInput
) -> RosterImportPayload:
    """Have the file read and compared; while that is under way, calling it again changes nothing.

    Raises:
        ConflictError: it is being applied, or was applied, or is too old.
        ForbiddenError: the organisation is not verified.
    """
    (row,) = await context.transaction.fetch(_FIND, input.import_id)
    if row["state"] == "CHECKING":
        return RosterImportPayload(input.import_id)
    if row["state"] not in ("UPLOADING", "CHECKED", "FAILED"):
        raise ConflictError(f"The import is {row['state']} already.")
    await _begin(context, row, CHECK, CheckInput(import_id=input.import_id))
    return RosterImportPayload(input.import_id)


async def apply_roster_import(
    context: ProcedureContext, input: ApplyRosterImportInput
) -> RosterImportPayload:
    """Do what the check has shown.

    Raises:
        ConflictError: it was not checked, or has changed since; more would end than is allowed; or
            another import is being applied to the organisation.
        ForbiddenError: the organisation is not verified.
    """
    import_id, limit = input.import_id, input.allow_ending_percent
    (row,) = await context.transaction.fetch(_FIND, import_id)
    if row["version"] != input.expected_version:
        raise explain_conflict(input.expected_version, row["version"])
    if row["state"] not in ("CHECKED", "FAILED") or row["checked_at"] is None:
        raise ConflictError(f"The import is {row['state']}; check it first.")
    if (row["ending_percent"] or 0) > limit:
        raise ConflictError(
            f"{row['ending_percent']} % of the memberships by rosters would end, and {limit} % are"
            " allowed. If that is right, allow more."
        )
    if await context.transaction.fetch(_OTHERS, row["organisation_id"], import_id):
        raise ConflictError("Another import is being applied; wait for it.")
    await _begin(context, row, APPLY, ApplyInput(import_id=import_id, allow_ending_percent=limit))
    return RosterImportPayload(import_id)


async def _require_verified(context: ProcedureContext, organisation: UUID) -> None:
    (row,) = await context.transaction.fetch(_IS_VERIFIED, organisation)
    if not row["verified"]:
        raise ForbiddenError(NOT_VERIFIED)


async def _begin(
    context: ProcedureContext, row: Record, kind: str, input: CheckInput | ApplyInput
) -> None:
    await _require_verified(context, row["organisation_id"])
    job = await enqueue(
        context.transaction,
        kind,
        person_id=context.viewer.person_id,
        organisation_id=row["organisation_id"],
        input=input,
    )
    columns = {"job_id": job, "actor_id": context.viewer.person_id, "upload_key": None}
    if kind == CHECK:
        columns["check_job_id"] = job
    state = "CHECKING" if kind == CHECK else "APPLYING"
    await context.changes.update("RosterImport", input.import_id, {"state": state}, columns=columns)
