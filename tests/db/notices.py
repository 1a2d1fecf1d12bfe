"""The notice that a person is shown before they accept a membership."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from poutama.db.connection import Database
from poutama.features.groups.notice import Offer, name_version
from tests.db.sessions import soon


class HasDatabase(Protocol):
    """A client of an engine, or an importer."""

    @property
    def database(self) -> Database: ...


_FIND = """
SELECT role, organisation_name, organisation_verified, group_name FROM invitation WHERE id = $1
"""


async def shown(client: HasDatabase, membership: object) -> dict[str, str]:
    """What accepts the membership: its id, and the version of what its person is shown; of one that
    cannot be accepted, a version that was.
    """
    rows = await client.database.read(_FIND, [UUID(str(membership))], deadline=soon())
    version = name_version(Offer(*rows[0])) if rows else "2026-11-as-it-was-before"
    return {"id": str(membership), "notice": version}
