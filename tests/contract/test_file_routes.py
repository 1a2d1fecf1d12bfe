"""The laptop's `/files`: HTTP as browsers, careless clients and hostile ones speak it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from poutama.local import protocol
from poutama.local.forms import MOST_FIELD_BYTES
from poutama.local.streams import StreamingProtocol
from poutama.store.directory import DirectoryStore
from poutama.store.objects import UploadForm
from poutama.store.tickets import UploadTicket
from poutama.store.whole import WholeFile
from tests.contract.serving import serve_files

KEY = "0b9f/evidence/Zm9v"
MEDIA = "image/png"
CONTENT = bytes(range(256)) * 4


@dataclass(frozen=True, slots=True)
class Desk:
    """A server over a folder."""

    folder: Path
    store: DirectoryStore
    client: httpx.Client
    stop: Callable[[], None]

    def form(self, content: bytes = CONTENT, media_type: str = MEDIA) -> UploadForm:
        digest = sha256(content).hexdigest()
        return self.store.sign_upload(
            KEY, media_type=media_type, size=len(content), sha256=digest, seconds=60
        )

    def put(self, content: bytes = CONTENT, media_type: str = MEDIA) -> str:
        form = self.form(content, media_type)
        said = self.client.post(form.url, data=dict(form.fields), files={"file": content})
        assert said.status_code == 204, said.text
        return self.address(media_type)

    def address(self, media_type: str = MEDIA, *, inline: bool = False) -> str:
        return self.store.sign_download(
            KEY, name="a", media_type=media_type, seconds=60, inline=inline
        )

    def connect(self) -> socket.socket:
        where = urlsplit(self.store.base_url)
        assert where.port is not None
        return socket.create_connection(("127.0.0.1", where.port), timeout=30)

    def files(self) -> list[str]:
        """Everything in the folder, temporary files included, once the server is gone."""
        self.stop()
        return sorted(str(each.relative_to(self.folder)) for each in self.folder.rglob("*@")) + [
            each.name for each in (self.folder / "incoming").iterdir()
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = DirectoryStore(tmp_path, b"secret")
    with ExitStack() as server, httpx.Client(timeout=30) as client:
        server.enter_context(serve_files(store))
        yield Desk(tmp_path, store, client, server.close)


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/xml"
    return response.text.partition("<Code>")[2].partition("</Code>")[0]


def multipart(form: UploadForm, content: bytes, ending: bytes = b"\r\n--b--\r\n") -> bytes:
    fields = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name.encode(), value.encode())
        for name, value in form.fields.items()
    )
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return fields + file + content + ending


def post_raw(body: bytes, length: int | None = None) -> bytes:
    head = b"POST /files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    return head + b"Content-Length: %d\r\n\r\n%s" % (length or len(body), body)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-", 206, 100, 1024),
        ("bytes=-24", 206, 1000, 1024),
        ("bytes=1000-5000", 206, 1000, 1024),
        ("bytes=0-1,5-6", 200, 0, 1024),
        ("lines=1-2", 200, 0, 1024),
    ],
)
def test_a_part_is_given(desk: Desk, asked: str, status: int, start: int, end: int) -> None:
    got = desk.client.get(desk.put(), headers={"Range": asked})

    assert (got.status_code, got.content) == (status, CONTENT[start:end])
    assert got.headers["content-length"] == str(end - start)
    told = f"bytes {start}-{end - 1}/1024" if status == 206 else None
    assert got.headers.get("content-range") == told


def test_a_part_beyond_the_end_is_refused_and_the_size_told(desk: Desk) -> None:
    got = desk.client.get(desk.put(), headers={"Range": "bytes=1024-"})

    assert (got.status_code, code_of(got)) == (416, "InvalidRange")
    assert got.headers["content-range"] == "bytes */1024"


def test_head_tells_what_get_would(desk: Desk) -> None:
    address = desk.put()

    head, got = desk.client.head(address), desk.client.get(address)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == got.headers
    assert head.headers["accept-ranges"] == "bytes"


def test_what_is_still_the_same_is_not_sent_again(desk: Desk) -> None:
    address = desk.put()
    etag = desk.client.get(address).headers["etag"]

    again = desk.client.get(address, headers={"If-None-Match": etag})
    desk.put(CONTENT + b"!")
    changed = desk.client.get(address, headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")
    assert (changed.status_code, changed.content) == (200, CONTENT + b"!")


def test_a_download_goes_on_only_if_the_file_is_the_same(desk: Desk) -> None:
    address = desk.put()
    etag = desk.client.get(address).headers["etag"]
    go_on = {"Range": "bytes=1000-", "If-Range": etag}

    assert desk.client.get(address, headers=go_on).content == CONTENT[1000:]
    desk.put(b"another")
    got = desk.client.get(address, headers=go_on)

    assert (got.status_code, got.content) == (200, b"another")


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/xhtml+xml"])
def test_what_was_uploaded_cannot_run_as_our_page(desk: Desk, media_type: str) -> None:
    desk.put(b"<script>alert(1)</script>", media_type)

    got = desk.client.get(desk.address(media_type, inline=True))

    assert got.headers["content-type"] == media_type
    assert "sandbox" in got.headers["content-security-policy"]
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert "allow-scripts" not in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("media_type", ["a/b\r\nSet-Cookie: a=b", "é", "", "a\0b"])
def test_a_type_that_is_none_splits_no_header(desk: Desk, media_type: str) -> None:
    desk.put()

    got = desk.client.get(desk.address(media_type))

    assert (got.status_code, got.content) == (200, CONTENT)
    assert got.headers["content-type"] == "application/octet-stream"
    assert "set-cookie" not in got.headers


def test_a_page_of_another_origin_may_upload_and_download(desk: Desk) -> None:
    form = desk.form()
    preflight = desk.client.options(
        form.url,
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-requested-with",
        },
    )
    sent = desk.client.post(
        form.url,
        data=dict(form.fields),
        files={"file": CONTENT},
        headers={"Origin": "https://app.example"},
    )
    got = desk.client.get(desk.address(), headers={"Origin": "https://app.example"})
    refused = desk.client.get(f"{form.url}/x", headers={"Origin": "https://app.example"})

    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == "x-requested-with"
    for each in (preflight, sent, got, refused):
        assert each.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in each.headers


@pytest.mark.parametrize(
    "path",
    [
        "/files/../secret",
        "/files/..%2f..%2fsecret",
        "/files/%2e%2e/%2e%2e/etc/passwd",
        "/files//etc/passwd",
        "/files/" + "../" * 20 + "etc/passwd",
        "/files/..\\..\\secret",
        "/files/a%00b",
        "/files/%ff",
        "/files/",
        "/filesystem",
        "/files/" + "a" * 5000,
        "/files?a=b",
    ],
)
def test_no_path_leads_out_of_the_folder(desk: Desk, path: str) -> None:
    """Sent as it is: clients tidy such paths up."""
    query = desk.put().partition("?")[2]
    for target in (path, f"{path}?{query}"):
        with desk.connect() as connection:
            asked = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            connection.sendall(asked.encode())
            said = read_to_end(connection)

        assert said.split(b" ")[1] in (b"403", b"405"), said
        assert b"<Error>" in said


@pytest.mark.parametrize("name", ["../../a", "objects/../a", "/etc/a", ".a", "a@", ""])
def test_not_even_a_signed_form_leads_out_of_the_folder(desk: Desk, name: str) -> None:
    """As if the secret's holder had forgotten to look at the key."""
    ticket = UploadTicket(name, MEDIA, 4, sha256(b"evil").hexdigest())
    fields = desk.store.tickets.sign_upload(ticket, 60)
    said = desk.client.post(f"{desk.store.base_url}/files", data=fields, files={"file": b"evil"})

    assert said.status_code == 500
    assert desk.files() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_other_methods_are_refused(desk: Desk, method: str) -> None:
    address = desk.put()

    said = desk.client.request(method, address, content=b"x" * 100_000)

    assert (said.status_code, code_of(said)) == (405, "MethodNotAllowed")
    assert desk.client.get(address).content == CONTENT


def without_end(form: UploadForm) -> bytes:
    return multipart(form, CONTENT, ending=b"")


FIELD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
BODIES: dict[str, tuple[Callable[[UploadForm], bytes], str]] = {
    "no end": (without_end, "MalformedPOSTRequest"),
    "nothing": (lambda form: b"", "InvalidArgument"),
    "no form": (lambda form: b"x" * 1000, "MalformedPOSTRequest"),
    "no file": (lambda form: multipart(form, b"").rpartition(b"--b\r\n")[0] + b"--b--\r\n",
                "InvalidArgument"),
    "file first": (lambda form: b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n'
                   + multipart(form, CONTENT), "SignatureDoesNotMatch"),
    "no name": (lambda form: b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
                "MalformedPOSTRequest"),
    "not UTF-8": (lambda form: b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n'
                  + multipart(form, CONTENT), "MalformedPOSTRequest"),
    "long field": (lambda form: b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
                   + b"x" * MOST_FIELD_BYTES + b"\r\n" + multipart(form, CONTENT),
                   "MaxPostPreDataLengthExceeded"),
    "many fields": (lambda form: FIELD * 999
                    + multipart(form, CONTENT), "MaxPostPreDataLengthExceeded"),
    "long header": (lambda form: b"--b\r\nContent-Disposition: " + b"x" * 50_000,
                    "MalformedPOSTRequest"),
    "many headers": (lambda form: b"--b\r\n" + b"A: b\r\n" * 1000, "MalformedPOSTRequest"),
    "control characters": (lambda form: b'--b\r\nContent-Disposition: form-data; name="\x01<&"'
                           + b"\r\n\r\nx\r\n" + multipart(form, CONTENT), "AccessDenied"),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_what_is_no_whole_form_is_refused(desk: Desk, case: str) -> None:
    make, code = BODIES[case]
    said = desk.client.post(
        f"{desk.store.base_url}/files",
        content=make(desk.form()),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert (said.status_code // 100, code_of(said)) == (4, code)
    assert desk.files() == []


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=",
             "multipart/form-data; boundary=" + "b" * 1000, "multipart/mixed; boundary=b"]
)  # fmt: skip
def test_what_is_no_form_at_all_is_refused(desk: Desk, kind: str) -> None:
    said = desk.client.post(
        f"{desk.store.base_url}/files", content=b"x", headers={"Content-Type": kind}
    )

    assert (said.status_code, code_of(said)) == (400, "MalformedPOSTRequest")


def test_fields_are_known_in_any_case_and_what_follows_the_file_is_ignored(desk: Desk) -> None:
    form = desk.form()
    fields = {name.upper(): value for name, value in form.fields.items()}
    after = b'\r\n--b\r\nContent-Disposition: form-data; name="submit"\r\n\r\nGo\r\n--b--\r\n'
    said = desk.client.post(
        form.url,
        content=multipart(UploadForm(form.url, fields), CONTENT, ending=after),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert said.status_code == 204, said.text
    assert desk.client.get(desk.address()).content == CONTENT


def test_a_length_is_asked_for(desk: Desk) -> None:
    def pieces() -> Iterator[bytes]:
        yield multipart(desk.form(), CONTENT)

    said = desk.client.post(
        f"{desk.store.base_url}/files",
        content=pieces(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert (said.status_code, code_of(said)) == (411, "MissingContentLength")


def test_a_client_that_leaves_half_way_leaves_no_file(desk: Desk) -> None:
    body = multipart(desk.form(b"x" * 10_000_000), b"x" * 10_000_000)
    with desk.connect() as connection:
        connection.sendall(post_raw(body)[:5_000_000])
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""

    assert desk.files() == []


def test_a_client_that_falls_silent_is_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE_SECONDS", 0.2)
    with desk.connect() as connection:
        connection.sendall(post_raw(multipart(desk.form(), CONTENT), length=1_000_000))
        with suppress(ConnectionResetError):
            assert read_to_end(connection) == b""

    assert desk.files() == []


def test_a_client_that_does_not_read_is_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE_SECONDS", 0.2)
    lost = Event()
    end = StreamingProtocol.connection_lost

    def tell(self: StreamingProtocol, error: Exception | None) -> None:
        if self._streaming:  # and not one that is kept for later
            lost.set()
        end(self, error)

    path = urlsplit(desk.put(b"x" * 30_000_000))
    monkeypatch.setattr(StreamingProtocol, "connection_lost", tell)
    with desk.connect() as connection:
        asked = f"GET {path.path}?{path.query} HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(asked.encode())
        # Nothing is read, and more than fits between us is to come.
        assert lost.wait(30)
        assert len(read_to_end(connection)) < 30_000_000


def test_more_than_was_declared_is_refused_before_it_has_all_come(desk: Desk) -> None:
    """A gigabyte is announced; of it comes only what the server listens to."""
    form = desk.form()
    body = multipart(form, CONTENT + b"x" * 1_000_000, ending=b"")
    with desk.connect() as connection:
        connection.sendall(post_raw(body, length=1_000_000_000))
        said = connection.recv(65536)

        assert said.startswith(b"HTTP/1.1 400 ")
        assert b"EntityTooLarge" in said
        assert b"connection: close" in said

    assert desk.files() == []


def test_a_client_that_asks_before_it_sends_is_told_to(desk: Desk) -> None:
    form = desk.form()
    body = multipart(form, CONTENT)
    head, _, rest = post_raw(body).partition(b"\r\n\r\n")
    with desk.connect() as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(rest)
        assert read_to_end(connection).startswith(b"HTTP/1.1 204 ")


def test_a_connection_is_used_again_and_answers_in_order(desk: Desk) -> None:
    address = urlsplit(desk.put(b"hello"))
    get = f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    upload = post_raw(multipart(desk.form(b"later"), b"later"))
    echo = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with desk.connect() as connection:
        connection.sendall(echo + get + echo + upload + get + get + last)
        said = read_to_end(connection)

    assert said.count(b"HTTP/1.1 ") == 7
    bodies = (
        b"POST /echo 3",
        b"hello",
        b"POST /echo 3",
        b"204 No",
        b"later",
        b"later",
        b"GET /echo 0",
    )
    at = 0
    for body in bodies:
        at = said.index(body, at) + len(body)


def test_a_body_that_breaks_the_protocol_is_refused(desk: Desk) -> None:
    with desk.connect() as connection:
        connection.sendall(
            b"POST /files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\nnonsense\r\n"
        )
        said = read_to_end(connection)

    assert said.startswith(b"HTTP/1.1 4")
    assert desk.files() == []


def test_whoever_downloads_keeps_the_file_they_began_with(desk: Desk) -> None:
    content = b"a" * 20_000_000
    address = desk.put(content)
    with desk.client.stream("GET", address) as got:
        pieces = got.iter_bytes()
        received = next(pieces)
        desk.put(b"b")
        received += b"".join(pieces)

    assert received == content
    assert desk.client.get(address).content == b"b"


def test_what_a_killed_server_left_is_swept_and_what_is_fresh_is_not(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, b"secret")
    incoming = store.begin_object(KEY, MEDIA)
    incoming.write(b"half")
    incoming._file._file.close()
    fresh = list((tmp_path / "incoming").iterdir())
    assert len(fresh) == 1

    DirectoryStore(tmp_path, b"secret")
    assert list((tmp_path / "incoming").iterdir()) == fresh
    old = fresh[0].stat().st_mtime - 4000
    os.utime(fresh[0], (old, old))
    DirectoryStore(tmp_path, b"secret")

    assert list((tmp_path / "incoming").iterdir()) == []


async def test_no_empty_folder_bears_anybodys_id(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, b"secret")
    for key in ("people/anna/a", "people/anna/b", "people/ben/a"):
        await store.put(key, b"", media_type=MEDIA)

    await store.delete(["people/anna/a", "people/anna/b"])

    folders = await asyncio.to_thread(lambda: list((tmp_path / "objects").rglob("*")))
    assert [each.name for each in folders] == ["people", "ben", "a@"]


def test_a_full_disk_is_said_to_be_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(WholeFile, "write", full)
    form = desk.form()
    said = desk.client.post(form.url, data=dict(form.fields), files={"file": CONTENT})

    assert (said.status_code, code_of(said)) == (503, "ServiceUnavailable")
    assert "No space left" in caplog.text
    assert desk.files() == []
