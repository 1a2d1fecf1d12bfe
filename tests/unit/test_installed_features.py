"""Features of other packages: found by their entry point, or refused in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from poutama import installed_features
from poutama.edge.application import compute_fields
from poutama.errors import ConfigurationError, SchemaError
from poutama.feature import API, CORE_COMPUTED, Feature, FeatureSet
from poutama.features import load_features
from poutama.installed_features import (
    Installed,
    InstalledFeature,
    find_entries,
    find_features,
    find_revisions,
)
from poutama.schedule import Task
from poutama.server.resources import open_server_resources
from poutama.settings import Settings

FEATURE = """
from poutama.feature import Feature

FEATURE = Feature(name="harvest", package="harvest_feature", api={api})
"""


class Site:
    """A folder on `sys.path` into which packages are put as an installer would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        source: str,
        *,
        distribution: str = "poutama-harvest",
        module: str = "harvest_feature",
        value: str = "harvest_feature:FEATURE",
    ) -> None:
        metadata = self.folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n", encoding="utf-8"
        )
        (metadata / "entry_points.txt").write_text(
            f"[poutama.features]\nharvest = {value}\n", encoding="utf-8"
        )
        (self.folder / f"{module}.py").write_text(source, encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(tmp_path)
    yield Site(tmp_path)
    for name in [name for name in sys.modules if name.startswith("harvest_")]:
        del sys.modules[name]


def complaint() -> str:
    with pytest.raises(ConfigurationError) as caught:
        find_features()
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_feature_is_found_by_its_entry_point(site: Site) -> None:
    site.install(FEATURE.format(api=API))

    [feature] = find_features()

    assert (feature.name, feature.origin) == ("harvest", "poutama-harvest 1.2")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("FEATURE = = 1\n", "cannot be imported (SyntaxError: "),
        ("import harvest_nowhere\n", "cannot be imported (ModuleNotFoundError: "),
        ("raise OSError('a\\nb')\n", "cannot be imported (OSError: a b); mend or uninstall"),
        ("OTHER = 1\n", "cannot be imported (AttributeError: "),
        ("FEATURE = 'harvest'\n", "expected a poutama.feature.Feature, got str"),
    ],
    ids=["syntax", "import", "error", "name", "type"],
)
def test_what_cannot_be_loaded_is_named(site: Site, source: str, reason: str) -> None:
    site.install(source)

    message = complaint()

    assert message.startswith("feature of poutama-harvest 1.2: harvest_feature:FEATURE")
    assert reason in message


@pytest.mark.parametrize("api", [API + 1, API - 1, None])
def test_a_feature_for_another_version_is_refused(site: Site, api: int | None) -> None:
    site.install(FEATURE.format(api=api))

    assert complaint() == (
        f"feature 'harvest' of poutama-harvest 1.2: api: expected {API}, the version of this"
        f" poutama, got {api}; install a version of the package that was written for it"
    )


def test_two_features_of_one_name_are_refused_with_both_packages(site: Site) -> None:
    site.install(FEATURE.format(api=API))
    site.install(
        FEATURE.format(api=API),
        distribution="our-harvest",
        module="harvest_other",
        value="harvest_other:FEATURE",
    )

    with pytest.raises(ConfigurationError) as caught:
        FeatureSet(find_features())

    assert caught.value.message == (
        "two features are called 'harvest', of our-harvest 1.2 and of poutama-harvest 1.2:"
        " rename or uninstall one"
    )


def test_a_feature_may_not_be_called_like_one_that_ships() -> None:
    taken = Feature(name="goals", package="x", origin="poutama-goals 1.0")

    with pytest.raises(ConfigurationError, match=r"'goals', of poutama and of poutama-goals 1\.0"):
        FeatureSet([*load_features().features, taken])


@pytest.mark.parametrize("name", ["", "Harvest", "our-harvest", "1st", "poutama", "a" * 41])
def test_a_name_that_cannot_be_a_tables_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="of poutama-x 1: name: expected"):
        FeatureSet([Feature(name=name, package="x", origin="poutama-x 1")])


@pytest.mark.parametrize(
    ("brings", "what"),
    [
        ({"jobs": {"EVIDENCE": "x:y"}}, "the job kind EVIDENCE is taken by the feature"),
        ({"tasks": {"sweep": Task("x:y", 60)}}, "the task sweep is taken by poutama itself"),
        (
            {"computed": {"download_url": str}},
            "the computed field download_url is taken",
        ),
    ],
    ids=["job", "task", "computed"],
)
def test_a_name_that_is_taken_is_refused(brings: dict[str, object], what: str) -> None:
    bold = Feature(name="bold", package="x", **brings)  # type: ignore[arg-type]

    with pytest.raises(ConfigurationError) as caught:
        FeatureSet([*load_features().features, bold])

    assert caught.value.message.startswith(f"feature 'bold': {what}")
    assert caught.value.message.endswith("; choose another name")


def test_the_computed_fields_of_poutama_itself_are_those_that_are_taken(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://poutama@127.0.0.1:1/poutama")
    resources = open_server_resources(settings, settings.database_url, tmp_path)

    functions = compute_fields(resources)(uuid4())
    assert set(CORE_COMPUTED) <= set(functions)
    assert len(functions) == len(CORE_COMPUTED) + len(load_features().computed)


def test_a_package_that_is_not_there_is_refused() -> None:
    lost = Feature(name="lost", package="harvest_nowhere", origin="poutama-lost 1")

    with pytest.raises(ConfigurationError, match=r"^feature 'lost' of poutama-lost 1: package: "):
        FeatureSet([lost]).read_sources()


@pytest.mark.parametrize(
    ("brings", "expected"),
    [
        ({"name": 3}, "name: expected a word, got 3"),
        ({"package": None}, "package: expected the name of a package, got None"),
        ({"procedures": str}, "procedures: expected a tuple of functions, got <class 'str'>"),
        ({"procedures": ("lend",)}, "procedures: expected a tuple of functions, got ('lend',)"),
        ({"jobs": ["TIDY"]}, "jobs: expected kind -> `package.module:name`, got ['TIDY']"),
        ({"jobs": {"TIDY": 3}}, "jobs: expected kind -> `package.module:name`, got {'TIDY': 3}"),
        ({"tasks": {"tidy": "x:y"}}, "tasks: expected name -> Task(function, every), got"),
        ({"computed": {"label": "x:y"}}, "computed: expected name -> function, got"),
        ({"migrations": None}, "migrations: expected the name of a folder, got None"),
        ({"personal_data": ["table"]}, "personal_data: expected a tuple of PersonalData, got"),
    ],
)
def test_a_declaration_of_another_type_is_refused(brings: dict[str, Any], expected: str) -> None:
    feature = Feature(**{"name": "bold", "package": "x", "origin": "poutama-bold 1", **brings})

    with pytest.raises(ConfigurationError) as caught:
        FeatureSet([feature])

    assert caught.value.message.startswith(f"feature {feature.name!r} of poutama-bold 1: ")
    assert expected in caught.value.message


@pytest.mark.parametrize(
    ("content", "reason"), [(b"# caf\xe9", "'utf-8' codec"), (None, "Is a directory")]
)
def test_a_schema_file_that_cannot_be_read_is_refused(
    site: Site, content: bytes | None, reason: str
) -> None:
    package = site.folder / "harvest_unread"
    package.mkdir()
    (package / "__init__.py").touch()
    file = package / "harvest.graphql"
    file.mkdir() if content is None else file.write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        FeatureSet([Feature(name="bold", package="harvest_unread")]).read_sources()

    assert caught.value.message.startswith("harvest_unread/harvest.graphql: cannot be read: ")
    assert reason in caught.value.message


@pytest.mark.parametrize("source", ["raise RuntimeError('one\\ntwo')", "def"])
def test_a_job_whose_module_cannot_be_imported_is_refused(site: Site, source: str) -> None:
    (site.folder / "harvest_job.py").write_text(source, encoding="utf-8")
    feature = Feature(name="bold", package="x", jobs={"TIDY": "harvest_job:KIND"})

    with pytest.raises(ConfigurationError, match="harvest_job:KIND cannot be imported: ") as caught:
        FeatureSet([feature]).load_jobs()

    assert "\n" not in caught.value.message


def test_a_model_without_its_procedures_is_refused_by_every_command(site: Site) -> None:
    package = site.folder / "harvest_idle"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "idle.graphql").write_text(
        "extend type Mutation {\n"
        '  idle(input: IdleInput!): IdlePayload! @procedure(name: "idle") @permit(everyone: true)\n'
        "}\ninput IdleInput { count: Int }\ntype IdlePayload { count: Int }\n",
        encoding="utf-8",
    )
    features = [*load_features().features, Feature(name="idle", package="harvest_idle")]

    message = r"^harvest_idle/idle\.graphql:2: Mutation\.idle: no feature has a procedure idle\.$"
    with pytest.raises(SchemaError, match=message):
        FeatureSet(features).model  # noqa: B018


def test_a_folder_of_migrations_that_is_not_there_is_refused() -> None:
    feature = Feature(name="bold", package="poutama.features.goals", migrations="nowhere")

    with pytest.raises(ConfigurationError, match=r"feature 'bold': migrations: .*goals/nowhere"):
        FeatureSet([feature]).histories  # noqa: B018


def test_a_function_reads_the_list_and_no_metadata(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a list as `make package` writes it, and another feature that is installed
    site.install(FEATURE.format(api=API))
    (tmp_path / "harvest_listed.py").write_text(FEATURE.format(api=API), encoding="utf-8")
    [entry] = find_entries()
    listed = Installed(
        (InstalledFeature("harvest_listed:FEATURE", "listed", "3"),), {"poutama": "0042_last"}
    )
    (tmp_path / "installed.json").write_bytes(msgspec.json.encode(listed))
    monkeypatch.setattr(installed_features, "LIST", tmp_path / "installed.json")
    installed_features.read_list.cache_clear()
    try:
        # THEN what counts is the list
        assert [feature.origin for feature in find_features()] == ["listed 3"]
        assert find_revisions(FeatureSet([])) == {"poutama": "0042_last"}
        assert entry.origin == "poutama-harvest 1.2"
    finally:
        installed_features.read_list.cache_clear()
