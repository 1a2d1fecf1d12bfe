"""`poutama features`: the installed features, where from, and whether the database has theirs.

Called by the command line. Reads only.
"""

from __future__ import annotations

import asyncio
import time

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from poutama.db.connection import Database
from poutama.db.revisions import CORE, MissingTablesError, read_applied
from poutama.feature import BUILT_IN
from poutama.features import load_features, needed_revisions
from poutama.settings import Settings

SECONDS = 30.0


def show_features(settings: Settings, url: str, console: Console) -> None:
    """Print the installed features as a table, and what the database has of others.

    Raises:
        ConfigurationError: a feature cannot be loaded, or the database cannot be connected to
            with these settings.
        PoutamaError: the database does not answer.
    """
    applied = asyncio.run(_read_applied(settings, url))
    needed = needed_revisions()
    shown = Table(box=None)
    for heading in ("feature", "from", "api", "migrations"):
        shown.add_column(heading, no_wrap=True)
    shown.add_row(CORE, BUILT_IN, "", _describe(CORE, needed[CORE], applied))
    for feature in load_features().features:
        revision = needed.get(feature.name, "")
        state = _describe(feature.name, revision, applied) if revision else ""
        shown.add_row(
            *(feature.name, escape(feature.origin), str(feature.api or "")), escape(state)
        )
    console.print(shown)
    installed = {CORE, *(feature.name for feature in load_features().features)}
    for name in sorted({feature for feature, _ in applied} - installed):
        console.print(f"{escape(name)}: not installed; the database keeps its tables")


def _describe(feature: str, needed: str, applied: set[tuple[str, str]]) -> str:
    there = (feature, needed) in applied
    return f"{needed}" if there else f"{needed} is missing: run `poutama migrate`"


async def _read_applied(settings: Settings, url: str) -> set[tuple[str, str]]:
    database = Database(settings, url=url)
    try:
        return await read_applied(database, deadline=time.monotonic() + SECONDS)
    except MissingTablesError:
        return set()
    finally:
        await database.close()
