"""A zip's list of entries is measured before it is read, wherever it says that it is."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from poutama.zip_archive import ArchiveError, ArchiveLimits, EntryReader, open_zip

LIMITS = ArchiveLimits(entries=3, directory_bytes=300)
END = struct.Struct("<4s4H2LH")
END_64 = struct.Struct("<4sQ2H2L4Q")


def zip_of(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name in names:
            made.writestr(name, b"content")
    return held.getvalue()


def as_zip64(content: bytes, *, count: int, points_at: int = 0, before: bytes = b"") -> bytes:
    """The zip with its list announced in 64 bits; `before` stands between entries and record."""
    at = content.rindex(b"PK\5\6")
    _, _, _, _, _, length, start, _ = END.unpack_from(content, at)
    place = at + len(before)
    record = END_64.pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, points_at or place, 1)
    end = END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:at] + before + record + locator + end


def open_bytes(content: bytes) -> zipfile.ZipFile:
    return open_zip(io.BytesIO(content), LIMITS)


def refusal(content: bytes) -> str:
    with pytest.raises(ArchiveError) as caught:
        open_bytes(content)
    return caught.value.message


def test_a_zip_within_the_limits_is_opened() -> None:
    opened = open_bytes(zip_of("a", "b", "c"))
    assert opened.namelist() == ["a", "b", "c"]
    assert EntryReader(opened, opened.getinfo("b")).read(100) == b"content"


def test_a_zip_with_a_comment_is_opened() -> None:
    content = bytearray(zip_of("a"))
    content[-2:] = struct.pack("<H", 5)
    assert open_bytes(bytes(content) + b"hello").namelist() == ["a"]


def test_more_entries_or_longer_names_than_the_limits_are_refused() -> None:
    assert refusal(zip_of("a", "b", "c", "d")).startswith("The zip lists 4 entries in ")
    assert refusal(zip_of("a" * 300)).startswith("The zip lists 1 entries in 346 bytes;")


def test_counts_of_64_bits_are_read_and_held_to_the_limits() -> None:
    assert open_bytes(as_zip64(zip_of("a", "b"), count=2)).namelist() == ["a", "b"]
    assert refusal(as_zip64(zip_of("a", "b"), count=4)).startswith("The zip lists 4 entries")


def test_a_list_that_is_announced_in_two_places_is_refused() -> None:
    # A harmless record where the locator points, and another where `zipfile` may read it.
    content = zip_of("a")
    at = content.rindex(b"PK\5\6")
    harmless = END_64.pack(b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 47, 0)
    two = as_zip64(content, count=1 << 40, points_at=at, before=harmless)
    assert "its list of files cannot be found" in refusal(two)


@pytest.mark.parametrize("content", [b"", b"text", zip_of("a")[:-1], b"PK\5\6"])
def test_what_is_not_a_zip_is_refused(content: bytes) -> None:
    assert refusal(content) == "The file is not a zip, or only a part of one."


def test_damage_is_reported_by_the_name_of_the_entry() -> None:
    content = bytearray(zip_of("a", "b"))
    place = content.index(b"content", content.index(b"content") + 1)
    content[place] ^= 1
    opened = open_bytes(bytes(content))
    with pytest.raises(ArchiveError, match="damaged at b"):
        EntryReader(opened, opened.getinfo("b")).read(100)
