"""Documents from another server: with TLS, in time, and no larger than they may be."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from poutama.edge import fetch
from poutama.edge.fetch import FetchError, fetch_json, is_loopback, run_in_thread
from tests.unit.edge.issuer import (
    IssuerServer,
    serve_issuer,
)


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def server() -> Iterator[IssuerServer]:
    with serve_issuer() as server:
        yield server


async def test_a_server_that_is_not_there_is_a_failure() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(FetchError, match="cannot be reached"):
            await run_in_thread(lambda: fetch_json(address, deadline=soon(), most_bytes=9))


def test_what_comes_late_is_a_failure(server: IssuerServer) -> None:
    with pytest.raises(FetchError, match=r"cannot be reached \(TimeoutError\)"):
        fetch_json(server.jwks_uri, deadline=time.monotonic(), most_bytes=9)
    assert server.asked == []


def test_a_server_that_says_nothing_is_not_waited_for(server: IssuerServer) -> None:
    server.gate.clear()
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch_json(server.jwks_uri, deadline=time.monotonic() + 0.05, most_bytes=9)


@pytest.mark.parametrize(
    "address",
    [
        *("http://issuer.example/keys", "file:///etc/passwd", "ftp://127.0.0.1/x", "data:,{}"),
        *(
            "http://localhost/keys",
            "http://127.0.0.1.evil.example/",
            "https:///keys",
            "",
            "https://[",
        ),
        *("http://[::1", "http://0x7f.1/", "http://169.254.169.254/latest/meta-data"),
    ],
)
def test_nothing_is_fetched_without_tls_but_from_this_machine(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_open", lambda *_: pytest.fail("opened"))
    with pytest.raises(FetchError):
        fetch_json(address, deadline=soon(), most_bytes=9)


def test_a_certificate_nobody_vouches_for_is_a_failure(server: IssuerServer) -> None:
    address = server.jwks_uri.replace("http://", "https://")
    assert not is_loopback(address)
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch_json(address, deadline=soon(), most_bytes=9)
