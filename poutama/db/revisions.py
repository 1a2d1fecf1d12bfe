"""Which migrations a database must have, and whether it has them.

`db.migrate` records in `applied_revision` what it has applied, for the core and for each feature
with migrations of its own; a process checks here whether that is enough for its code. Alembic's own
tables cannot tell: they have the newest revision alone, and a database may be newer than the code.
Never imports Alembic and never changes anything.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from poutama.db.connection import Database
from poutama.db.sqlstate import UNDEFINED
from poutama.errors import ConfigurationError, DatabaseError

CORE = "poutama"
"""Whose migrations those in `db/migrations` are."""

SCRIPTS = Path(__file__).parent / "migrations"

_APPLIED = "SELECT feature, revision FROM applied_revision ORDER BY feature, revision"


@dataclass(frozen=True, slots=True)
class FeatureMigrations:
    """The migrations of one feature.

    Attributes:
        feature: its name.
        folder: the folder of its revisions' files.
    """

    feature: str
    folder: Path


CORE_HISTORY = FeatureMigrations(CORE, SCRIPTS / "versions")


def find_head(history: FeatureMigrations) -> str:
    """The newest revision, read from the files without running them.

    Raises:
        ConfigurationError: there is none, or more than one.
    """
    parents: dict[str, object] = {}
    for path in sorted(history.folder.glob("*.py")):
        found = _read_assignments(path)
        if isinstance(revision := found.get("revision"), str):
            parents[revision] = found.get("down_revision")
    heads = parents.keys() - set(parents.values())
    if len(heads) != 1:
        raise ConfigurationError(
            f"the migrations of {history.feature!r} in {history.folder}: expected one newest"
            f" revision, got {', '.join(sorted(heads)) or 'none'}"
        )
    return heads.pop()


class MissingTablesError(ConfigurationError):
    """The database has no tables yet: run `poutama migrate`."""


async def check_revisions(
    database: Database, needed: Mapping[str, str], *, deadline: float
) -> None:
    """See whether the database has what the code needs; one statement.

    Args:
        database: any.
        needed: feature -> the newest revision that its code knows.
        deadline: absolute `time.monotonic()`.

    Raises:
        ConfigurationError: a revision is missing; names it and its feature.
        UnavailableError, DeadlineExceededError, DatabaseError: the database does not answer.
    """
    applied = await read_applied(database, deadline=deadline)
    for feature, revision in needed.items():
        if (feature, revision) not in applied:
            raise ConfigurationError(
                f"The database lacks the migration {revision} of {_describe(feature)}: run"
                " `poutama migrate` with the same packages installed."
            )


async def read_applied(database: Database, *, deadline: float) -> set[tuple[str, str]]:
    """Every feature and revision that the database has, those that are not installed among them.

    Raises:
        MissingTablesError: it has no tables yet.
        ConfigurationError: it cannot be connected to with these settings.
        UnavailableError, DeadlineExceededError, DatabaseError: the database does not answer.
    """
    try:
        rows = await database.read(_APPLIED, deadline=deadline, name="revisions")
    except DatabaseError as error:
        if error.sqlstate not in UNDEFINED:
            raise
        raise MissingTablesError from error
    return {(row["feature"], row["revision"]) for row in rows}


def _describe(feature: str) -> str:
    return "poutama itself" if feature == CORE else f"the feature {feature!r}"


def _read_assignments(path: Path) -> dict[str, object]:
    """The module's names that are assigned a constant."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError(f"the migration {path} cannot be read: {error}") from error
    found: dict[str, object] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value)):
                found[name] = value
    return found
