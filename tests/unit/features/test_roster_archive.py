"""Zips that are opened, and those that are refused with a reason."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.features.roster import archive
from poutama.features.roster.archive import open_archive
from poutama.zip_archive import ArchiveError
from tests.unit.features.rosters import small_school, zip_of


def refusal(content: bytes) -> str:
    with pytest.raises(ArchiveError) as caught:
        open_archive(io.BytesIO(content))
    return caught.value.message


def test_entries_are_found_by_their_names_in_lower_case() -> None:
    opened = open_archive(io.BytesIO(zip_of({"Users.CSV": b"x"})))
    assert opened.open_entry("users.csv").read(9) == b"x"


def test_what_macs_add_is_overlooked() -> None:
    zipped = zip_of({"users.csv": b"", "__MACOSX/._users.csv": b"", ".DS_Store": b""})
    assert list(open_archive(io.BytesIO(zipped)).entries) == ["users.csv"]


@pytest.mark.parametrize(
    "name", ["../users.csv", "/users.csv", "..\\users.csv", "C:\\users.csv", "a/../../users.csv"]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert "leads elsewhere" in refusal(zip_of({name: b""}))


@pytest.mark.parametrize("folder", ["roster/", "roster\\", "Export 2026/"])
def test_one_folder_in_which_all_files_are_is_stripped(folder: str) -> None:
    files = {f"{folder}users.csv": b"x", f"{folder}manifest.csv": b"y"}
    opened = open_archive(io.BytesIO(zip_of({"__MACOSX/roster/._users.csv": b"", **files})))
    assert opened.open_entry("users.csv").read(9) == b"x"
    assert set(opened.entries) == {"users.csv", "manifest.csv"}
    with_entry = zip_of({"roster/": b"", "roster/users.csv": b"x"})
    assert set(open_archive(io.BytesIO(with_entry)).entries) == {"users.csv"}


@pytest.mark.parametrize(
    "names",
    [("a/users.csv", "b/classes.csv"), ("a/users.csv", "classes.csv"), ("a/b/users.csv",)],
)
def test_files_in_several_folders_are_refused(names: tuple[str, ...]) -> None:
    assert "put them all at the top" in refusal(zip_of(dict.fromkeys(names, b"")))


def test_a_name_that_is_there_twice_is_refused() -> None:
    assert "twice" in refusal(zip_of({"users.csv": b"", "USERS.csv": b""}))


def test_what_is_no_zip_is_refused() -> None:
    assert "not a zip" in refusal(b"sourcedId,name\n")
    assert "not a zip" in refusal(b"")
    assert "not a zip" in refusal(small_school()[:-30])


def test_too_many_entries_are_refused() -> None:
    assert "entries" in refusal(zip_of({f"{i}.csv": b"" for i in range(201)}))


def test_a_list_that_says_it_is_endless_is_not_read() -> None:
    # The end record claims 4 GB of entries, and two of them: the length counts as well.
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, 0xFFFFFFF0, 0, 0)
    assert "entries" in refusal(b"x" * 100 + end)


def test_an_encrypted_entry_is_refused() -> None:
    content = bytearray(zip_of({"users.csv": b"x"}))
    content[content.index(b"PK\1\2") + 8] |= 1
    assert "encrypted" in refusal(bytes(content))


def test_an_unusual_packing_is_refused() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_LZMA) as zipped:
        zipped.writestr("users.csv", b"x" * 100)
    assert "stored or deflated" in refusal(held.getvalue())


def test_a_bomb_is_refused_by_its_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_COUNTS_FROM", 1 << 20)
    assert "200 times" in refusal(zip_of({"users.csv": bytes(2 << 20)}))


def test_a_bomb_is_refused_by_what_it_unpacks_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1 << 20)
    assert "2,097,152 bytes" in refusal(zip_of({f"{i}.csv": bytes(1 << 19) for i in range(4)}))


def test_a_size_that_is_a_lie_unpacks_to_no_more_than_it_says() -> None:
    content = bytearray(zip_of({"users.csv": bytes(1 << 20)}))
    place = content.index(b"PK\1\2") + 24
    content[place : place + 4] = struct.pack("<L", 100)
    entry = open_archive(io.BytesIO(bytes(content))).open_entry("users.csv")
    with pytest.raises(ArchiveError, match="damaged"):
        entry.read(1 << 21)


def test_damage_is_told_where_it_is_met() -> None:
    content = bytearray(small_school())
    place = content.index(b"users.csv") + 40
    content[place : place + 60] = bytes(60)
    entry = open_archive(io.BytesIO(bytes(content))).open_entry("users.csv")
    with pytest.raises(ArchiveError, match=r"damaged at users\.csv"):
        entry.read(1 << 21)


@given(st.data())
def test_whatever_is_damaged_is_opened_or_refused_but_never_fails(data: st.DataObject) -> None:
    content = bytearray(small_school())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        opened = open_archive(io.BytesIO(bytes(content)))
        for name in opened.entries:
            opened.open_entry(name).read(1 << 20)
    except ArchiveError:
        pass
