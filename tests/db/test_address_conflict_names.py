"""A school that a person has left does not learn from an address conflict what they are called."""

from __future__ import annotations

import pytest

from poutama.errors import ForbiddenError
from poutama.viewer import Viewer
from tests.db.roster_importer import Importer
from tests.db.test_addresses import (
    ADDRESS,
    NEWCOMER,
    conflicts,
    school,
    sign_in,
    write_privately,
)
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient


async def test_a_school_does_not_learn_what_a_person_who_left_is_called_since(
    importer: Importer,
) -> None:
    student = await write_privately(importer, leaves=False)
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS, "other")
    (before,) = await conflicts(importer)
    assert (before["personName"], before["personSourcedId"]) == ("Stu One", "u1")
    await importer.import_(school())
    await importer.write("UPDATE person SET name = 'New Name' WHERE id = $1", student.person_id)
    (after,) = await conflicts(importer)
    assert (after["personName"], after["personSourcedId"]) == (None, "u1")
    client, admin = EngineClient(importer.database, "json"), Viewer(id_of(Caller.ADMIN))
    for argument in ('filter: { personName: { startsWith: "New" } }', "orderBy: [PERSON_NAME_ASC]"):
        document = f"{{ addressConflicts({argument}) {{ id }} }}"
        assert await client.refuse(document, admin) == "GRAPHQL_VALIDATION_FAILED"
    applied = await importer.import_(school(NEWCOMER))
    (error,) = [e for e in applied["checkJob"]["rowErrors"] if e["code"] == "TAKEN"]
    assert "New Name" not in error["message"]
