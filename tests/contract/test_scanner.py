"""A virus scanner over clamd's protocol: a find is named, and no failure is taken for none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest

from poutama.errors import ConfigurationError, UnavailableError
from poutama.scanner.virus_scanner import VirusScanner, open_scanner
from poutama.settings import Settings
from tests.contract.clamd_server import EICAR, ClamdServer, run_clamd


@pytest.fixture(params=["tcp", "unix"])
async def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ClamdServer]:
    async with run_clamd(tmp_path / "socket" if request.param == "unix" else None) as server:
        yield server


def open_for(clamd: ClamdServer, seconds: float = 30.0) -> VirusScanner:
    scanner = open_scanner(Settings(scanner=clamd.address, scanner_seconds=seconds))
    assert scanner is not None
    return scanner


async def scan(clamd: ClamdServer, tmp_path: Path, data: bytes, **more: float) -> str | None:
    file = tmp_path / "file"
    file.write_bytes(data)
    return await open_for(clamd, **more).scan(file, deadline=monotonic() + 30)


@pytest.mark.parametrize("data", [b"", b"kia ora", bytes(200_001)])
async def test_a_clean_file_is_sent_whole(clamd: ClamdServer, tmp_path: Path, data: bytes) -> None:
    assert await scan(clamd, tmp_path, data) is None
    assert clamd.received == [data]


async def test_what_is_found_is_named(clamd: ClamdServer, tmp_path: Path) -> None:
    data = bytes(100_000) + EICAR + bytes(100_000)
    assert await scan(clamd, tmp_path, data) == "Eicar-Test-Signature"


async def test_a_file_that_is_too_long_for_it_is_a_failure(
    clamd: ClamdServer, tmp_path: Path
) -> None:
    clamd.stream_max_length = 100_000
    with pytest.raises(UnavailableError, match=r"virus scanner"):
        await scan(clamd, tmp_path, bytes(20_000_000))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"stream: OK FOUND ERROR",
        b"stream: Can't allocate memory ERROR",
        b"stream: OK\n",
        b"OK",
        b"other: OK",
        b"x" * 5_000,
        b"\xff\xfe",
    ],
)
async def test_any_other_answer_is_a_failure(
    clamd: ClamdServer, tmp_path: Path, answer: bytes
) -> None:
    clamd.answer = answer
    with pytest.raises(UnavailableError, match="virus scanner"):
        await scan(clamd, tmp_path, b"a")


async def test_one_that_is_silent_is_waited_for_so_long(clamd: ClamdServer, tmp_path: Path) -> None:
    clamd.silent = True
    with pytest.raises(UnavailableError, match="in time"):
        await scan(clamd, tmp_path, b"a", seconds=0.05)
    (tmp_path / "file").write_bytes(b"a")
    with pytest.raises(UnavailableError, match="in time"):
        await open_for(clamd).scan(tmp_path / "file", deadline=monotonic() + 0.05)


async def test_one_that_is_away_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a")
    for address in (f"unix://{tmp_path}/none", "tcp://127.0.0.1:1"):
        scanner = open_for(ClamdServer(address))
        with pytest.raises(UnavailableError, match="cannot be reached"):
            await scanner.scan(tmp_path / "file", deadline=monotonic() + 30)


def test_without_a_setting_there_is_none() -> None:
    assert open_scanner(Settings()) is None


@pytest.mark.parametrize(
    "address",
    ["clamd", "tcp://host", "tcp://:1", "tcp://h:x", "unix:a", "unix://a/b", "http://h:1"],
)
def test_what_is_not_an_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_SCANNER: expected tcp://"):
        open_scanner(Settings(scanner=address))
    with pytest.raises(ConfigurationError, match="POUTAMA_SCANNER_SECONDS"):
        open_scanner(Settings(scanner="tcp://h:1", scanner_seconds=0))
