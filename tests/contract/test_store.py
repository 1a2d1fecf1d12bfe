"""Both stores keep the promises of `store.objects`; S3 is moto's server.

What people do with forms and addresses is in `test_store_signed_urls`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from poutama.errors import NotFoundError, UnavailableError
from poutama.store.directory import DirectoryStore
from poutama.store.object_keys import InvalidKeyError
from poutama.store.objects import ObjectStore
from poutama.store.s3 import PART
from tests.contract.stores import open_bucket, s3_store

MEDIA = "application/pdf"


@pytest.fixture(params=["directory", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    opened: ObjectStore
    if request.param == "directory":
        opened = DirectoryStore(tmp_path / "files", b"secret", "http://127.0.0.1:1")
    else:
        endpoint = request.getfixturevalue("aws_endpoint")
        opened = await open_bucket(endpoint)
    yield opened
    await opened.close()


@pytest.fixture
def key() -> str:
    return f"{uuid4()}/evidence/{uuid4().hex}"


@pytest.mark.parametrize("size", [0, 1, 1000, 20_000_000], ids=str)
async def test_what_was_put_is_read(
    store: ObjectStore, key: str, tmp_path: Path, size: int
) -> None:
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    before = datetime.now(UTC) - timedelta(seconds=2)

    await store.put(key, content, media_type=MEDIA)
    await store.download(key, tmp_path / "got")
    info = await store.describe(key)

    assert (tmp_path / "got").read_bytes() == content
    assert await store.read(key, length=size + 1) == content
    assert info is not None
    assert (info.key, info.size, info.media_type) == (key, size, MEDIA)
    assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=2)


@pytest.mark.parametrize("size", [0, 1000, PART, PART + 1, 2 * PART + 5], ids=str)
async def test_a_file_is_put_whatever_its_size(
    store: ObjectStore, key: str, tmp_path: Path, size: int
) -> None:
    source = tmp_path / "source"
    source.write_bytes((b"fedcba9876543210" * (size // 16 + 1))[:size])

    await store.put(key, source, media_type=MEDIA)
    await store.download(key, tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == source.read_bytes()
    info = await store.describe(key)
    assert info is not None
    assert (info.size, info.media_type) == (size, MEDIA)


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, 4, b"0123"),
        (0, 10, b"0123456789"),
        (0, 999, b"0123456789"),
        (3, 1, b"3"),
        (9, 5, b"9"),
        (10, 5, b""),
        (11, 5, b""),
        (99, 1, b""),
        (0, 0, b""),
        (5, 0, b""),
    ],
)
async def test_a_part_is_read(
    store: ObjectStore, key: str, start: int, length: int, expected: bytes
) -> None:
    await store.put(key, b"0123456789", media_type=MEDIA)

    assert await store.read(key, start=start, length=length) == expected


async def test_there_is_nothing_where_nothing_was_put(
    store: ObjectStore, key: str, tmp_path: Path
) -> None:
    assert await store.describe(key) is None
    for length in (0, 1):
        with pytest.raises(NotFoundError):
            await store.read(key, length=length)
    with pytest.raises(NotFoundError):
        await store.download(key, tmp_path / "got")
    assert await asyncio.to_thread(lambda: list(tmp_path.glob("*got*"))) == []


async def test_a_download_that_fails_leaves_the_file_as_it_was(
    store: ObjectStore, key: str, tmp_path: Path
) -> None:
    (tmp_path / "got").write_bytes(b"before")

    with pytest.raises(NotFoundError):
        await store.download(key, tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == b"before"


async def test_putting_again_replaces_content_and_type(store: ObjectStore, key: str) -> None:
    await store.put(key, b"a long first text", media_type=MEDIA)
    await store.put(key, b"short", media_type="text/plain")

    info = await store.describe(key)
    assert await store.read(key, length=100) == b"short"
    assert info is not None
    assert (info.size, info.media_type) == (5, "text/plain")


async def test_of_many_who_put_at_once_one_is_there_whole(store: ObjectStore, key: str) -> None:
    contents = [bytes([letter]) * 100_000 for letter in b"abcdef"]

    await asyncio.gather(*(store.put(key, each, media_type=MEDIA) for each in contents))

    assert await store.read(key, length=1_000_000) in contents


async def test_a_file_that_cannot_be_read_puts_nothing(
    store: ObjectStore, key: str, tmp_path: Path
) -> None:
    await store.put(key, b"before", media_type=MEDIA)

    with pytest.raises(FileNotFoundError):
        await store.put(key, tmp_path / "missing", media_type=MEDIA)

    assert await store.read(key, length=10) == b"before"


async def test_deleting_again_does_nothing(store: ObjectStore, key: str) -> None:
    await store.put(key, b"x", media_type=MEDIA)
    await store.put(f"{key}.thumb", b"y", media_type=MEDIA)

    for _ in range(2):
        await store.delete([key, f"{key}/never", key])

    assert await store.describe(key) is None
    assert await store.read(f"{key}.thumb", length=1) == b"y"
    await store.delete([])
    await store.delete(iter(()))


async def test_more_than_a_thousand_are_deleted(store: ObjectStore) -> None:
    keys = [f"many/{number:04}" for number in range(1_002)]
    for first in (keys[0], keys[-1]):
        await store.put(first, b"", media_type=MEDIA)

    await store.delete(key for key in keys)

    assert [info async for info in store.list("")] == []


async def test_a_list_is_in_the_order_of_keys(store: ObjectStore) -> None:
    keys = ["a", "a-b", "a.b", "a/b", "a/b/c", "a/b-c", "a/c", "aa", "A", "b", "0", "_", "-"]
    for number, each in enumerate(keys):
        await store.put(each, b"x" * number, media_type=MEDIA)
    sizes = {each: number for number, each in enumerate(keys)}

    for prefix in (
        "",
        "a",
        "a/",
        "a/b",
        "a/b/",
        "a/b/c",
        "a-",
        "b",
        "c",
        "a/b/c/",
        "/",
        "../",
        ".",
    ):
        found = [info async for info in store.list(prefix)]
        assert [info.key for info in found] == sorted(key for key in keys if key.startswith(prefix))
        assert all(info.size == sizes[info.key] for info in found)
        assert all(info.modified.tzinfo is not None for info in found)


async def test_a_list_has_as_many_pages_as_it_needs(store: ObjectStore) -> None:
    keys = [f"many/{number:04}" for number in range(1_001)]
    for some in range(0, len(keys), 20):
        await asyncio.gather(
            *(store.put(key, b"", media_type=MEDIA) for key in keys[some : some + 20])
        )

    assert [info.key async for info in store.list("many/")] == keys


NO_KEYS = (
    "", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/..", ".", ".a", "a/.b", "a\\b", "a b",
    "ā", "a\n", "a\0b", "a@", "a%2fb", "a?b", "a" * 201, "a/" * 500 + "a",
)  # fmt: skip


async def test_what_is_no_key_is_refused_by_everything(store: ObjectStore, tmp_path: Path) -> None:
    async def sign_upload(key: str) -> object:
        return store.sign_upload(key, media_type=MEDIA, size=1, sha256="00" * 32, seconds=1)

    async def sign_download(key: str) -> object:
        return store.sign_download(key, person=uuid4(), name="x", media_type=MEDIA, seconds=1)

    accepted = []
    for key in NO_KEYS:
        for name, asked in {
            "sign_upload": sign_upload(key),
            "sign_download": sign_download(key),
            "describe": store.describe(key),
            "read": store.read(key, length=1),
            "download": store.download(key, tmp_path / "got"),
            "put": store.put(key, b"", media_type=MEDIA),
            "delete": store.delete([key]),
        }.items():
            try:
                await asked
            except InvalidKeyError:
                continue
            accepted.append((name, key))
    assert accepted == []


async def test_a_store_that_cannot_be_reached_says_so(
    store: ObjectStore, key: str, tmp_path: Path
) -> None:
    lost: ObjectStore
    if isinstance(store, DirectoryStore):
        lost = DirectoryStore(tmp_path / "lost", b"secret")
        for folder in ("objects", "incoming"):
            (tmp_path / "lost" / folder).rmdir()
            (tmp_path / "lost" / folder).write_bytes(b"")
    else:
        # A port that nothing listens on: it was free a moment ago, and is below all free ones.
        lost = s3_store("http://127.0.0.1:1", "nothing")
    for asked in (
        lost.describe(key),
        lost.read(key, length=1),
        lost.download(key, tmp_path / "got"),
        lost.put(key, b"", media_type=MEDIA),
        lost.delete([key]),
        anext(lost.list("")),
    ):
        with pytest.raises(UnavailableError):
            await asked
    await lost.close()


async def test_a_deleted_object_leaves_no_version_behind(aws_endpoint: str, key: str) -> None:
    store = await open_bucket(aws_endpoint, versioned=True)
    bucket = store._bucket
    for content in (b"first", b"second"):
        await store.put(key, content, media_type=MEDIA)
    await store.delete([key])
    await store.put(key, b"third", media_type=MEDIA)
    await store.put(f"{key}-another", b"stays", media_type=MEDIA)

    await store.delete([key, f"{key}-never-there"])

    async with httpx.AsyncClient() as client:
        listed = await client.get(f"{aws_endpoint}/{bucket}?versions")
    assert re.findall("<Key>(.*?)</Key>", listed.text) == [f"{key}-another"]
    await store.close()
