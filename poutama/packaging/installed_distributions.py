"""What is installed in this environment: distributions, and what they need in turn.

`installer` and `features` ask. Markers of a requirement are not evaluated: what is not needed on
this machine is not installed here, and left out.
Source: https://packaging.python.org/en/latest/specifications/core-metadata/#requires-dist-multiple-use
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import PurePosixPath

from poutama.packaging.installer import PackageError

_REQUIREMENT = re.compile(r"\s*([\w.-]+)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w.-]+)['\"]")


def normalize_name(name: str) -> str:
    """The one spelling of a distribution's name.

    https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def find_distributions(
    roots: Iterable[str], *, without: Iterable[str] = ()
) -> dict[str, Distribution]:
    """Normalized name -> distribution, for `roots` and everything they need.

    Args:
        roots: requirements, such as `poutama[aws,jobs]`.
        without: names that are left out, and what only they need.

    Raises:
        PackageError: something that is needed is not installed.
    """
    found: dict[str, Distribution] = {}
    seen = {(normalize_name(name), "") for name in without}
    waiting = [(root, "this environment") for root in roots]
    while waiting:
        requirement, source = waiting.pop()
        name, extras = _read_requirement(requirement)
        if (name, "") in seen and name not in found:
            continue
        fresh = [extra for extra in ("", *extras) if (name, extra) not in seen]
        try:
            found[name] = distribution(name)
        except PackageNotFoundError as error:
            if ";" in requirement:
                continue
            raise PackageError(
                f"{name} is needed by {source} and not installed here; install it first"
            ) from error
        for extra in fresh:
            seen.add((name, extra))
            waiting += [(need, name) for need in _needs(found[name], extra)]
    return dict(sorted(found.items()))


def is_editable(installed: Distribution) -> bool:
    """Whether it only points to a folder of sources.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    text = installed.read_text("direct_url.json") or "{}"
    return json.loads(text).get("dir_info", {}).get("editable") is True


def is_pure(installed: Distribution) -> bool:
    """Whether the same files serve every machine."""
    return "Root-Is-Purelib: true" in (installed.read_text("WHEEL") or "")


def list_files(installed: Distribution) -> Iterator[PurePosixPath]:
    """Its files, relative to where it is installed; without commands and what lies elsewhere."""
    for file in installed.files or ():
        path = PurePosixPath(file.as_posix())
        if ".." not in path.parts and not path.is_absolute():
            yield path


def _read_requirement(requirement: str) -> tuple[str, list[str]]:
    match = _REQUIREMENT.match(requirement)
    if match is None:
        raise PackageError(f"not a requirement: {requirement[:100]!r}")
    extras = [extra.strip() for extra in (match[2] or "").split(",")]
    return normalize_name(match[1]), [extra for extra in extras if extra]


def _needs(installed: Distribution, extra: str) -> list[str]:
    """The requirements that `extra` adds; those without any for an empty one."""
    return [
        requirement
        for requirement in installed.requires or ()
        if (match[1] if (match := _EXTRA.search(requirement)) else "") == extra
    ]
