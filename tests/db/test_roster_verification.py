"""Only a verified organisation enrols people by rosters, from the first request to the last."""

from __future__ import annotations

import pytest

from tests.db.roster_importer import APPLY, CHECK, START, Importer
from tests.features.sample import id_of
from tests.unit.features.rosters import small_school


async def test_an_organisation_that_is_not_verified_enrols_no_person(importer: Importer) -> None:
    await importer.set_up(verified=False)
    world = await importer.world()
    input = {"organisationId": str(id_of("organisation")), "name": "r.zip", "bytes": 1}
    code, message = await importer.refuse(START, i={**input, "sha256": "0" * 64})
    assert code == "FORBIDDEN"
    assert message.startswith("This organisation is not verified")
    assert await importer.world() == world


@pytest.mark.parametrize("applied", [False, True])
async def test_an_import_stops_where_its_organisation_is_no_longer_verified(
    importer: Importer, *, applied: bool
) -> None:
    content = small_school()
    if applied:
        checked = await importer.check(content)
        mutation, id_ = APPLY, checked["id"]
        input = {"importId": id_, "expectedVersion": checked["version"]}
    else:
        mutation, id_ = CHECK, await importer.start(content)
        input = {"importId": id_}
    await importer.ask(mutation, i=input)
    await importer.write("UPDATE organisation SET verified = false")
    world = await importer.world()
    await importer.work(id_)
    imported = await importer.see(id_)
    assert imported["state"] == "FAILED"
    assert imported["job"]["failure"].startswith("This organisation is not verified")
    assert await importer.world() == world
    newer = {**input, "expectedVersion": imported["version"]} if applied else input
    assert (await importer.refuse(mutation, i=newer))[0] == "FORBIDDEN"
