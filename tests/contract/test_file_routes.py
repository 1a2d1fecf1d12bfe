"""The laptop's `/files`: HTTP as browsers, careless clients and hostile ones speak it."""

from __future__ import annotations

import logging
import re
from hashlib import sha256
from uuid import UUID

import pytest

from poutama.store.signed_urls import UploadGrant
from tests.contract.file_server import (
    CONTENT,
    KEY,
    MEDIA,
    PERSON,
    FileServer,
    code_of,
    read_to_end,
)

ANOTHER = UUID(int=8)


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
def test_a_part_is_given(
    file_server: FileServer, asked: str, status: int, start: int, end: int
) -> None:
    got = file_server.client.get(file_server.put(), headers={"Range": asked})

    assert (got.status_code, got.content) == (status, CONTENT[start:end])
    assert got.headers["content-length"] == str(end - start)
    content_range = f"bytes {start}-{end - 1}/1024" if status == 206 else None
    assert got.headers.get("content-range") == content_range


def test_each_use_is_logged_with_the_person_and_without_the_signature(
    file_server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    address = file_server.put()
    signature = address.partition("signature=")[2]
    caplog.set_level(logging.INFO, "poutama.files")

    file_server.client.get(address)
    file_server.client.head(address)
    another = file_server.client.get(re.sub("x-person=[^&]*", f"x-person={ANOTHER}", address))
    assert code_of(another) == "SignatureDoesNotMatch"

    used = {"person": str(PERSON), "key": KEY}
    found = [record.__dict__["file"] for record in caplog.records if hasattr(record, "file")]
    assert found == [used | {"method": "GET"}, used | {"method": "HEAD"}]
    assert f"{KEY} person={PERSON}" in caplog.text
    assert signature not in caplog.text


def test_a_part_beyond_the_end_is_refused_and_the_size_told(file_server: FileServer) -> None:
    got = file_server.client.get(file_server.put(), headers={"Range": "bytes=1024-"})

    assert (got.status_code, code_of(got)) == (416, "InvalidRange")
    assert got.headers["content-range"] == "bytes */1024"


def test_head_tells_what_get_would(file_server: FileServer) -> None:
    address = file_server.put()

    head, got = file_server.client.head(address), file_server.client.get(address)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == got.headers
    assert head.headers["accept-ranges"] == "bytes"


def test_what_is_still_the_same_is_not_sent_again(file_server: FileServer) -> None:
    address = file_server.put()
    etag = file_server.client.get(address).headers["etag"]

    again = file_server.client.get(address, headers={"If-None-Match": etag})
    file_server.put(CONTENT + b"!")
    changed = file_server.client.get(address, headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")
    assert (changed.status_code, changed.content) == (200, CONTENT + b"!")


def test_a_download_goes_on_only_if_the_file_is_the_same(file_server: FileServer) -> None:
    address = file_server.put()
    etag = file_server.client.get(address).headers["etag"]
    go_on = {"Range": "bytes=1000-", "If-Range": etag}

    assert file_server.client.get(address, headers=go_on).content == CONTENT[1000:]
    file_server.put(b"another")
    got = file_server.client.get(address, headers=go_on)

    assert (got.status_code, got.content) == (200, b"another")


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/xhtml+xml"])
def test_what_was_uploaded_cannot_run_as_our_page(file_server: FileServer, media_type: str) -> None:
    file_server.put(b"<script>alert(1)</script>", media_type)

    got = file_server.client.get(file_server.address(media_type, inline=True))

    assert got.headers["content-type"] == media_type
    assert "sandbox" in got.headers["content-security-policy"]
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert "allow-scripts" not in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("media_type", ["a/b\r\nSet-Cookie: a=b", "é", "", "a\0b"])
def test_a_type_that_is_none_splits_no_header(file_server: FileServer, media_type: str) -> None:
    file_server.put()

    got = file_server.client.get(file_server.address(media_type))

    assert (got.status_code, got.content) == (200, CONTENT)
    assert got.headers["content-type"] == "application/octet-stream"
    assert "set-cookie" not in got.headers


def test_a_page_of_another_origin_may_upload_and_download(file_server: FileServer) -> None:
    form = file_server.form()
    preflight = file_server.client.options(
        form.url,
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-requested-with",
        },
    )
    sent = file_server.client.post(
        form.url,
        data=dict(form.fields),
        files={"file": CONTENT},
        headers={"Origin": "https://app.example"},
    )
    got = file_server.client.get(file_server.address(), headers={"Origin": "https://app.example"})
    refused = file_server.client.get(f"{form.url}/x", headers={"Origin": "https://app.example"})

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
def test_no_path_leads_out_of_the_folder(file_server: FileServer, path: str) -> None:
    """Sent as it is: clients tidy such paths up."""
    query = file_server.put().partition("?")[2]
    for target in (path, f"{path}?{query}"):
        with file_server.connect() as connection:
            asked = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            connection.sendall(asked.encode())
            said = read_to_end(connection)

        assert said.split(b" ")[1] in (b"403", b"405"), said
        assert b"<Error>" in said


@pytest.mark.parametrize("name", ["../../a", "objects/../a", "/etc/a", ".a", "a@", ""])
def test_not_even_a_signed_form_leads_out_of_the_folder(file_server: FileServer, name: str) -> None:
    """As if the secret's holder had forgotten to look at the key."""
    grant = UploadGrant(name, MEDIA, 4, sha256(b"evil").hexdigest())
    fields = file_server.store.url_signer.sign_upload(grant, 60)
    said = file_server.client.post(
        f"{file_server.store.base_url}/files", data=fields, files={"file": b"evil"}
    )

    assert said.status_code == 500
    assert file_server.files() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_other_methods_are_refused(file_server: FileServer, method: str) -> None:
    address = file_server.put()

    said = file_server.client.request(method, address, content=b"x" * 100_000)

    assert (said.status_code, code_of(said)) == (405, "MethodNotAllowed")
    assert file_server.client.get(address).content == CONTENT
