"""Migrations of features of other packages: a history beside the core's, on a real database."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from poutama.db.connection import Database
from poutama.db.migrate import downgrade, upgrade_schema
from poutama.db.revisions import CORE, CORE_HISTORY, FeatureMigrations, check_revisions, find_head
from poutama.errors import ConfigurationError, UnavailableError
from poutama.settings import Settings
from tests.db.test_migrations import read, table_names

HEAD = find_head(CORE_HISTORY)
MIGRATE = """
import sys
from pathlib import Path
from poutama.db.migrate import migrate
from poutama.db.revisions import FeatureMigrations
print(migrate(sys.argv[1], histories=[FeatureMigrations("harvest", Path(sys.argv[2]))]))
"""
REVISION = '''"""Harvests."""

from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade() -> None:
    op.execute("{up}")


def downgrade() -> None:
    op.execute("drop table if exists {table}")
'''


class SampleFeature:
    """The migrations of a feature, written revision by revision."""

    def __init__(self, folder: Path) -> None:
        self.history = FeatureMigrations("harvest", folder)
        self._newest: str | None = None

    def add(self, revision: str, *, table: str = "harvest", up: str = "") -> None:
        up = up or f"create table {table} (id uuid primary key, by uuid references person (id))"
        text = REVISION.format(revision=revision, down=self._newest, up=up, table=table)
        (self.history.folder / f"{revision}.py").write_text(text, encoding="utf-8")
        self._newest = revision


@pytest.fixture
def harvest(tmp_path: Path) -> SampleFeature:
    made = SampleFeature(tmp_path)
    made.add("1_harvest")
    return made


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = Database(Settings(), url=postgres_url)
    yield opened
    await opened.close()


async def check(database: Database, **needed: str) -> None:
    await check_revisions(database, needed, deadline=time.monotonic() + 30)


async def test_a_feature_is_migrated_after_the_core(
    postgres_url: str, harvest: SampleFeature
) -> None:
    applied = await upgrade_schema(postgres_url, histories=[harvest.history])

    assert applied[-2:] == [HEAD, "harvest/1_harvest"]
    assert "harvest" in await table_names(postgres_url)
    assert await upgrade_schema(postgres_url, histories=[harvest.history]) == []


async def test_its_next_revision_is_applied_alone(
    postgres_url: str, harvest: SampleFeature
) -> None:
    await upgrade_schema(postgres_url, histories=[harvest.history])
    harvest.add("2_basket", table="basket")

    assert await upgrade_schema(postgres_url, histories=[harvest.history]) == ["harvest/2_basket"]


async def test_a_feature_that_is_not_installed_any_longer_is_named_and_left_alone(
    postgres_url: str, harvest: SampleFeature
) -> None:
    await upgrade_schema(postgres_url, histories=[harvest.history])
    echoed: list[str] = []

    assert await upgrade_schema(postgres_url, echo=echoed.append) == []

    assert echoed == [
        "the database has the tables of the feature 'harvest', which is not installed:"
        " they stay as they are"
    ]
    assert "harvest" in await table_names(postgres_url)
    # AND it goes on where it was, once it is installed again
    assert await upgrade_schema(postgres_url, histories=[harvest.history]) == []


async def test_it_goes_down_alone(postgres_url: str, harvest: SampleFeature) -> None:
    await upgrade_schema(postgres_url, histories=[harvest.history])

    gone = await asyncio.to_thread(downgrade, postgres_url, "base", history=harvest.history)

    assert gone == ["harvest/1_harvest"]
    assert "harvest" not in await table_names(postgres_url)
    rows = await read(postgres_url, "select feature, revision from applied_revision")
    assert {row["feature"] for row in rows} == {CORE}


@pytest.mark.parametrize(
    ("up", "reason"),
    [
        ("create table goal (id uuid)", "DuplicateTableError"),
        ("create tabel x (id uuid)", "PostgresSyntaxError"),
    ],
)
async def test_one_that_fails_is_named_with_its_file_and_leaves_the_rest(
    postgres_url: str, harvest: SampleFeature, database_engine: str, up: str, reason: str
) -> None:
    harvest.add("2_broken", up=up)

    with pytest.raises(ConfigurationError) as caught:
        await upgrade_schema(postgres_url, histories=[harvest.history])

    message = caught.value.message
    assert message.startswith("feature 'harvest': the migration ")
    assert f"2_broken.py fails: {reason}: " in message
    assert "\n" not in message
    if database_engine == "postgresql":
        harvest.add("3_never")
        rows = await read(postgres_url, "select version_num from alembic_version_harvest")
        assert [row["version_num"] for row in rows] == ["1_harvest"]


async def test_two_newest_revisions_are_refused(postgres_url: str, harvest: SampleFeature) -> None:
    text = REVISION.format(revision="1_other", down=None, up="select 1", table="x")
    (harvest.history.folder / "1_other.py").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"\(harvest\): Multiple head"):
        await upgrade_schema(postgres_url, histories=[harvest.history])
    with pytest.raises(ConfigurationError, match="newest revision, got 1_harvest, 1_other"):
        find_head(harvest.history)


async def test_a_database_that_lacks_a_features_migration_is_told_apart(
    postgres_url: str, harvest: SampleFeature, database: Database
) -> None:
    # GIVEN a database that nothing has migrated
    with pytest.raises(ConfigurationError, match="no tables yet: run `poutama migrate`"):
        await check(database, poutama=HEAD)
    # WHEN only the core is migrated
    await upgrade_schema(postgres_url)
    await check(database, poutama=HEAD)
    # THEN what is missing is named
    with pytest.raises(ConfigurationError) as caught:
        await check(database, poutama=HEAD, harvest=find_head(harvest.history))
    assert caught.value.message == (
        "The database lacks the migration 1_harvest of the feature 'harvest': run"
        " `poutama migrate` with the same packages installed."
    )
    # AND once it is there, an older version of the code is content as well
    harvest.add("2_basket", table="basket")
    await upgrade_schema(postgres_url, histories=[harvest.history])
    await check(database, poutama=HEAD, harvest="1_harvest")
    await check(database, poutama="0001_goals", harvest="2_basket")


async def test_what_was_migrated_before_revisions_were_recorded_is_recorded(
    postgres_url: str, database: Database
) -> None:
    await upgrade_schema(postgres_url)
    await read(postgres_url, "drop table applied_revision")

    assert await upgrade_schema(postgres_url) == []

    await check(database, poutama=HEAD)


async def test_a_database_that_is_down_is_not_one_without_migrations() -> None:
    settings = Settings(request_seconds=1)
    nowhere = Database(settings, url="postgresql://postgres@127.0.0.1:1/poutama")
    with pytest.raises(UnavailableError):
        await check_revisions(nowhere, {CORE: HEAD}, deadline=time.monotonic() + 1)
    await nowhere.close()


async def test_of_several_processes_at_once_one_migrates_the_feature(
    postgres_url: str, harvest: SampleFeature
) -> None:
    words = (sys.executable, "-c", MIGRATE, postgres_url, str(harvest.history.folder))
    processes = [
        await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    printed = [(await process.communicate())[0].decode() for process in processes]

    assert sorted(text.count("harvest/1_harvest") for text in printed) == [0, 0, 1]
    assert [process.returncode for process in processes] == [0, 0, 0]
