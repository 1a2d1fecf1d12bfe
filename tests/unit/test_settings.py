"""Settings: read from the environment with clear complaints, documented to the last one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from poutama.configuration import (
    describe_settings,
    find_misspelt,
    open_home,
    read_settings,
)
from poutama.errors import ConfigurationError
from poutama.laptop.up import check_address
from poutama.reference.settings_page import render_settings_page
from poutama.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_lists_every_setting_as_it_is() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_settings_page(), "write it again: make docs"


def test_every_setting_has_help() -> None:
    assert [item.name for item in fields(Settings) if not item.metadata["help"].strip()] == []


def test_nothing_set_gives_the_defaults() -> None:
    assert read_settings({}) == Settings()


def test_a_variable_is_read_with_its_type() -> None:
    read = read_settings(
        {
            "POUTAMA_PORT": "9000",
            "POUTAMA_REQUEST_SECONDS": "2.5",
            "POUTAMA_INTROSPECTION": "off",
            "POUTAMA_HOME": "/tmp/here",
            "UNRELATED": "1",
        }
    )
    assert (read.port, read.request_seconds, read.introspection) == (9000, 2.5, False)
    assert read.home == "/tmp/here"


def test_a_misspelt_setting_is_found_and_other_variables_are_left_alone() -> None:
    environment = {
        "POUTAMA_MAX_PGE_SIZE": "3",
        "POUTAMA_MAX_PAGE_SIZE": "3",
        "POUTAMA_TEST_ENGINE": "cockroachdb",
        "POUTAMA_HARVEST_KEY": "of a feature",
        "MAX_PAGESIZE": "3",
    }
    assert find_misspelt(environment) == [("POUTAMA_MAX_PGE_SIZE", "POUTAMA_MAX_PAGE_SIZE")]


def test_the_plain_port_is_read_but_our_own_wins() -> None:
    assert read_settings({"PORT": "9000"}).port == 9000
    assert read_settings({"PORT": "9000", "POUTAMA_PORT": "9001"}).port == 9001


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("POUTAMA_PORT", "http", "POUTAMA_PORT: expected a whole number, got 'http'"),
        ("PORT", "", "^PORT: expected a whole number"),
        ("POUTAMA_RENDERING", "xml", "POUTAMA_RENDERING: expected json or rows, got 'xml'"),
        ("POUTAMA_REQUEST_SECONDS", "soon", "POUTAMA_REQUEST_SECONDS: expected a number"),
        (
            "POUTAMA_INTROSPECTION",
            "maybe",
            "POUTAMA_INTROSPECTION: expected true or false, got 'maybe'",
        ),
    ],
)
def test_a_value_that_does_not_fit_names_its_variable(
    variable: str, value: str, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        read_settings({variable: value})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://root:hunter2@db.example:26257/x",
        "postgresql://root:hun:ter2@db.example/x",
        "postgresql://:hunter2@db.example/x",
        "postgresql://db.example/x?user=root&password=hunter2&sslmode=require",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    shown = {row[0]: row[2] for row in describe_settings(Settings(database_url=url))}
    assert "ter2" not in shown["POUTAMA_DATABASE_URL"]
    assert "db.example" in shown["POUTAMA_DATABASE_URL"]


def test_a_key_is_never_shown() -> None:
    shown = describe_settings(Settings(database_tls_key="-----BEGIN PRIVATE KEY-----"))
    assert "BEGIN" not in str(shown)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "db.example", ""])
def test_an_address_that_others_could_reach_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_HOST"):
        check_address(Settings(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_an_address_of_this_machine_alone_is_fine(host: str) -> None:
    check_address(Settings(host=host))
    # It is the port that is refused, which comes after.
    with pytest.raises(ConfigurationError, match="expected a number from 0 to 65535"):
        check_address(Settings(host=host, port=-1))


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match="expected a number from 0 to 65535"):
        check_address(Settings(port=port))


def test_the_home_folder_is_made(tmp_path: Path) -> None:
    assert open_home(Settings(home=str(tmp_path / "a" / "b"))).is_dir()


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ConfigurationError, match="cannot be used as the data folder"):
        open_home(Settings(home=str(tmp_path / "home")))
