"""GraphiQL's page: complete, from this machine alone, and honest when it is not installed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from poutama.edge.http import Request, Response
from poutama.laptop.graphiql import assets
from poutama.laptop.graphiql.assets import (
    ASSETS,
    SOURCES,
    InstallationError,
    assets_folder,
    ensure_assets,
    install_packages,
)
from poutama.laptop.graphiql.page import graphiql_routes


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    for name in ASSETS:
        (folder / name).write_text(name, encoding="utf-8")
    return folder


async def open_page(folder: Path, path: str = "/graphiql") -> Response:
    return await graphiql_routes(folder)[path](Request("GET", path, "", {}, b""))


async def test_everything_the_page_asks_for_is_there(installed: Path) -> None:
    page = await open_page(installed)

    assert page.status == 200
    for path in graphiql_routes(installed):
        if path != "/graphiql":
            assert f'"{path}"'.encode() in page.body
            assert (await open_page(installed, path)).status == 200


async def test_the_page_and_its_policy_name_no_other_host(installed: Path) -> None:
    page = await open_page(installed)
    policy = dict(page.headers)[b"content-security-policy"]

    assert b"default-src 'none'" in policy
    for text in (page.body, policy):
        assert b"http:" not in text
        assert b"https:" not in text


async def test_a_page_that_is_not_installed_says_what_to_do(tmp_path: Path) -> None:
    page = await open_page(tmp_path / "nothing")

    assert page.status == 503
    assert b"make up" in page.body
    assert (await open_page(tmp_path / "nothing", "/graphiql/page.css")).status == 200
    assert (await open_page(tmp_path / "nothing", "/graphiql/react.js")).status == 404


def test_what_is_fetched_is_pinned_by_hash_and_by_no_host() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


def test_an_installation_that_fails_is_a_warning_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # GIVEN a manifest that its lock does not fit, as npm finds out before it asks any network
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "package.json").write_text('{"dependencies": {"react": "1.0.0"}}', encoding="utf-8")
    (sources / "package-lock.json").write_text('{"lockfileVersion": 3}', encoding="utf-8")
    monkeypatch.setattr(assets, "SOURCES", sources)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "home"))
    caplog.set_level(logging.WARNING)

    folder = ensure_assets(tmp_path / "home")

    assert not folder.exists()
    [record] = caplog.records
    assert record.getMessage().startswith("GraphiQL could not be installed: npm")
    assert list(folder.parent.iterdir()) == []


def test_npms_own_words_are_passed_on(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="npm error"):
        install_packages(tmp_path)


def test_without_an_environment_to_write_to_the_data_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not assets_folder(tmp_path).is_relative_to(tmp_path)

    monkeypatch.setattr("sys.prefix", "/usr")
    monkeypatch.setattr("sys.base_prefix", "/usr")

    assert assets_folder(tmp_path).is_relative_to(tmp_path)
