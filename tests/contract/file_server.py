"""A server over a folder of files, and HTTP as careless clients write it by hand."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from poutama.store.directory import DirectoryStore
from poutama.store.objects import UploadForm

KEY = "0b9f/evidence/Zm9v"
MEDIA = "image/png"
PERSON = UUID(int=7)
CONTENT = bytes(range(256)) * 4


@dataclass(frozen=True, slots=True)
class FileServer:
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
            KEY, person=PERSON, name="a", media_type=media_type, seconds=60, inline=inline
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
