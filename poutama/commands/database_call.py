"""One call of an async function with a database that is opened for it and closed after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from poutama.db.connection import Database
from poutama.settings import Settings

T = TypeVar("T")


def call_with_database(settings: Settings, url: str, call: Callable[[Database], Awaitable[T]]) -> T:
    """Return what `call` returns, given the database at `url`."""

    async def run() -> T:
        database = Database(settings, url=url)
        try:
            return await call(database)
        finally:
            await database.close()

    return asyncio.run(run())
