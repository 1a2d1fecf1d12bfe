"""What a job of the kind EXPORT does: read the goals page by page, print them, pack, tidy up.

Every piece of work ends in an object under a key that a second try would choose again, and in a
checkpoint that says where to go on; so a step that is lost half-way is done again to the same
bytes. Before each the person's right is asked anew. What is in memory is a volume at most.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias, assert_never
from uuid import UUID

import msgspec

from poutama.db.transaction import Transaction
from poutama.errors import LimitExceededError, NotFoundError
from poutama.export_section import JsonObject
from poutama.features.exports.dates import in_zone
from poutama.features.exports.document import write_document
from poutama.features.exports.embedded_pictures import fit_picture
from poutama.features.exports.file_names import name_print, name_zip
from poutama.features.exports.job import (
    PAGE,
    VOLUME,
    ExportCheckpoint,
    ExportInput,
    ExportPhase,
)
from poutama.features.exports.journey import (
    JourneyGoal,
    PlainSection,
    StoredFile,
    count_goals,
    read_goal,
    read_part,
    read_section,
    write_part,
)
from poutama.features.exports.journey_reader import GoalPage, read_page
from poutama.features.exports.packing import JourneyZip
from poutama.features.exports.pdf_document import Volume
from poutama.features.exports.print_process import PrintRequest
from poutama.features.exports.printing import VOLUME_WEIGHT, print_apart, weigh
from poutama.features.exports.readme import write_readme
from poutama.features.exports.sections import LAID_OUT, OF_GOALS, Sections, load_sections
from poutama.features.exports.sweep import delete_folder, register_folder
from poutama.features.exports.tables import write_table
from poutama.jobs.job import Finished, JobFailedError, JobKind, Progress, Step

PART_TYPE, PDF_TYPE, ZIP_TYPE = "application/json", "application/pdf", "application/zip"
_LARGEST_THUMBNAIL = 1_000_000
SECTIONS = load_sections()
PLAIN = tuple(each for each in SECTIONS.of_goals if each.name not in LAID_OUT)
"""The sections of goals that have no layout of their own."""
LOST = "You may no longer see this student's goals, so they were not exported."


ExportStep: TypeAlias = Step[ExportInput, ExportCheckpoint]
ExportProgress: TypeAlias = Progress[ExportCheckpoint]


async def export_step(step: ExportStep) -> ExportProgress | Finished:
    """Do the next piece of an export.

    Raises:
        JobFailedError: the person may no longer see the journey.
        PoutamaError: the database or the store cannot be reached.
    """
    await _require_right(step)
    try:
        return await _run_phase(step)
    except NotFoundError:
        # A part is gone: the job had failed or was stopped, was cleared away, and goes on now.
        return Progress(checkpoint=ExportCheckpoint(), done=0)


async def _run_phase(step: ExportStep) -> ExportProgress | Finished:
    match step.checkpoint.phase:
        case ExportPhase.BEGIN:
            return _begin(step)
        case ExportPhase.READ:
            return await _read(step)
        case ExportPhase.PRINT:
            return await _print(step)
        case ExportPhase.PACK:
            return await _pack(step)
        case ExportPhase.TIDY:
            return await _tidy_up(step)
        case phase:
            assert_never(phase)


def _find_sections(step: ExportStep) -> Sections:
    """What this export has."""
    return load_sections(access=True) if step.input.access else SECTIONS


async def _require_right(step: ExportStep) -> None:
    permitted = {"personId": step.input.person_id}
    person = step.job.person_id
    if not await step.permits.hold("exportJourney", permitted, person, deadline=step.deadline):
        await _refuse(step)


async def _refuse(step: ExportStep) -> NoReturn:
    """Nothing of what was read stays; should that fail, the step is tried again."""
    await delete_folder(step.store, step.input.folder)
    raise JobFailedError(LOST)


def _begin(step: ExportStep) -> ExportProgress:
    """Before there is any file, it is written down where they will be."""

    async def effects(transaction: Transaction) -> None:
        await register_folder(transaction, step.input.folder, step.job.id)

    return Progress(
        checkpoint=msgspec.structs.replace(step.checkpoint, phase=ExportPhase.READ),
        done=0,
        effects=effects,
    )


async def _read(step: ExportStep) -> ExportProgress:
    state = step.checkpoint
    size = state.page or PAGE
    try:
        page = await _read_goals(step, size, by_lists=False)
    except LimitExceededError:
        if size > 1:
            return _read_fewer(step, size)
        page = await _read_goals(step, size, by_lists=True)
    if page is None:
        await _refuse(step)
    weight = weigh(page.part.goals)
    if weight > VOLUME_WEIGHT and len(page.part.goals) > 1:
        return _read_fewer(step, size)
    if page.part.goals:
        content = write_part(page.part)
        await step.store.put(step.input.part(state.parts + 1), content, media_type=PART_TYPE)
    if page.person:
        content = msgspec.json.encode(page.person)
        await step.store.put(step.input.person, content, media_type=PART_TYPE)
    read = _add_page(state, page, weight)
    # As many goals as there were at first; some may have come or gone since.
    total = read.goals if page.after is None else max(page.total, read.goals)
    return Progress(checkpoint=read, done=read.goals, total=total * 2 + 2)


async def _read_goals(step: ExportStep, size: int, *, by_lists: bool) -> GoalPage | None:
    return await read_page(
        step.query,
        step.database,
        _find_sections(step),
        person=step.input.person_id,
        viewer=step.job.person_id,
        first=size,
        after=step.checkpoint.after,
        number=step.checkpoint.goals + 1,
        notes_for_staff=step.input.notes_for_staff,
        deadline=step.deadline,
        by_lists=by_lists,
    )


def _read_fewer(step: ExportStep, size: int) -> ExportProgress:
    """The next step reads the same again, with fewer goals at once."""
    fewer = msgspec.structs.replace(step.checkpoint, page=max(1, size // 4))
    return Progress(checkpoint=fewer, done=step.checkpoint.goals)


def _add_page(state: ExportCheckpoint, page: GoalPage, weight: int) -> ExportCheckpoint:
    """The checkpoint once the page is read: it belongs to the last volume, or begins another."""
    goals = [read_goal(goal, ()) for goal in page.part.goals]
    starts, in_volume = state.starts, state.goals + len(goals) + 1 - state.starts[-1][1]
    is_full = in_volume > VOLUME * PAGE or state.weight + weight > VOLUME_WEIGHT
    if goals and state.parts >= starts[-1][0] and is_full:
        starts, weight = (*starts, (state.parts + 1, state.goals + 1)), weight - state.weight
    return msgspec.structs.replace(
        state,
        phase=ExportPhase.PRINT if page.after is None else ExportPhase.READ,
        goals=state.goals + len(goals),
        parts=state.parts + bool(goals),
        starts=starts,
        weight=state.weight + weight,
        totals=state.totals.add(count_goals(goals)),
        after=page.after,
        name=state.name or page.name,
        time_zone=page.time_zone if not state.name else state.time_zone,
    )


async def _print(step: ExportStep) -> ExportProgress:
    state = step.checkpoint
    number = state.volumes + 1
    first_part, first_goal = state.starts[number - 1]
    last_part, last_goal = state.find_last(number)
    goals: list[JourneyGoal] = []
    files: list[StoredFile] = []
    for part_number in range(first_part, last_part + 1):
        part = read_part(await _read_whole(step, step.input.part(part_number)))
        goals += [read_goal(goal, PLAIN) for goal in part.goals]
        files += part.files
    pictures = await _read_pictures(step, files)
    request = PrintRequest(
        state.heading(step.input),
        goals,
        Volume(number, state.all_volumes, first_goal, state.totals),
        await _read_sections(step),
    )
    content = await asyncio.to_thread(print_apart, request, pictures)
    if content is not None:
        await step.store.put(step.input.volume(number), content, media_type=PDF_TYPE)
    printed = msgspec.structs.replace(
        state,
        volumes=number,
        unprinted=state.unprinted if content is not None else (*state.unprinted, number),
        phase=ExportPhase.PACK if number == state.all_volumes else ExportPhase.PRINT,
    )
    return Progress(checkpoint=printed, done=state.goals + last_goal)


async def _read_whole(step: ExportStep, key: str) -> bytes:
    info = await step.store.describe(key)
    if info is None:
        raise NotFoundError
    return await step.store.read(key, length=info.size) if info.size else b""


async def _read_sections(step: ExportStep) -> list[PlainSection]:
    """What is under the person, as it is printed: not what only an access has."""
    person = await _read_person(step)
    sections = [read_section(section, person) for section in SECTIONS.of_person]
    return [section for section in sections if section.rows]


async def _read_person(step: ExportStep) -> JsonObject:
    """What is under the person."""
    if not _find_sections(step).of_person:
        return {}
    person: JsonObject = msgspec.json.decode(await _read_whole(step, step.input.person))
    return person


async def _read_pictures(step: ExportStep, files: Sequence[StoredFile]) -> dict[UUID, bytes]:
    """The thumbnails of these files, fit to be printed; without those that are gone."""
    pictures: dict[UUID, bytes] = {}
    for file in [each for each in files if each.thumbnail]:
        try:
            content = await step.store.read(file.thumbnail, length=_LARGEST_THUMBNAIL)
        except NotFoundError:
            continue
        fitting = await asyncio.to_thread(fit_picture, content)
        if fitting is not None:
            pictures[UUID(file.id)] = fitting
    return pictures


async def _pack(step: ExportStep) -> ExportProgress:
    state = step.checkpoint
    with tempfile.TemporaryDirectory(prefix="poutama-export-") as temporary:
        folder = Path(temporary)
        for part in range(1, state.parts + 1):
            await step.store.download(step.input.part(part), _local(folder, part))
        path, heading = folder / "journey.zip", state.heading(step.input)
        with JourneyZip(path, in_zone(step.input.as_of, state.time_zone)) as packed:
            sections = _find_sections(step).all
            readme = write_readme(
                heading,
                state.all_volumes,
                sections,
                step.input.notes_for_staff,
                unprinted=state.unprinted,
            )
            packed.add_text("README.txt", readme)
            for number in sorted({*range(1, state.all_volumes + 1)} - {*state.unprinted}):
                file = folder / "volume.pdf"
                await step.store.download(step.input.volume(number), file)
                name = name_print(number, state.all_volumes)
                await asyncio.to_thread(packed.add_file, name, file)
            missing = await _pack_files(step, packed, folder)
            person = await _read_person(step)
            await asyncio.to_thread(_pack_texts, step, packed, folder, missing, person)
        await step.store.put(step.input.result, path, media_type=ZIP_TYPE)
    return Progress(
        checkpoint=msgspec.structs.replace(state, phase=ExportPhase.TIDY), done=state.goals * 2 + 1
    )


async def _pack_files(step: ExportStep, packed: JourneyZip, folder: Path) -> frozenset[str]:
    """Add the files one by one; returns whose are gone, deleted since the journey was read."""
    missing = set()
    path = folder / "file"
    for number in range(1, step.checkpoint.parts + 1):
        for file in read_part(_local(folder, number).read_bytes()).files:
            try:
                await step.store.download(file.key, path)
            except NotFoundError:
                missing.add(file.id)
            else:
                await asyncio.to_thread(packed.add_file, file.path, path)
    return frozenset(missing)


def _pack_texts(
    step: ExportStep,
    packed: JourneyZip,
    folder: Path,
    missing: frozenset[str],
    person: JsonObject,
) -> None:
    state = step.checkpoint

    def goals() -> Iterator[JsonObject]:
        for number in range(1, state.parts + 1):
            for goal in read_part(_local(folder, number).read_bytes()).goals:
                yield _without(goal, missing)

    packed.add_text("journey.json", write_document(state.heading(step.input), goals(), person))
    sections = _find_sections(step)
    for section in sections.all:
        owners = goals() if section.parent in OF_GOALS else [person]
        moments = sections.moments[section.name]
        table = write_table(section, owners, moments, state.time_zone)
        packed.add_text(f"csv/{section.name}.csv", table)


def _without(goal: JsonObject, missing: frozenset[str]) -> JsonObject:
    """The goal, saying of no file that it is in the zip when it is not."""
    if missing:
        for section in SECTIONS.of_goals:
            if section.files is not None:
                for row in section.find_rows(goal):
                    row.node["file"] = None if row.node["id"] in missing else row.node["file"]
    return goal


def _local(folder: Path, part: int) -> Path:
    return folder / f"{part:06}.json"


async def _tidy_up(step: ExportStep) -> Finished:
    """Delete the parts; the whole is there."""
    state = step.checkpoint
    await delete_folder(step.store, f"{step.input.folder}/parts")
    return Finished(
        result_key=step.input.result,
        result_name=name_zip(state.name, step.input.as_of, state.time_zone),
        result_type=ZIP_TYPE,
        done=state.goals * 2 + 2,
    )


EXPORT_JOB = JobKind(input=ExportInput, checkpoint=ExportCheckpoint, step=export_step)
"""What workers run."""
