"""Rosters imported into a school: what is added, changed and ended, and what never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from poutama.db.connection import Database
from tests.db.registrar import Registrar, counts
from tests.unit.journeys.rosters import small_school


@pytest.fixture
async def registrar(desk_database: Database, tmp_path: Path) -> Registrar:
    registrar = Registrar(desk_database, tmp_path / "files")
    await registrar.set_up()
    return registrar


async def test_a_school_is_imported(registrar: Registrar) -> None:
    checked = await registrar.check(small_school())
    expected = {"groupsAdded": 2, "peopleAdded": 4, "membershipsAdded": 6}
    assert checked["job"]["failure"] is None
    assert counts(checked) == expected
    applied = await registrar.apply(checked)
    assert counts(applied) == expected
    assert await registrar.members("9 Pūtaiao") == [
        ("t1@school.example", "MENTOR"),
        ("u1@school.example", "STUDENT"),
        ("u2@school.example", "STUDENT"),
    ]
    assert await registrar.staged() == 0
