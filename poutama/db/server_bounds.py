"""What the database server leaves unbounded, and how to bound it.

`poutama migrate` prints the advice. A session bounds its memory and time by itself
(`db.connection`); how much a statement may write to temporary files takes a right that the
application's role seldom has. Changes nothing.
"""

from __future__ import annotations

import asyncio
import time

from poutama.db.dialect import Dialect
from poutama.db.hosts import Hosts
from poutama.db.pooled_connection import dialect_of
from poutama.settings import Settings

UNLIMITED = "-1"


def find_advice(settings: Settings, url: str) -> str | None:
    """Return what a superuser should set for this role; None where it is bounded.

    Raises:
        Failure: the database does not answer.
    """
    return asyncio.run(_find_advice(settings, url))


async def _find_advice(settings: Settings, url: str) -> str | None:
    hosts = Hosts(settings, url, {"application_name": "poutama-migrate"})
    connection = await hosts.open(time.monotonic() + settings.request_seconds)
    try:
        if dialect_of(connection) is Dialect.COCKROACHDB:
            return None  # `--max-disk-temp-storage` bounds each node, by default
        ((limit, role),) = await connection.fetch(
            "SELECT current_setting('temp_file_limit'), quote_ident(current_user)"
        )
        if limit != UNLIMITED:
            return None
    finally:
        await connection.close()
    return (
        "note: nothing bounds the temporary files of a statement; as a superuser,"
        f" ALTER ROLE {role} SET temp_file_limit = '1GB';"
    )
