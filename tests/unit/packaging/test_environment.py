"""What a feature needs is found in the environment it is installed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from poutama.packaging.installed_distributions import (
    find_distributions,
    is_editable,
    is_pure,
    list_files,
    normalize_name,
)
from poutama.packaging.installer import PackageError
from poutama.packaging.libraries import read_environment, read_lock

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts the metadata of a distribution on the path."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(name: str, *needs: str, **files: str) -> None:
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0"]
        lines += [f"Requires-Dist: {need}" for need in needs]
        (folder / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for file, text in files.items():
            (folder / file.replace("_json", ".json")).write_text(text, encoding="utf-8")

    return put


def names(*roots: str, without: tuple[str, ...] = ()) -> list[str]:
    return list(find_distributions(roots, without=without))


def test_everything_that_is_needed_in_turn_is_found_once(install: Install) -> None:
    install("Tree_Root", "tree-branch>=1", "tree.leaf")
    install("tree-branch", "tree-leaf (>=2)", "tree-root")
    install("tree-leaf")

    assert names("tree-root") == ["tree-branch", "tree-leaf", "tree-root"]


def test_what_is_left_out_takes_its_needs_along(install: Install) -> None:
    install("tree-root", "tree-branch")
    install("tree-branch", "tree-leaf")
    install("tree-leaf")

    assert names("tree-root", without=("Tree_Branch",)) == ["tree-root"]


def test_an_extra_is_needed_only_where_it_is_named(install: Install) -> None:
    install("tree-root", "tree-branch[bark]")
    install("tree-branch", 'tree-leaf; extra == "bark"', "tree-bird; extra == 'nest'")
    install("tree-leaf")

    assert names("tree-root") == ["tree-branch", "tree-leaf", "tree-root"]
    assert names("tree-branch") == ["tree-branch"]


def test_what_a_marker_leaves_out_here_is_left_out(install: Install) -> None:
    install("tree-root", "tree-absent; sys_platform == 'win32'")

    assert names("tree-root") == ["tree-root"]


def test_what_is_missing_is_named_with_what_needs_it(install: Install) -> None:
    install("tree-root", "tree-absent>=1")

    with pytest.raises(PackageError, match="tree-absent is needed by tree-root"):
        names("tree-root")


def test_pure_and_editable_are_told_by_the_metadata(install: Install, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "leaf.py").touch()
    install(
        "tree-root",
        WHEEL="Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
        direct_url_json='{"url": "file:///x", "dir_info": {"editable": true}}',
    )
    install(
        "tree-leaf",
        WHEEL="Wheel-Version: 1.0\nRoot-Is-Purelib: false\n",
        direct_url_json='{"url": "file:///x", "dir_info": {}}',
        RECORD="tree/leaf.py,,\n../../../bin/leaf,,\n",
    )
    found = find_distributions(["tree-root", "tree-leaf"])

    assert (is_pure(found["tree-root"]), is_editable(found["tree-root"])) == (True, True)
    assert (is_pure(found["tree-leaf"]), is_editable(found["tree-leaf"])) == (False, False)
    assert [path.as_posix() for path in list_files(found["tree-leaf"])] == ["tree/leaf.py"]


def test_poutama_itself_needs_what_its_extras_say() -> None:
    plain, cloud = names("poutama"), names("poutama[aws]")

    assert {"asyncpg", "cryptography", "graphql-core", "msgspec", "poutama"} <= set(plain)
    assert "botocore" not in plain
    assert {"botocore", *plain} <= set(cloud)


@pytest.mark.parametrize("name", ["Our.Harvest", "our__harvest", "OUR-harvest"])
def test_a_name_has_one_spelling(name: str) -> None:
    assert normalize_name(name) == "our-harvest"


def test_without_a_lock_a_package_has_what_the_lock_would_say() -> None:
    def names_of(pins: list[str]) -> set[str]:
        return {normalize_name(re.split("[=; ]", pin)[0]) for pin in pins if "==" in pin}

    installed = read_environment(["aws", "jobs"])
    locked = read_lock(["aws", "jobs"])

    assert not names_of(installed) & {"poutama", "pytest", "rich"}
    everywhere = {pin.split(" ")[0] for pin in locked if "==" in pin and " ; " not in pin}
    assert everywhere <= set(installed)
