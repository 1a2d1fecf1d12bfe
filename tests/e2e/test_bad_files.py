"""Files that should not be uploaded: a reason in plain words, little memory, and no harm.

After each, the server answers a student's question; at the end, none of its processes has grown,
and the log has no crashes.
"""

from __future__ import annotations

import re
import socket
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from PIL import Image

from tests.e2e.api_client import ADD, ApiClient, fields_of, upload
from tests.e2e.local_server import LocalServer
from tests.unit.features.heic import heic
from tests.unit.features.photos import photo
from tests.unit.features.recordings import mp4
from tests.unit.features.rosters import classes, csv_of, manifest, small_school, zip_of

MB = 1 << 20
ENOUGH = 64 * MB
"""By how much a process may grow; what the bombs hold is more."""


@pytest.fixture
def student(local_server: LocalServer) -> Iterator[ApiClient]:
    student = ApiClient(local_server.address, local_server.token("student-0003@demo.example"))
    yield student
    assert student.ask("{ me { name } }")["name"]


@pytest.fixture
def admin(local_server: LocalServer) -> Iterator[ApiClient]:
    admin = ApiClient(local_server.address, local_server.token("admin@demo.example"))
    yield admin
    assert admin.ask("{ me { name } }")["name"]


def peaks(local_server: LocalServer) -> dict[int, int]:
    """The most memory that the server and its worker have had, in bytes, by process."""
    server = psutil.Process(local_server.process)
    processes = [server, *server.children()]
    return {each.pid: _peak(each.pid) for each in processes if "python" in each.cmdline()[0]}


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) << 10


@pytest.fixture(scope="module", autouse=True)
def unharmed(local_server: LocalServer) -> Iterator[None]:
    """None of the processes grows, or is another one afterwards; the log has no crashes."""
    student = ApiClient(local_server.address, local_server.token("student-0003@demo.example"))
    student.attach(photo())  # what a picture needs is loaded
    if not Path("/proc/self/status").exists():
        yield
        return
    before, said = peaks(local_server), len(local_server.logged())
    yield
    after, logged = peaks(local_server), local_server.logged()[said:]
    assert before.keys() == after.keys()
    assert {name: after[name] for name in after if after[name] > before[name] + ENOUGH} == {}
    assert not re.findall("ERROR|Traceback|errorId|another", logged), logged


def code_of(response: httpx.Response) -> str:
    (code,) = re.findall("<Code>(.*)</Code>", response.text)
    assert re.search("<Message>.{20,}</Message>", response.text)
    return str(code)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (photo() + b"more", 400, "EntityTooLarge"),
        (photo()[:-1], 400, "EntityTooSmall"),
        (photo()[:-1] + b"x", 400, "BadDigest"),
    ],
    ids=["larger", "smaller", "another"],
)
def test_an_upload_that_is_not_what_was_announced_is_refused(
    student: ApiClient, content: bytes, status: int, code: str
) -> None:
    added = student.announce(photo())
    response = upload(added["uploadForm"], content)
    assert (response.status_code, code_of(response)) == (status, code)
    # THEN it is not evidence, whatever the client says
    seen = student.finish(added["id"])
    assert seen["rejection"] == "The file was never uploaded; add it again."


def test_an_upload_of_another_type_is_refused(student: ApiClient) -> None:
    form = student.announce(photo())["uploadForm"]
    response = upload(form, photo(), **{"Content-Type": "text/html"})
    assert (response.status_code, code_of(response)) == (403, "AccessDenied")
    key = f"{fields_of(form)['key']}/../../../../somewhere"
    response = upload(form, photo(), key=key)
    assert (response.status_code, code_of(response)) == (403, "AccessDenied")


def test_an_upload_without_end_is_cut_off(student: ApiClient) -> None:
    form = student.announce(b"small")["uploadForm"]
    fields = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields_of(form).items()
    )
    start = f'{fields}--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    url = urlsplit(form["url"])
    head = (
        f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {1 << 40}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    sent, piece = 0, b"x" * MB
    with socket.create_connection((url.hostname, url.port), timeout=60) as client:
        client.sendall((head + start).encode())
        with suppress(ConnectionError):
            while sent < 1000:
                client.sendall(piece)
                sent += 1
    assert sent < 100  # of a million


@pytest.mark.parametrize(
    "path", ["../issuer-key.pem", "..%2f..%2fissuer-key.pem", "secret", "%00", "a/" * 4000]
)
def test_an_unsigned_address_leads_nowhere(student: ApiClient, path: str) -> None:
    url = urlsplit(student.address)
    with socket.create_connection((url.hostname, url.port), timeout=60) as client:
        client.sendall(f"GET /files/{path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
        status = int(client.recv(100).split()[1])
    assert status in (400, 403, 404)


def picture_bomb() -> bytes:
    """A PNG that says it is 60,000 pixels square, and holds as many zeros as fit into 3 MB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(bytes(MB)) for _ in range(64)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def document_bomb() -> bytes:
    """A Word document, most of which is half a gigabyte of nothing."""
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        zipped.writestr("[Content_Types].xml", "<Types/>")
        with zipped.open("word/document.xml", "w") as entry:
            for _ in range(512):
                entry.write(bytes(MB))
    return held.getvalue()


def gif() -> bytes:
    held = BytesIO()
    Image.new("L", (8, 8)).save(held, "GIF")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"MZ" + bytes(200), "application/pdf"),
        (b"<html><script>alert(1)</script></html>", "image/png"),
        (photo()[:700], "image/jpeg"),
        (picture_bomb(), "image/png"),
        (bytes(300), "text/plain"),
        (gif()[:20], "image/gif"),
        (mp4()[:-300], "video/mp4"),
        (heic()[:600], "image/heic"),
        (heic(size=(60_000, 60_000)), "image/heic"),
    ],
    ids=["program", "page", "half", "bomb", "bytes", "damaged", "film", "heic", "large heic"],
)
def test_content_that_cannot_be_evidence_is_rejected_with_a_sentence(
    student: ApiClient, content: bytes, media_type: str
) -> None:
    _, seen = student.attach(content, media_type)
    assert seen["state"] == "REJECTED"
    assert re.fullmatch(r"[A-Z][^<>{}]{20,200}\.", seen["rejection"]), seen["rejection"]
    assert (seen["downloadUrl"], seen["thumbnailUrl"], seen["uploadForm"]) == (None, None, None)


def test_a_document_is_not_unpacked(student: ApiClient) -> None:
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    content = document_bomb()
    assert len(content) < 5 * MB
    _, seen = student.attach(content, word)
    assert seen["state"] in ("READY", "REJECTED")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mediaType", "image/svg+xml"),
        ("mediaType", "text/html"),
        ("bytes", 1 << 30),
        ("bytes", -1),
        ("sha256", "me"),
        ("fileName", ""),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_it_is_uploaded(
    student: ApiClient, field: str, value: object
) -> None:
    goal = student.ask("{ goals(first: 1) { id } }")[0]["id"]
    input = {
        "goalId": goal,
        "title": "Mahi kai",
        "fileName": "a.png",
        "mediaType": "image/png",
        "bytes": 1,
        "sha256": sha256(b"a").hexdigest(),
    }
    code, message = student.refuse(ADD, i={**input, field: value})
    assert code == "BAD_USER_INPUT"
    assert message.startswith(f"input.{field}: expected ")


def bomb() -> bytes:
    """300 MB of commas in 300 KB."""
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        zipped.writestr("manifest.csv", manifest(classes="bulk"))
        with zipped.open("classes.csv", "w") as entry:
            for _ in range(300):
                entry.write(b"," * MB)
    return held.getvalue()


def damaged() -> bytes:
    content = bytearray(small_school())
    content[300:320] = bytes(20)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"PK\x03\x04 and then nothing", "not a zip"),
        (photo(), "not a zip"),
        (bomb(), "would unpack to"),
        (zip_of({"../../etc/classes.csv": b"sourcedId"}), "leads elsewhere"),
        (zip_of({"/classes.csv": b"sourcedId"}), "leads elsewhere"),
        (zip_of({"C:\\classes.csv": b"sourcedId"}), "leads elsewhere"),
        (zip_of({"a/classes.csv": b"sourcedId", "b/users.csv": b""}), "in folders"),
        (zip_of({f"{number}.csv": b"" for number in range(300)}), "entries"),
        (zip_of({"homework.txt": b"see above"}), ""),
        (zip_of({"manifest.csv": manifest("7.0"), "classes.csv": b""}), "expected 1.1 or 1.2"),
        (damaged(), "damaged"),
    ],
    ids=[
        *("a part", "photo", "bomb", "dots", "slash", "drive", "folder", "many", "other"),
        *("version", "damaged"),
    ],
)
def test_what_is_no_roster_is_refused_with_a_sentence(
    admin: ApiClient, content: bytes, word: str
) -> None:
    import_ = admin.start_import(content)
    admin.begin_check(import_)
    seen = admin.wait_for_import(import_)
    assert (seen["state"], seen["job"]["state"]) == ("FAILED", "FAILED")
    reason = seen["job"]["failure"]
    assert word in reason
    assert re.fullmatch(r".{20,300}\.", reason), reason


def test_a_roster_that_was_never_uploaded_is_refused_with_a_sentence(admin: ApiClient) -> None:
    organisation = admin.ask("{ organisations { id } }")[0]["id"]
    input = {"organisationId": organisation, "name": "a.zip", "bytes": 5, "sha256": "0" * 64}
    start = "mutation ($i: StartRosterImportInput!) { startRosterImport(input: $i) { %s } }"
    started = admin.ask(start % "rosterImport { id }", i=input)["rosterImport"]
    admin.begin_check(started["id"])
    seen = admin.wait_for_import(started["id"])
    assert seen["state"] == "FAILED"
    assert seen["job"]["failure"].startswith("File not found: upload it first")


def test_a_line_of_100_mb_costs_that_line(admin: ApiClient) -> None:
    good = csv_of("classes", classes(("c1", "Art"), ("c2", "Music")))
    header, first, second, _ = good.split(b"\n")
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        zipped.writestr("manifest.csv", manifest(classes="bulk"))
        with zipped.open("classes.csv", "w") as entry:
            entry.write(header + b"\n" + first + b"\nc9,")
            for _ in range(100):
                entry.write(b"x" * MB)
            entry.write(b"\n" + second + b"\n")
    import_ = admin.start_import(held.getvalue())
    admin.begin_check(import_)
    seen = admin.wait_for_import(import_)
    assert seen["state"] == "CHECKED", seen["job"]
    assert (seen["rowsRead"], seen["rowsRefused"]) == (3, 1)
    (error,) = [each for each in seen["checkJob"]["rowErrors"] if each["code"] == "TOO_LONG"]
    assert (error["file"], error["line"]) == ("classes.csv", 3)
