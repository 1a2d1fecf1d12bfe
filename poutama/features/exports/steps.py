"""The kind EXPORT: begin, read the goals page by page, print them volume by volume, pack, tidy up.

Every piece of work ends in an object under a key that a second try would choose again, and in a
checkpoint that says where to go on; so a step that is lost half-way is done again to the same
bytes. Before each the person's right is asked anew. What is in memory is a volume at most.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn
from uuid import UUID

from poutama.db.transaction import Transaction
from poutama.errors import NotFoundError
from poutama.features.exports.dates import in_zone
from poutama.features.exports.document import write_document
from poutama.features.exports.journey import Goal, Heading, read_part, write_part
from poutama.features.exports.names import name_print, name_zip
from poutama.features.exports.packing import JourneyZip
from poutama.features.exports.pdf_document import Volume, print_journey
from poutama.features.exports.pictures import fit_picture
from poutama.features.exports.reading import TIME_ZONE, read_page
from poutama.features.exports.readme import write_readme
from poutama.features.exports.right import statement_of_right
from poutama.features.exports.sweep import delete_folder, register_folder
from poutama.features.exports.tables import TABLES, write_table
from poutama.jobs.job import Finished, JobFailedError, Progress, Step

PAGE = 20
"""Goals that are read at once, and lie in one part."""
VOLUME = 5
"""Parts that are printed into one PDF."""
PART_TYPE, PDF_TYPE, ZIP_TYPE = "application/json", "application/pdf", "application/zip"
_LARGEST_THUMBNAIL = 1_000_000
LOST = "You may not see this student's goals any more, so they were not exported."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The job's input."""

    person: UUID
    as_of: datetime
    folder: str

    @classmethod
    def of(cls, step: Step) -> Wish:
        given = step.job.input
        as_of = datetime.fromisoformat(given["asOf"])
        return cls(person=UUID(given["personId"]), as_of=as_of, folder=given["folder"])

    def part(self, number: int) -> str:
        return f"{self.folder}/parts/{number:06}.json"

    def volume(self, number: int) -> str:
        return f"{self.folder}/parts/{number:06}.pdf"

    @property
    def result(self) -> str:
        return f"{self.folder}/journey.zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The checkpoint: what is done so far.

    Attributes:
        phase: what the next step does.
        goals: how many were read.
        parts: how many parts they are in.
        volumes: how many of them are printed.
        after: where the next page begins.
    """

    phase: str = "begin"
    goals: int = 0
    parts: int = 0
    volumes: int = 0
    after: str | None = None
    name: str = ""
    time_zone: str = TIME_ZONE

    @property
    def all_volumes(self) -> int:
        """An empty journey is printed, too."""
        return max(1, -(-self.parts // VOLUME))

    def heading(self, wish: Wish) -> Heading:
        return Heading(
            person_id=wish.person, name=self.name, as_of=wish.as_of, time_zone=self.time_zone
        )


async def export_step(step: Step) -> Progress | Finished:
    """Do the next piece of an export.

    Raises:
        JobFailedError: the person may not see the journey any more.
        PoutamaError: the database or the store cannot be reached.
    """
    wish, state = Wish.of(step), State(**step.checkpoint)
    await _require_right(step, wish)
    try:
        match state.phase:
            case "begin":
                return _begin(step, wish, state)
            case "read":
                return await _read(step, wish, state)
            case "print":
                return await _print(step, wish, state)
            case "pack":
                return await _pack(step, wish, state)
            case _:
                return await _tidy_up(step, wish, state)
    except NotFoundError:
        # A part is gone: the job had failed or was stopped, was cleared away, and goes on now.
        return Progress(checkpoint={}, done=0)


async def _require_right(step: Step, wish: Wish) -> None:
    found = await step.database.read(
        statement_of_right(),
        [step.job.person_id, wish.person],
        deadline=step.deadline,
        name="export/right",
    )
    if not found:
        await _refuse(step, wish)


async def _refuse(step: Step, wish: Wish) -> NoReturn:
    """Nothing of what was read stays; should that fail, the step is tried again."""
    await delete_folder(step.store, wish.folder)
    raise JobFailedError(LOST)


def _begin(step: Step, wish: Wish, state: State) -> Progress:
    """Before there is any file, it is written down where they will be."""

    async def effects(transaction: Transaction) -> None:
        await register_folder(transaction, wish.folder, step.job.id)

    return Progress(checkpoint=asdict(replace(state, phase="read")), done=0, effects=effects)


async def _read(step: Step, wish: Wish, state: State) -> Progress:
    page = await read_page(
        step.query,
        step.database,
        person=wish.person,
        viewer=step.job.person_id,
        first=PAGE,
        after=state.after,
        number=state.goals + 1,
        deadline=step.deadline,
    )
    if page is None:
        await _refuse(step, wish)
    parts = state.parts
    if page.goals:
        parts += 1
        await step.store.put(wish.part(parts), write_part(page.goals), media_type=PART_TYPE)
    read = replace(
        state,
        phase="print" if page.after is None else "read",
        goals=state.goals + len(page.goals),
        parts=parts,
        after=page.after,
        name=state.name or page.name,
        time_zone=page.time_zone if not state.name else state.time_zone,
    )
    # As many goals as there were at first; some may have come or gone since.
    goals = read.goals if page.after is None else max(page.total, read.goals)
    return Progress(checkpoint=asdict(read), done=read.goals, total=goals * 2 + 2)


async def _print(step: Step, wish: Wish, state: State) -> Progress:
    number = state.volumes + 1
    first = state.volumes * VOLUME
    goals: list[Goal] = []
    for part in range(first + 1, min(first + VOLUME, state.parts) + 1):
        goals += read_part(await _read_whole(step, wish.part(part)))
    pictures = await _read_pictures(step, goals)
    volume = Volume(number, state.all_volumes, first * PAGE + 1)
    content = await asyncio.to_thread(print_journey, state.heading(wish), goals, volume, pictures)
    await step.store.put(wish.volume(number), content, media_type=PDF_TYPE)
    last = number == state.all_volumes
    printed = replace(state, volumes=number, phase="pack" if last else "print")
    done = state.goals + min(number * VOLUME * PAGE, state.goals)
    return Progress(checkpoint=asdict(printed), done=done)


async def _read_whole(step: Step, key: str) -> bytes:
    info = await step.store.describe(key)
    if info is None:
        raise NotFoundError
    return await step.store.read(key, length=info.size) if info.size else b""


async def _read_pictures(step: Step, goals: Sequence[Goal]) -> dict[UUID, bytes]:
    """The thumbnails of these goals' evidence, fit to be printed; without those that are gone."""
    pictures: dict[UUID, bytes] = {}
    for evidence in [each for goal in goals for each in goal.all_evidence if each.thumbnail]:
        try:
            content = await step.store.read(evidence.thumbnail, length=_LARGEST_THUMBNAIL)
        except NotFoundError:
            continue
        fitting = await asyncio.to_thread(fit_picture, content)
        if fitting is not None:
            pictures[evidence.id] = fitting
    return pictures


async def _pack(step: Step, wish: Wish, state: State) -> Progress:
    with tempfile.TemporaryDirectory(prefix="poutama-export-") as temporary:
        folder = Path(temporary)
        for part in range(1, state.parts + 1):
            await step.store.download(wish.part(part), _local(folder, part))
        path = folder / "journey.zip"
        with JourneyZip(path, in_zone(wish.as_of, state.time_zone)) as packed:
            packed.add_text("README.txt", write_readme(state.heading(wish), state.all_volumes))
            for number in range(1, state.all_volumes + 1):
                file = folder / "volume.pdf"
                await step.store.download(wish.volume(number), file)
                name = name_print(number, state.all_volumes)
                await asyncio.to_thread(packed.add_file, name, file)
            missing = await _pack_evidence(step, packed, folder, state)
            await asyncio.to_thread(_pack_texts, packed, folder, wish, state, missing)
        await step.store.put(wish.result, path, media_type=ZIP_TYPE)
    return Progress(checkpoint=asdict(replace(state, phase="tidy")), done=state.goals * 2 + 1)


async def _pack_evidence(
    step: Step, packed: JourneyZip, folder: Path, state: State
) -> frozenset[UUID]:
    """Add the files one by one; returns whose are gone, deleted since the journey was read."""
    missing = set()
    file = folder / "evidence"
    for goal in _read_goals(folder, state.parts):
        for evidence in goal.all_evidence:
            if not evidence.key:
                continue
            try:
                await step.store.download(evidence.key, file)
            except NotFoundError:
                missing.add(evidence.id)
            else:
                await asyncio.to_thread(packed.add_file, evidence.file, file)
    return frozenset(missing)


def _pack_texts(
    packed: JourneyZip, folder: Path, wish: Wish, state: State, missing: frozenset[UUID]
) -> None:
    def goals() -> Iterator[Goal]:
        return (_without(goal, missing) for goal in _read_goals(folder, state.parts))

    packed.add_text("journey.json", write_document(state.heading(wish), goals()))
    for name, table in TABLES.items():
        packed.add_text(f"csv/{name}", write_table(table, goals()))


def _read_goals(folder: Path, parts: int) -> Iterator[Goal]:
    for part in range(1, parts + 1):
        yield from read_part(_local(folder, part).read_bytes())


def _without(goal: Goal, missing: frozenset[UUID]) -> Goal:
    """The goal, saying of no file that it is in the zip when it is not."""
    if not missing:
        return goal
    return replace(
        goal,
        evidence=tuple(replace(e, file="") if e.id in missing else e for e in goal.evidence),
        notes=tuple(
            replace(
                note,
                evidence=tuple(
                    replace(e, file="") if e.id in missing else e for e in note.evidence
                ),
            )
            for note in goal.notes
        ),
    )


def _local(folder: Path, part: int) -> Path:
    return folder / f"{part:06}.json"


async def _tidy_up(step: Step, wish: Wish, state: State) -> Finished:
    """Delete the parts; the whole is there."""
    await delete_folder(step.store, f"{wish.folder}/parts")
    return Finished(
        result_key=wish.result,
        result_name=name_zip(state.name, wish.as_of, state.time_zone),
        result_type=ZIP_TYPE,
        done=state.goals * 2 + 2,
    )
