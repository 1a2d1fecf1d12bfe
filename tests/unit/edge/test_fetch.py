"""Documents from another server: with TLS, in time, and no larger than they may be."""

from __future__ import annotations

import itertools
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from poutama.edge import fetch
from poutama.edge.fetch import CHUNK, FetchError, fetch_json, run_in_thread
from tests.db.certificates import Identity, Maker
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
            await run_in_thread(lambda: fetch_json(address, deadline=soon(), max_bytes=9))


def test_what_comes_late_is_a_failure(server: IssuerServer) -> None:
    with pytest.raises(FetchError, match=r"cannot be reached \(TimeoutError\)"):
        fetch_json(server.jwks_uri, deadline=time.monotonic(), max_bytes=9)
    assert server.asked == []


def test_a_server_that_says_nothing_is_not_waited_for(server: IssuerServer) -> None:
    server.gate.clear()
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch_json(server.jwks_uri, deadline=time.monotonic() + 0.05, max_bytes=9)


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
        fetch_json(address, deadline=soon(), max_bytes=9)


@pytest.fixture(params=[Maker.STRICT, Maker.OLD_COCKROACH])
def tls(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Identity, ssl.SSLContext]:
    """An authority that no machine trusts, and what a server needs to show its certificate."""
    authority = Identity.authority("unknown authority", request.param)
    server = authority.issue("issuer", "127.0.0.1", request.param)
    (tmp_path / "server.pem").write_text(server.pem + server.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return authority, context


def test_an_untrusted_certificate_is_a_failure(
    tls: tuple[Identity, ssl.SSLContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = tls
    with serve_issuer(tls=context) as server:
        with pytest.raises(FetchError, match=r"\(its certificate does not verify: .*issuer"):
            fetch_json(server.jwks_uri, deadline=soon(), max_bytes=99)
        assert server.asked == []
        (tmp_path / "ca.pem").write_text(authority.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert fetch_json(server.jwks_uri, deadline=soon(), max_bytes=99) == {"keys": []}


def test_a_certificate_for_another_server_is_a_failure(
    tls: tuple[Identity, ssl.SSLContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = tls
    (tmp_path / "ca.pem").write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with serve_issuer(tls=context) as server:
        address = server.jwks_uri.replace("127.0.0.1", "localhost")
        with pytest.raises(FetchError, match="cannot be reached"):
            fetch_json(address, deadline=soon(), max_bytes=99)
        assert server.asked == []


def test_an_answer_in_many_parts_must_be_there_in_time(
    server: IssuerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/keys"] = (200, {}, b" " * 10 * CHUNK + b"{}")
    assert fetch_json(server.jwks_uri, deadline=soon(), max_bytes=99 * CHUNK) == {}
    ticks = itertools.count(time.monotonic())
    monkeypatch.setattr(fetch, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    with pytest.raises(FetchError, match=r"cannot be reached \(TimeoutError\)"):
        fetch_json(server.jwks_uri, deadline=soon(5), max_bytes=99 * CHUNK)
