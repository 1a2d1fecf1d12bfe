"""Reads named SQL statements from the `.sql` files that stand beside the code that runs them.

Called when a module is imported that runs fixed statements of any length. A file is a sequence of
blocks, each begun by a line `-- name: some_name`; comments before the first one are about the file,
those below a name belong to its statement and are left out of it. `{word}` stands for a fragment of
SQL that the caller passes in: a constant of the program, such as a condition that several
statements share. Values are never put into text: they are parameters, as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: *(\S*) *$", re.MULTILINE)
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_FRAGMENT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_COMMENT = re.compile(r"^\s*--.*\n?", re.MULTILINE)


class SqlFileError(ValueError):
    """A file of statements is not as it must be."""


def load_sql(
    package: str, file: str, fragments: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Return the file's statements by their names.

    Args:
        package: which the file is in, as `__package__`.
        file: its name.
        fragments: what each `{word}` in it stands for.

    Raises:
        FileNotFoundError: the package has no file of that name.
        SqlFileError: a name is missing, not a word or taken; a block is empty; or the file's
            fragments are not those that were passed. Says which file, and what.
    """
    text = files(package).joinpath(file).read_text("utf-8")
    try:
        return MappingProxyType(parse_sql(text, fragments or {}))
    except SqlFileError as error:
        raise SqlFileError(f"{package}/{file}: {error}") from error


def parse_sql(text: str, fragments: Mapping[str, str]) -> dict[str, str]:
    """Return the statements of a file's text; as `load_sql`."""
    head, *parts = _NAME.split(text)
    if _COMMENT.sub("", head).strip():
        raise SqlFileError("expected `-- name: ...` before the first statement")
    wanted = set(_FRAGMENT.findall(text))
    if wanted != set(fragments):
        raise SqlFileError(f"expected fragments {sorted(wanted)}, got {sorted(fragments)}")
    statements: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if not _WORD.fullmatch(name):
            raise SqlFileError(f"expected a name in lower case, got {name!r}")
        if name in statements:
            raise SqlFileError(f"the name {name} is taken")
        statement = _COMMENT.sub("", body).strip().removesuffix(";")
        if not statement:
            raise SqlFileError(f"{name} is empty")
        statements[name] = _FRAGMENT.sub(lambda found: fragments[found[1]], statement)
    return statements
