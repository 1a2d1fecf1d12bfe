"""The laptop's `/files`: forms that are none, and clients that leave, fall silent or lie."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest

from poutama.server import protocol
from poutama.server.multipart_form import MAX_FIELD_BYTES
from poutama.server.protocol import BoundedProtocol
from poutama.store.atomic_file import WholeFile
from poutama.store.directory import DirectoryStore
from poutama.store.objects import UploadForm
from tests.contract.file_server import (
    CONTENT,
    KEY,
    MEDIA,
    FileServer,
    code_of,
    multipart,
    post_raw,
    read_to_end,
)


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
                   + b"x" * MAX_FIELD_BYTES + b"\r\n" + multipart(form, CONTENT),
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
def test_what_is_no_whole_form_is_refused_and_not_logged(
    file_server: FileServer, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    make, code = BODIES[case]
    said = file_server.client.post(
        f"{file_server.store.base_url}/files",
        content=make(file_server.form()),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert (said.status_code // 100, code_of(said)) == (4, code)
    assert file_server.files() == []
    # Anyone could fill the disk with it.
    assert caplog.messages == []


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=",
             "multipart/form-data; boundary=" + "b" * 1000, "multipart/mixed; boundary=b"]
)  # fmt: skip
def test_what_is_no_form_at_all_is_refused(file_server: FileServer, kind: str) -> None:
    said = file_server.client.post(
        f"{file_server.store.base_url}/files", content=b"x", headers={"Content-Type": kind}
    )

    assert (said.status_code, code_of(said)) == (400, "MalformedPOSTRequest")


def test_fields_are_known_in_any_case_and_what_follows_the_file_is_ignored(
    file_server: FileServer,
) -> None:
    form = file_server.form()
    fields = {name.upper(): value for name, value in form.fields.items()}
    after = b'\r\n--b\r\nContent-Disposition: form-data; name="submit"\r\n\r\nGo\r\n--b--\r\n'
    said = file_server.client.post(
        form.url,
        content=multipart(UploadForm(form.url, fields), CONTENT, ending=after),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert said.status_code == 204, said.text
    assert file_server.client.get(file_server.address()).content == CONTENT


def test_a_length_is_asked_for(file_server: FileServer) -> None:
    def pieces() -> Iterator[bytes]:
        yield multipart(file_server.form(), CONTENT)

    said = file_server.client.post(
        f"{file_server.store.base_url}/files",
        content=pieces(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert (said.status_code, code_of(said)) == (411, "MissingContentLength")


def test_a_client_that_leaves_half_way_leaves_no_file(file_server: FileServer) -> None:
    body = multipart(file_server.form(b"x" * 10_000_000), b"x" * 10_000_000)
    with file_server.connect() as connection:
        connection.sendall(post_raw(body)[:5_000_000])
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""

    assert file_server.files() == []


def test_a_client_that_falls_silent_is_forgotten(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 0.2)
    with file_server.connect() as connection:
        connection.sendall(post_raw(multipart(file_server.form(), CONTENT), length=1_000_000))
        with suppress(ConnectionResetError):
            assert read_to_end(connection) == b""

    assert file_server.files() == []


def test_a_client_that_does_not_read_is_forgotten(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 0.2)
    lost = Event()
    end = BoundedProtocol.connection_lost

    def tell(self: BoundedProtocol, error: Exception | None) -> None:
        # And not a connection that is kept for later.
        if self.cycle is not None and not self.cycle.response_complete:
            lost.set()
        end(self, error)

    path = urlsplit(file_server.put(b"x" * 30_000_000))
    monkeypatch.setattr(BoundedProtocol, "connection_lost", tell)
    with file_server.connect() as connection:
        asked = f"GET {path.path}?{path.query} HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(asked.encode())
        # Nothing is read, and more than fits between us is to come.
        assert lost.wait(30)
        assert len(read_to_end(connection)) < 30_000_000


def test_more_than_was_declared_is_refused_before_it_has_all_come(file_server: FileServer) -> None:
    """A gigabyte is announced; of it comes only what the server listens to."""
    form = file_server.form()
    body = multipart(form, CONTENT + b"x" * 1_000_000, ending=b"")
    with file_server.connect() as connection:
        connection.sendall(post_raw(body, length=1_000_000_000))
        said = connection.recv(65536)

        assert said.startswith(b"HTTP/1.1 400 ")
        assert b"EntityTooLarge" in said
        assert b"connection: close" in said

    assert file_server.files() == []


def test_a_client_that_asks_before_it_sends_is_told_to(file_server: FileServer) -> None:
    form = file_server.form()
    body = multipart(form, CONTENT)
    head, _, rest = post_raw(body).partition(b"\r\n\r\n")
    with file_server.connect() as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(rest)
        assert read_to_end(connection).startswith(b"HTTP/1.1 204 ")


def test_a_connection_is_used_again_and_answers_in_order(file_server: FileServer) -> None:
    address = urlsplit(file_server.put(b"hello"))
    get = f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    upload = post_raw(multipart(file_server.form(b"later"), b"later"))
    echo = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with file_server.connect() as connection:
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


def test_a_body_that_breaks_the_protocol_is_refused(file_server: FileServer) -> None:
    with file_server.connect() as connection:
        connection.sendall(
            b"POST /files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\nnonsense\r\n"
        )
        said = read_to_end(connection)

    assert said.startswith(b"HTTP/1.1 4")
    assert file_server.files() == []


def test_a_download_keeps_the_file_it_began_with(file_server: FileServer) -> None:
    content = b"a" * 20_000_000
    address = file_server.put(content)
    with file_server.client.stream("GET", address) as got:
        pieces = got.iter_bytes()
        received = next(pieces)
        file_server.put(b"b")
        received += b"".join(pieces)

    assert received == content
    assert file_server.client.get(address).content == b"b"


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


async def test_no_empty_folder_bears_an_id(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, b"secret")
    for key in ("people/anna/a", "people/anna/b", "people/ben/a"):
        await store.put(key, b"", media_type=MEDIA)

    await store.delete(["people/anna/a", "people/anna/b"])

    folders = await asyncio.to_thread(lambda: list((tmp_path / "objects").rglob("*")))
    assert [each.name for each in folders] == ["people", "ben", "a@"]


def test_a_full_disk_is_said_to_be_one(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(WholeFile, "write", full)
    form = file_server.form()
    said = file_server.client.post(form.url, data=dict(form.fields), files={"file": CONTENT})

    assert (said.status_code, code_of(said)) == (503, "ServiceUnavailable")
    assert "No space left" in caplog.text
    assert file_server.files() == []
