"""What a roster's manifest says is in the zip, and what is made of it when it is wrong or missing.

`roster.csv_reader` calls it. Pure.

https://www.imsglobal.org/oneroster-v11-final-csv-tables#_Toc480293251
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from poutama.features.roster.columns import FILES, OTHER_FILES
from poutama.features.roster.lines import CsvRecord
from poutama.jobs.job import RowError
from poutama.zip_archive import ArchiveError

MANIFEST = "manifest.csv"
_VERSION = re.compile(r"(?:oneroster *)?v?\.? *(1\.[0-2])(?:\.\d{1,3}){0,2}", re.IGNORECASE)
"""As systems spell it: 1.1, v1.1, 1.2.1, OneRoster 1.1."""


class Mode(StrEnum):
    """What a file is: everything there is, what has changed, or not there."""

    BULK = "bulk"
    DELTA = "delta"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is to be read, and how.

    Attributes:
        modes: each of `FILES` -> its mode.
        version: of OneRoster; empty where the manifest has none.
        system: which system wrote the files; empty where the manifest names none.
        notes: what is odd about it.
    """

    modes: dict[str, Mode]
    version: str
    system: str
    notes: list[RowError]


def read_manifest(records: Sequence[CsvRecord], names: Collection[str]) -> Manifest:
    """Put together what the manifest says and what there is.

    Args:
        records: of the manifest; empty where there is none.
        names: of all entries of the zip, in lower case.

    Raises:
        ArchiveError: it is of a version that is not known, or nothing is there to import.
    """
    declared = {
        record.cells[0].strip().lstrip("\ufeff").lower(): record.cells[1].strip()
        for record in records
        if not record.fault and len(record.cells) >= 2
    }
    notes: list[RowError] = []
    version = _find_version(declared.get("oneroster.version", ""), notes)
    if not declared:
        notes.append(
            _note(
                MANIFEST,
                "NO_MANIFEST",
                "There is no manifest.csv that can be read: what the files hold is added and"
                " changed, and nothing is ended because it is absent.",
            )
        )
    modes = {file: _mode(file, declared, names, notes) for file in FILES}
    if all(mode is Mode.ABSENT for mode in modes.values()):
        raise ArchiveError(
            "The zip has none of classes.csv, users.csv, roles.csv and enrollments.csv to import."
        )
    notes += _strangers(names)
    system = declared.get("source.systemname", "") or declared.get("source.systemcode", "")
    return Manifest(modes, version, system[:200], notes)


def _find_version(text: str, notes: list[RowError]) -> str:
    """The version by its number; empty where the manifest has none."""
    if not text:
        return ""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ArchiveError(
            f"manifest.csv: oneroster.version is {text[:20]!r}; expected 1.1 or 1.2."
        )
    version = found[1]
    if version != text:
        message = f"oneroster.version is {text[:40]!r}; read as {version}."
        notes.append(_note(MANIFEST, "ODD_VERSION", message))
    return version


def _mode(
    file: str, declared: dict[str, str], names: Collection[str], notes: list[RowError]
) -> Mode:
    there = f"{file}.csv" in names
    word = declared.get(f"file.{file}", "").lower()
    if not declared:
        return Mode.DELTA if there else Mode.ABSENT
    name = f"{file}.csv"
    if word in ("bulk", "delta"):
        if there:
            return Mode(word)
        notes.append(
            _note(name, "NO_FILE", f"The manifest announces {name}, but it is not in the zip.")
        )
        return Mode.ABSENT
    if there and word == "absent":
        notes.append(_note(name, "UNUSED_FILE", f"The manifest says that {name} is absent."))
        return Mode.ABSENT
    if there:
        notes.append(
            _note(
                name,
                "ODD_MODE",
                f"The manifest should say bulk, delta or absent of {name}: what it holds is added"
                " and changed, and nothing is ended because it is absent.",
            )
        )
        return Mode.DELTA
    return Mode.ABSENT


def _strangers(names: Collection[str]) -> list[RowError]:
    known = {f"{file}.csv".lower() for file in (*FILES, *OTHER_FILES)} | {MANIFEST}
    return [
        _note(name, "UNUSED_FILE", "It is not a file of OneRoster; nothing was read from it.")
        for name in sorted(names)
        if name not in known
    ]


def _note(file: str, code: str, message: str) -> RowError:
    return RowError(file=file[:200], line=0, field="", code=code, message=message)
