"""The job that looks at an upload: what fits is made fit to be served, what does not is refused.

One step. It reads the upload, and writes what is served under keys of the evidence's own: a second
try writes the same objects anew. Whatever the outcome, the upload itself is scheduled for deletion,
and so is everything it has written for evidence that was deleted meanwhile. It works in a thread
and on files, and logs nothing of what they hold.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias
from uuid import UUID

from poutama.changes import Changes
from poutama.db.transaction import Transaction
from poutama.errors import NotFoundError
from poutama.features.evidence.documents import DOCUMENT_TYPES
from poutama.features.evidence.inputs import EvidenceInput
from poutama.features.evidence.isolation import clean_apart
from poutama.features.evidence.keys import every_key, object_key, thumbnail_key, upload_key
from poutama.features.evidence.pictures import THUMBNAIL_TYPE, prepare_picture
from poutama.features.evidence.plain_text import write_plain_text
from poutama.features.evidence.rejection import reject
from poutama.features.evidence.sniffing import require_known_type
from poutama.features.evidence.types import (
    FILE_TYPES,
    TEXT,
    FileType,
    UnfitFileError,
    fit_file_name,
)
from poutama.features.evidence.usage import Holder, release_quota
from poutama.jobs.job import Effects, Empty, Finished, JobClass, JobKind, Step
from poutama.media_types import describe_length
from poutama.scanner.virus_scanner import open_scanner
from poutama.settings import Settings
from poutama.store.deletion import schedule_deletion

logger = logging.getLogger(__name__)

# By its stem as well: under the id of evidence that was deleted there may be another.
_FIND = """
SELECT file_name, bytes, sha256, state FROM evidence WHERE id = $1::uuid AND stem = $2::text
"""
_FIND_UPLOADER = """
SELECT state, stem, bytes, uploader_id, organisation_id FROM evidence
WHERE id = $1::uuid AND stem = $2::text
"""


@dataclass(frozen=True, slots=True)
class Announced:
    """What the student said of the file; what type it is, its content says."""

    file_name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Served:
    """What is served of it.

    Attributes:
        path: the file.
        type: what it is.
        file_name: the name that is offered, with an ending that fits.
        thumbnail: a picture's thumbnail; None for other files.
        seconds: how long sound or video lasts; None for other files.
        bytes, sha256: of the file.
    """

    path: Path
    type: FileType
    file_name: str
    thumbnail: Path | None
    seconds: int | None
    bytes: int
    sha256: str


EvidenceStep: TypeAlias = Step[EvidenceInput, Empty]


async def prepare_evidence(step: EvidenceStep) -> Finished:
    """Make an upload READY, or REJECTED with the reason."""
    evidence, stem = step.input.evidence, step.input.stem
    rows = await step.database.read(
        _FIND, (evidence, stem), deadline=step.deadline, name="evidence"
    )
    if not rows:
        return Finished(effects=_conclude(step, evidence, stem, None))
    if rows[0]["state"] != "PENDING":
        return Finished()
    announced = Announced(rows[0]["file_name"], rows[0]["bytes"], rows[0]["sha256"])
    with TemporaryDirectory(prefix="poutama-", ignore_cleanup_errors=True) as folder:
        try:
            served = await _prepare(step, announced, upload_key(stem), Path(folder))
        except UnfitFileError as error:
            return Finished(effects=_conclude(step, evidence, stem, error))
        media_type = served.type.media_type
        await step.store.put(object_key(stem), served.path, media_type=media_type)
        if served.thumbnail is not None:
            await step.store.put(thumbnail_key(stem), served.thumbnail, media_type=THUMBNAIL_TYPE)
    return Finished(effects=_conclude(step, evidence, stem, served))


async def _prepare(step: EvidenceStep, announced: Announced, key: str, folder: Path) -> Served:
    """Bring the upload here and look at it.

    Raises:
        UnfitFileError: it cannot be served.
    """
    info, upload = await step.store.describe(key), folder / "upload"
    if info is None:
        raise UnfitFileError("The file was never uploaded; add it again.")
    if info.size != announced.bytes:
        # Nothing that large is brought here.
        raise _another_file()
    try:
        await step.store.download(key, upload)
    except NotFoundError:
        raise UnfitFileError("The file was never uploaded; add it again.") from None
    await asyncio.to_thread(_require_announced, upload, announced)
    await _scan(step, upload)
    return await asyncio.to_thread(_prepare_file, upload, announced, folder, step.settings)


def _require_announced(upload: Path, announced: Announced) -> None:
    if (upload.stat().st_size, _hash(upload)) != (announced.bytes, announced.sha256):
        raise _another_file()


async def _scan(step: EvidenceStep, upload: Path) -> None:
    """Have the virus scanner look at the upload, where there is one.

    Raises:
        UnfitFileError: it found something.
        UnavailableError: it did not scan the file: the step is tried again, and the job fails in
            the end; the file is not served.
    """
    scanner = open_scanner(step.settings)
    if scanner is None:
        return
    found = await scanner.scan(upload, deadline=step.deadline)
    if found is not None:
        logger.warning("job %s: the virus scanner found %s", step.job.id, ascii(found))
        raise UnfitFileError("The virus scanner found something harmful in the file.")


def _prepare_file(upload: Path, announced: Announced, folder: Path, settings: Settings) -> Served:
    type_, path, thumbnail = require_known_type(upload), folder / "file", None
    _require_size(announced.bytes, type_, settings)
    seconds = None
    if type_.media_type in DOCUMENT_TYPES:
        cleaned = clean_apart(upload, folder / "clean", type_.media_type)
        upload, type_ = folder / "clean", FILE_TYPES[cleaned.media_type]
        seconds = None if cleaned.seconds is None else math.ceil(cleaned.seconds)
        _require_length(seconds or 0, settings)
    if type_ is TEXT:
        upload = write_plain_text(upload, path)
    if type_.picture is not None:
        thumbnail = folder / "thumbnail"
        max_pixels = settings.evidence_max_pixels
        prepare_picture(upload, path, thumbnail, picture=type_.picture, max_pixels=max_pixels)
        upload = path
    name = fit_file_name(announced.file_name, type_)
    size = upload.stat().st_size
    return Served(upload, type_, name, thumbnail, seconds, size, _hash(upload))


def _require_size(size: int, type_: FileType, settings: Settings) -> None:
    largest = settings.evidence_max_media_bytes if type_.is_media else settings.evidence_max_bytes
    if size > largest:
        raise UnfitFileError(
            f"The file is too large: {type_.label} may have {largest // 1_000_000} MB at most. Make"
            " it smaller or shorter, and add it again."
        )


def _require_length(seconds: int, settings: Settings) -> None:
    if seconds > settings.evidence_max_media_seconds:
        raise UnfitFileError(
            f"The recording lasts {describe_length(seconds)}. Shorten it, to"
            f" {describe_length(settings.evidence_max_media_seconds)} at most, and add it again."
        )


def _another_file() -> UnfitFileError:
    return UnfitFileError("The file is not the one that was announced; add it again.")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _conclude(
    step: EvidenceStep, evidence: UUID, stem: str, outcome: Served | UnfitFileError | None
) -> Effects:
    return partial(_write, step=step, evidence=evidence, stem=stem, outcome=outcome)


async def _write(
    transaction: Transaction,
    *,
    step: EvidenceStep,
    evidence: UUID,
    stem: str,
    outcome: Served | UnfitFileError | None,
) -> None:
    """Record the outcome; of evidence that was deleted, schedule every object for deletion."""
    rows = await transaction.fetch(_FIND_UPLOADER, evidence, stem)
    if not rows:
        await schedule_deletion(transaction, every_key(stem))
        return
    row = rows[0]
    if row["state"] != "PENDING" or outcome is None:
        return
    changes = step.changes(transaction)
    if isinstance(outcome, UnfitFileError):
        await reject(transaction, changes, evidence, outcome.message, row)
        return
    await _accept(changes, evidence, stem, outcome)
    holder = Holder(row["uploader_id"], row["organisation_id"])
    await release_quota(transaction, holder, row["bytes"] - outcome.bytes, files=0)
    await schedule_deletion(transaction, [upload_key(stem)])


async def _accept(changes: Changes, evidence: UUID, stem: str, served: Served) -> None:
    small = served.thumbnail is not None
    await changes.update(
        "Evidence",
        evidence,
        {
            "state": "READY",
            "fileName": served.file_name,
            "mediaType": served.type.media_type,
            "seconds": served.seconds,
            "bytes": served.bytes,
            "sha256": served.sha256,
        },
        columns={
            "upload_key": None,
            "object_key": object_key(stem),
            "thumbnail_key": thumbnail_key(stem) if small else None,
            "thumbnail_type": THUMBNAIL_TYPE if small else None,
        },
    )


EVIDENCE_JOB = JobKind(
    input=EvidenceInput,
    checkpoint=Empty,
    step=prepare_evidence,
    job_class=JobClass.INTERACTIVE,
)
"""What workers run."""
