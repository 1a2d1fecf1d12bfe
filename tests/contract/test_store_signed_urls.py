"""What people can do with a form and an address, and what they cannot.

Nearly all of what S3 holds of a policy, moto lets through; those tests are expected to fail with
it, strictly, so that we hear of it when moto begins to. That the policy says what S3 is to hold is
in `unit/store/test_sigv4`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import time
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from poutama.store.directory import DirectoryStore
from poutama.store.objects import ObjectStore, UploadForm
from poutama.store.signed_urls import RefusedError
from tests.contract.serving import serve_files
from tests.contract.stores import open_bucket

MEDIA = "image/png"
PERSON = UUID(int=7)
CONTENT = b"\x89PNG\r\n\x1a\n--boundary\r\n0123456789"

MOTO_LETS_THROUGH = [
    "directory",
    pytest.param("s3", marks=pytest.mark.xfail(strict=True, reason="moto does not enforce this")),
]


@dataclass(slots=True)
class Clock:
    """Now, or so many seconds away."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time() + self.ahead


@dataclass(frozen=True, slots=True)
class Post:
    """A store, and a client that has nothing but what it signs."""

    store: ObjectStore
    clock: Clock
    client: httpx.AsyncClient

    def form(self, key: str, content: bytes = CONTENT, seconds: int = 60) -> UploadForm:
        return self.store.sign_upload(
            key,
            media_type=MEDIA,
            size=len(content),
            sha256=sha256(content).hexdigest(),
            seconds=seconds,
        )

    def address(self, key: str, name: str = "a.png", *, inline: bool = False) -> str:
        return self.store.sign_download(
            key, person=PERSON, name=name, media_type=MEDIA, seconds=60, inline=inline
        )

    async def upload(self, form: UploadForm, content: bytes = CONTENT) -> httpx.Response:
        return await self.client.post(
            form.url,
            data=dict(form.fields),
            files={"file": ('C:\\ā "b".exe', content, "text/html")},
        )


@pytest.fixture(params=["directory", "s3"])
async def post(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Post]:
    async for opened in _open(request, tmp_path):
        yield opened


@pytest.fixture(params=MOTO_LETS_THROUGH)
async def strict_post(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Post]:
    async for opened in _open(request, tmp_path):
        yield opened


async def _open(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Post]:
    clock = Clock()
    store: ObjectStore
    async with httpx.AsyncClient(timeout=60) as client:
        if request.param == "directory":
            store = DirectoryStore(tmp_path / "files", b"secret", clock=clock)
            with serve_files(store):
                yield Post(store, clock, client)
        else:
            store = await open_bucket(request.getfixturevalue("aws_endpoint"), clock)
            yield Post(store, clock, client)
            await store.close()


@pytest.fixture
def key() -> str:
    return f"{uuid4()}/evidence/{uuid4().hex}"


@pytest.mark.parametrize("size", [0, 1, 20_000_000], ids=str)
async def test_a_file_goes_in_by_the_form_and_out_by_the_address(
    post: Post, key: str, size: int
) -> None:
    content = (CONTENT * (size // len(CONTENT) + 1))[:size]

    sent = await post.upload(post.form(key, content), content)
    got = await post.client.get(post.address(key))

    assert (sent.status_code, sent.content) == (204, b"")
    assert (got.status_code, got.content) == (200, content)
    assert got.headers["content-type"] == MEDIA
    assert got.headers["content-length"] == str(size)
    info = await post.store.describe(key)
    assert info is not None
    assert info.size == size


async def test_the_type_of_the_form_is_kept(post: Post, key: str) -> None:
    await post.upload(post.form(key))

    info = await post.store.describe(key)
    assert info is not None
    assert info.media_type == MEDIA


async def test_a_form_works_again(post: Post, key: str) -> None:
    form = post.form(key)

    assert [(await post.upload(form)).status_code for _ in range(2)] == [204, 204]


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("Ngā whāinga.pdf", "Nga whainga.pdf", "Ng%C4%81%20wh%C4%81inga.pdf"),
        ('"kia ora".txt', "_kia ora_.txt", "%22kia%20ora%22.txt"),
    ],
)
async def test_a_file_is_offered_under_its_name(
    post: Post, key: str, name: str, plain: str, full: str
) -> None:
    await post.store.put(key, CONTENT, media_type=MEDIA)

    got = await post.client.get(post.address(key, name))

    expected = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
    assert got.headers["content-disposition"] == expected


async def test_a_picture_is_shown_in_place(post: Post, key: str) -> None:
    await post.store.put(key, CONTENT, media_type=MEDIA)

    got = await post.client.get(post.address(key, inline=True))

    assert got.headers["content-disposition"] == "inline"


async def test_a_part_is_downloaded(post: Post, key: str) -> None:
    await post.store.put(key, CONTENT, media_type=MEDIA)

    got = await post.client.get(post.address(key), headers={"Range": "bytes=4-7"})

    assert (got.status_code, got.content) == (206, CONTENT[4:8])
    assert got.headers["content-range"] == f"bytes 4-7/{len(CONTENT)}"


async def test_an_address_of_nothing_gives_nothing(post: Post, key: str) -> None:
    got = await post.client.get(post.address(key))

    # S3 does not tell those who may not list a bucket.
    assert got.status_code in (403, 404)


async def test_what_was_deleted_cannot_be_downloaded(post: Post, key: str) -> None:
    await post.upload(post.form(key))
    await post.store.delete([key])

    assert (await post.client.get(post.address(key))).status_code in (403, 404)


async def test_an_address_names_the_person_for_whom_it_was_made(post: Post, key: str) -> None:
    """S3 ignores the parameter and writes it into its log of accesses, with the whole request."""
    await post.store.put(key, CONTENT, media_type=MEDIA)
    address = post.address(key)

    assert parse_qs(urlsplit(address).query)["x-person"] == [str(PERSON)]
    assert (await post.client.get(address)).content == CONTENT


async def test_no_two_signatures_are_alike(post: Post, key: str) -> None:
    other = f"{key}x"
    addresses = [post.address(each, name) for each in (key, other) for name in "ab"]
    forms = [post.form(each, content) for each in (key, other) for content in (b"a", b"b")]
    signed = [re.split("ignature=", each)[1] for each in addresses]
    signed += [v for form in forms for k, v in form.fields.items() if k.endswith("signature")]

    assert len(signed) == 8
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in signed)
    assert len(set(signed)) == len(signed)


def changed(form: UploadForm, **fields: str) -> UploadForm:
    return replace(form, fields={**form.fields, **fields})


def other_letter(text: str) -> str:
    return ("1" if text[0] == "0" else "0") + text[1:]


FORGERIES: dict[str, Callable[[UploadForm], UploadForm]] = {
    "another key": lambda form: changed(form, key=f"{form.fields['key']}x"),
    "another type": lambda form: changed(form, **{"Content-Type": "text/html"}),
    "another hash": lambda form: changed(form, **{"x-amz-checksum-sha256": "A" * 43 + "="}),
    "no hash": lambda form: replace(
        form, fields={k: v for k, v in form.fields.items() if k != "x-amz-checksum-sha256"}
    ),
    "one more field": lambda form: changed(form, **{"x-amz-meta-a": "b"}),
    "another signature": lambda form: replace(
        form,
        fields={
            name: other_letter(value) if name.endswith("signature") else value
            for name, value in form.fields.items()
        },
    ),
    "another policy": lambda form: changed(form, policy=f"{form.fields['policy'][:-4]}AAAA"),
    "no policy": lambda form: replace(
        form, fields={k: v for k, v in form.fields.items() if k != "policy"}
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_form_that_was_changed_puts_nothing(
    strict_post: Post, key: str, forgery: str
) -> None:
    form = FORGERIES[forgery](strict_post.form(key))

    said = await strict_post.upload(form)

    assert said.status_code == 403, said.text
    assert [info async for info in strict_post.store.list("")] == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (CONTENT + b"0", "EntityTooLarge"),
        (CONTENT * 100_000, "EntityTooLarge"),
        (CONTENT[:-1], "EntityTooSmall"),
        (b"", "EntityTooSmall"),
        (CONTENT[:-1] + b"X", "BadDigest"),
    ],
)
async def test_another_content_puts_nothing(
    strict_post: Post, key: str, content: bytes, code: str
) -> None:
    said = await strict_post.upload(strict_post.form(key), content)

    assert (said.status_code, f"<Code>{code}</Code>" in said.text) == (400, True)
    assert await strict_post.store.describe(key) is None


async def test_a_refused_upload_leaves_what_was_there(strict_post: Post, key: str) -> None:
    await strict_post.store.put(key, b"before", media_type=MEDIA)

    await strict_post.upload(strict_post.form(key), CONTENT + b"0")

    assert await strict_post.store.read(key, length=10) == b"before"


async def test_a_form_expires(strict_post: Post, key: str) -> None:
    form = strict_post.form(key, seconds=60)
    early = strict_post.form(key, seconds=60)

    assert (await strict_post.upload(early)).status_code == 204
    strict_post.clock.ahead = 60
    said = await strict_post.upload(form)

    assert (said.status_code, "<Code>AccessDenied</Code>" in said.text) == (403, True)


async def test_an_address_expires(strict_post: Post, key: str) -> None:
    await strict_post.store.put(key, CONTENT, media_type=MEDIA)
    address = strict_post.address(key)

    assert (await strict_post.client.get(address)).status_code == 200
    strict_post.clock.ahead = 60
    said = await strict_post.client.get(address)

    assert (said.status_code, "<Code>AccessDenied</Code>" in said.text) == (403, True)


@pytest.mark.parametrize("rest", [r"\?.*", "&[^&]*ignature=.*"], ids=["query", "signature"])
async def test_an_address_without_its_signature_gives_nothing(
    post: Post, key: str, rest: str
) -> None:
    await post.store.put(key, CONTENT, media_type=MEDIA)

    said = await post.client.get(re.sub(rest, "", post.address(key)))

    assert said.status_code == 403
    assert CONTENT not in said.content


@pytest.mark.parametrize(
    ("found", "put"),
    [
        (r"/(\w+)\?", r"/\1x?"),
        ("image%2Fpng", "text%2Fhtml"),
        ("attachment", "inline"),
        (f"x-person={PERSON}", f"x-person={UUID(int=8)}"),
        (f"[?&]x-person={PERSON}", ""),
        (r"(xpires=)(\d+)", r"\g<1>9\2"),
        ("(ignature=)0?", r"\g<1>1"),
        ("(ignature=.*)", r"\1&\1"),
    ],
    ids=[
        "key",
        "type",
        "disposition",
        "person",
        "without a person",
        "expiry",
        "signature",
        "garbage",
    ],
)
async def test_an_address_that_was_changed_gives_nothing(
    strict_post: Post, key: str, found: str, put: str
) -> None:
    for each in (key, f"{key}x"):
        await strict_post.store.put(each, CONTENT, media_type=MEDIA)
    address = strict_post.address(key)

    forged = re.sub(found, put, address)
    assert forged != address
    said = await strict_post.client.get(forged)

    assert said.status_code == 403
    assert CONTENT not in said.content


def test_a_form_is_no_address_and_other_secrets_sign_nothing(tmp_path: Path, key: str) -> None:
    """Of the folder, which signs both with one secret; S3 has its own rules."""
    store = DirectoryStore(tmp_path, b"secret")
    other = DirectoryStore(tmp_path, b"another secret")
    form = store.sign_upload(key, media_type=MEDIA, size=1, sha256="00" * 32, seconds=60)

    assert store.url_signer.read_upload(form.fields).key == key
    with pytest.raises(RefusedError, match="signature"):
        store.url_signer.read_download(key, urlencode(form.fields))
    with pytest.raises(RefusedError, match="signature"):
        other.url_signer.read_upload(form.fields)
