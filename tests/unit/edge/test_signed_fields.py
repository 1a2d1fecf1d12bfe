"""Addresses and forms in answers: for whom they are signed, and for how long at most."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from poutama.edge.application import Resources, compute_fields
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore

PERSON = UUID(int=7)
NOW = 1_000_000.0


@pytest.mark.parametrize("name", ["download_url", "inline_url"])
@pytest.mark.parametrize(("asked", "seconds"), [(60, 60), (86_400, 900)])
def test_an_address_is_signed_for_the_reader_and_for_minutes(
    tmp_path: Path, name: str, asked: int, seconds: int
) -> None:
    store = DirectoryStore(tmp_path, b"secret", clock=lambda: NOW)
    resources = SimpleNamespace(store=store, settings=Settings(download_seconds=asked))

    functions = compute_fields(cast(Resources, resources))(PERSON)
    address = functions[name]("a/b", "Photo", "image/png")

    query = parse_qs(urlsplit(address).query)
    assert query["x-person"] == [str(PERSON)]
    assert query["expires"] == [str(int(NOW) + seconds)]
