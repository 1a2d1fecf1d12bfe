"""A zip file that depends on nothing but what is in it.

`function_package` writes packages with it: names in order, one moment for all files, modes without
a trace of who made them. Unzipped or zipped again elsewhere, the same files make the same bytes.
"""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

# The earliest moment that the format can say.
MOMENT = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_LEVEL = 9


def write_archive(folder: Path, archive: Path) -> None:
    """Write all files below `folder` into a new zip file, whole or not at all."""
    fresh = archive.with_name(f".{archive.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target:
            for name, path in sorted(_files(folder)):
                target.writestr(_describe(name), path.read_bytes(), compresslevel=_LEVEL)
        fresh.replace(archive)
    finally:
        fresh.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[str, Path]]:
    return [
        (path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file()
    ]


def _describe(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, MOMENT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = _UNIX
    mode = 0o755 if name.endswith(".so") or ".so." in name else 0o644
    entry.external_attr = (stat.S_IFREG | mode) << 16
    return entry
