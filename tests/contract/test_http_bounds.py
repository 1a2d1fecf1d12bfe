"""HTTP as hostile clients write it: nothing is smuggled, nothing is kept for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from poutama.server import protocol
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore
from tests.contract.file_server import FileServer, read_to_end
from tests.contract.serving import serve_files

POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ENDLESS = 300_000
"""More than a head may have and the server reads at once."""


def exchange(file_server: FileServer, sent: bytes) -> bytes:
    """All that the server answers."""
    with file_server.connect() as connection:
        connection.sendall(sent)
        return read_to_end(connection)


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length : 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"X: a\r\n Content-Length: 5\r\n",
        b"X: a\0b\r\n",
        b"X\0: a\r\n",
    ],
)
def test_an_ambiguous_length_is_refused_and_nothing_after_it_is_read(
    file_server: FileServer, framing: bytes
) -> None:
    answer = exchange(file_server, POST + framing + b"\r\n0\r\n\r\n" + LAST)

    assert answer.startswith(b"HTTP/1.1 4")
    assert b"/last" not in answer


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense\r\n",
        b"-1\r\nx\r\n0\r\n\r\n",
        b"0x1\r\nx\r\n0\r\n\r\n",
        b"+1\r\nx\r\n0\r\n\r\n",
        b"1\r\nxy\r\n0\r\n\r\n",
        b"1\nx\n0\n\n",
        b"FFFFFFFFFFFFFFFFFF\r\nx",
        b"1;a=" + b"b" * ENDLESS,
        b"0" * ENDLESS,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_chunk_that_is_none_is_refused_and_nothing_after_it_is_read(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 3600)  # not for its time
    answer = b""
    with suppress(ConnectionError):  # cut off while it sends
        answer = exchange(file_server, POST + b"Transfer-Encoding: chunked\r\n\r\n" + body + LAST)

    assert b"HTTP/1.1 2" not in answer
    assert b"/last" not in answer


@pytest.mark.parametrize("framing", [b"Content-Length: %d\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_is_never_read_as_a_request(file_server: FileServer, framing: bytes) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    if b"%" in framing:
        framing, body = framing % len(inner), inner
    else:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    answer = exchange(file_server, POST + framing + b"\r\n" + body + LAST)

    assert answer.count(b"HTTP/1.1 200") == 2
    assert b"POST /echo %d" % len(inner) in answer
    assert b"GET /last 0" in answer
    assert b"/smuggled" not in answer


@pytest.mark.parametrize("path", [b"/echo", b"/files"])
def test_the_body_of_a_refused_request_is_never_read_as_a_request(
    file_server: FileServer, path: bytes
) -> None:
    """Over the limit, or of the wrong type: it is not read, and so the connection ends."""
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    body = (inner * (2_000_000 // len(inner)))[:2_000_000]
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, len(body))
    answer = b""
    with file_server.connect() as connection, suppress(ConnectionError):
        connection.sendall(head)
        connection.sendall(body)
        answer = read_to_end(connection)

    assert b"/smuggled" not in answer
    assert answer.count(b"HTTP/1.1 ") <= 1


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"nonsense"])
def test_an_upgrade_that_is_not_offered_is_no_way_round(
    file_server: FileServer, upgrade: bytes
) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    head = POST + b"Connection: Upgrade\r\nUpgrade: %s\r\nContent-Length: %d\r\n\r\n"
    answer = exchange(file_server, head % (upgrade, len(inner)) + inner)

    assert answer.startswith(b"HTTP/1.1 4")
    assert b"/smuggled" not in answer


def test_a_request_that_need_not_upgrade_is_answered_as_it_stands(file_server: FileServer) -> None:
    head = b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    answer = exchange(file_server, head + LAST)

    assert b"GET /echo 0" in answer
    assert b"connection: close" in answer
    assert b"/last" not in answer


def test_requests_far_ahead_of_their_responses_are_refused(file_server: FileServer) -> None:
    """They arrive in one piece, and would all be kept at once."""
    short = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"

    answer = exchange(file_server, short * 2_000 + LAST)
    assert b"HTTP/1.1 400" in answer
    assert answer.count(b"HTTP/1.1 200") <= protocol.MAX_PIPELINED + 1
    assert b"/last" not in answer

    answer = exchange(file_server, short * (protocol.MAX_PIPELINED // 2) + LAST)
    assert answer.count(b"HTTP/1.1 200") == protocol.MAX_PIPELINED // 2 + 1
    assert b"GET /last 0" in answer


def test_a_trailer_is_not_a_header(file_server: FileServer) -> None:
    chunked = b"Transfer-Encoding: chunked\r\nX-Early: 1\r\n\r\n1\r\na\r\n0\r\n"
    answer = exchange(file_server, POST + chunked + b"X-Late: 1\r\n\r\n" + LAST)

    assert b"POST /echo 1 x-early" in answer
    assert b"x-late" not in answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * ENDLESS,
        POST + b"X-A: " + b"b" * ENDLESS,
        POST + b"X-" + b"a" * ENDLESS,
        POST + b"X-A: b\r\n" * (ENDLESS // 8),
        POST + b"X-A: b\r\n" * 250 + b"\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: " + b"b" * ENDLESS,
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X-A: b\r\n" * (ENDLESS // 8),
        b"\r\n" * ENDLESS,
    ],
    ids=["line", "value", "name", "headers", "many", "trailer", "trailers", "empty lines"],
)
def test_a_head_that_does_not_end_is_refused(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 3600)  # not for its time
    answer = b""
    with file_server.connect() as connection, suppress(ConnectionError):
        connection.sendall(head)
        answer = read_to_end(connection)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert b"HTTP/1.1 2" not in answer


@pytest.mark.parametrize("sent", [b"", b"GET /echo HT", POST + b"X-A: b\r\n", b"\r\n"])
def test_a_head_that_does_not_come_ends_the_connection(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    with file_server.connect() as connection:
        connection.sendall(sent)
        with suppress(ConnectionError):
            assert read_to_end(connection) == b""


def test_a_request_in_small_pieces_is_answered(file_server: FileServer) -> None:
    body = b"x" * 500
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    sent = POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked + LAST
    with file_server.connect() as connection:
        for at in range(0, len(sent), 7):
            connection.sendall(sent[at : at + 7])
        answer = read_to_end(connection)

    assert b"POST /echo 500" in answer
    assert b"GET /last 0" in answer


@pytest.mark.parametrize("line", [b"GET /echo HTTP/1.0", b"GET http://x/echo HTTP/1.1"])
def test_other_forms_of_a_request_are_answered(file_server: FileServer, line: bytes) -> None:
    answer = exchange(file_server, line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert b"GET /echo 0" in answer


@pytest.mark.parametrize(
    "line", [b"GET /echo HTTP/2.0", b"GET /echo", b"CONNECT x:1 HTTP/1.1",
             b"GET /\xff HTTP/1.1", b"G\x01T /echo HTTP/1.1", b"\x16\x03\x01\x02\x00\x01"]
)  # fmt: skip
def test_what_is_not_our_http_is_refused(file_server: FileServer, line: bytes) -> None:
    answer = exchange(file_server, line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert b" 200 " not in answer
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))


ORIGIN = b"https://learn.example"
# Small enough that the server has read all of it when it refuses.
ENDLESS_HEADER = b"X-A: " + b"b" * 80_000
MANY_HEADERS = b"X-A: b\r\n" * 250 + b"\r\n"
TWO_LENGTHS = b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n"


@pytest.fixture
def shared_server(tmp_path: Path) -> Iterator[FileServer]:
    """One whose API pages of an origin may use."""
    store = DirectoryStore(tmp_path, b"secret")
    settings = Settings(allowed_origins=ORIGIN.decode())
    with ExitStack() as server, httpx.Client(timeout=30) as client:
        server.enter_context(serve_files(store, settings=settings))
        yield FileServer(tmp_path, store, client, server.close)


@pytest.mark.parametrize(
    ("rest", "status", "code"),
    [
        (TWO_LENGTHS, 400, "BAD_REQUEST"),
        (MANY_HEADERS, 431, "HEAD_TOO_LARGE"),
        (ENDLESS_HEADER, 431, "HEAD_TOO_LARGE"),
        (b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400, "BAD_REQUEST"),
        (b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\n", 400, "BAD_REQUEST"),
    ],
    ids=["lengths", "headers", "header", "chunk", "upgrade"],
)
def test_a_page_can_read_why_what_it_sent_is_not_a_request(
    shared_server: FileServer, rest: bytes, status: int, code: str
) -> None:
    def refuse(head: bytes) -> httpx.Headers:
        answer = b""
        with shared_server.connect() as connection, suppress(ConnectionError):
            connection.sendall(POST + head)
            answer = read_to_end(connection)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), answer
        error = json.loads(body)["errors"][0]
        assert error["extensions"]["code"] == code
        lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
        return httpx.Headers([(name, value) for name, value in lines])

    # GIVEN its origin was read before
    shared = refuse(b"Origin: " + ORIGIN + b"\r\n" + rest)
    assert shared["access-control-allow-origin"] == ORIGIN.decode()
    assert shared["vary"] == "origin"
    assert shared["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in refuse(b"Origin: https://other.example\r\n" + rest)
    # AND where it was not, any page may read that its head is broken
    assert refuse(rest)["access-control-allow-origin"] == "*"


def test_without_allowed_origins_no_page_can_read_a_refusal(file_server: FileServer) -> None:
    answer = exchange(file_server, POST + b"Origin: " + ORIGIN + b"\r\n" + TWO_LENGTHS)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"access-control" not in answer
