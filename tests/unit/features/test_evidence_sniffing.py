"""What a file is, is seen in it; what is said of it, is not believed."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.features.evidence.sniffing import require_known_type, sniff_type
from poutama.features.evidence.types import (
    DOCX,
    FILE_TYPES,
    GIF,
    HEIC,
    JPEG,
    LONGEST_FILE_NAME,
    NOT_DECLARED,
    ODT,
    PDF,
    PNG,
    PPTX,
    TEXT,
    WEBP,
    XLSX,
    FileType,
    UnfitFileError,
    clean_file_name,
    fit_file_name,
    read_declared_type,
)
from tests.unit.features import photos


def archive(parts: Mapping[str, bytes]) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return file.getvalue()


WORD = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>"}
KNOWN = {
    JPEG.media_type: photos.photo("JPEG"),
    PNG.media_type: photos.photo("PNG"),
    WEBP.media_type: photos.photo("WEBP"),
    GIF.media_type: photos.photo("GIF"),
    PDF.media_type: b"%PDF-1.7\n1 0 obj\n",
    TEXT.media_type: "Kia ora, e hoa mā.\r\n\tĀe.\n".encode(),
    DOCX.media_type: archive(WORD),
    XLSX.media_type: archive({"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
    PPTX.media_type: archive({"[Content_Types].xml": b"", "ppt/presentation.xml": b""}),
    ODT.media_type: archive({"mimetype": ODT.media_type.encode(), "content.xml": b""}),
}
OTHERS = {
    "application/zip": archive({"notes.txt": b"hello"}),
    "text/html": b"\xef\xbb\xbf  <!DOCTYPE html><script>alert(1)</script>",
    "image/svg+xml": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "text/xml": b"<?xml version='1.0'?><svg onload='alert(1)'/>",
    "image/bmp": b"BM" + bytes(60),
    "application/octet-stream": bytes(100),
    "application/x-msdownload": b"MZ" + bytes(100),
}


def put(folder: Path, data: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("media_type", KNOWN)
def test_a_file_is_what_it_is(tmp_path: Path, media_type: str) -> None:
    assert sniff_type(put(tmp_path, KNOWN[media_type])) == media_type


@pytest.mark.parametrize("media_type", OTHERS)
def test_what_cannot_be_evidence_is_told_apart(tmp_path: Path, media_type: str) -> None:
    assert sniff_type(put(tmp_path, OTHERS[media_type])) == media_type
    assert media_type not in FILE_TYPES


@pytest.mark.parametrize("media_type", KNOWN)
def test_what_evidence_may_be_is_known(tmp_path: Path, media_type: str) -> None:
    assert require_known_type(put(tmp_path, KNOWN[media_type])) is FILE_TYPES[media_type]


@pytest.mark.parametrize("media_type", OTHERS)
def test_a_refusal_says_what_it_is_and_what_to_do(tmp_path: Path, media_type: str) -> None:
    with pytest.raises(
        UnfitFileError, match=r"^The file is .+, which cannot be evidence\. .+ and add that\.$"
    ):
        require_known_type(put(tmp_path, OTHERS[media_type]))


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        ("Kia ora, e hoa mā.\r\n".encode("utf-16"), TEXT.media_type),
        (b"\xfe\xff" + "Āe".encode("utf-16-be"), TEXT.media_type),
        ("<!doctype html><script>".encode("utf-16"), "text/html"),
        ("\ufeff<svg onload=''/>".encode("utf-16-le"), "image/svg+xml"),
        (b"\xff\xfea", NOT_DECLARED),
        ("a\0b".encode("utf-16"), NOT_DECLARED),
        (b"\r\n\r\n  %PDF-1.4\n", PDF.media_type),
        (b"\xef\xbb\xbf%PDF-1.4\n", PDF.media_type),
        (b"x %PDF-1.4\n", TEXT.media_type),
        (b" " * 1100 + b"%PDF-1.4\n", TEXT.media_type),
        (photos.animation("PNG"), PNG.media_type),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", HEIC.media_type),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", HEIC.media_type),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf", "image/avif"),
    ],
)
def test_a_file_is_what_its_content_is(tmp_path: Path, data: bytes, media_type: str) -> None:
    assert sniff_type(put(tmp_path, data)) == media_type


@pytest.mark.parametrize(
    ("declared", "type_"),
    [
        ("image/jpeg", JPEG),
        ("Text/Plain; charset=utf-8", TEXT),
        *((word, None) for word in ("", "image/jpg", "application/octet-stream", "video/x", "?\n")),
    ],
)
def test_what_is_declared_is_a_hint(declared: str, type_: FileType | None) -> None:
    assert read_declared_type(declared) is type_


@pytest.mark.parametrize("declared", ["image/svg+xml", "text/html; charset=utf-8"])
def test_what_could_only_be_refused_is_refused_at_once(declared: str) -> None:
    with pytest.raises(UnfitFileError, match="cannot be evidence"):
        read_declared_type(declared)


@pytest.mark.parametrize(
    "text", [b"BMX is fun", b"GIF is a format", b"MZ", b"ID3 tags", b"", b"PDF"]
)
def test_text_that_begins_like_something_else_is_text(tmp_path: Path, text: bytes) -> None:
    assert sniff_type(put(tmp_path, text)) == TEXT.media_type


def test_text_is_looked_at_to_its_end(tmp_path: Path) -> None:
    assert sniff_type(put(tmp_path, b"a" * 200_000)) == TEXT.media_type
    assert sniff_type(put(tmp_path, b"a" * 200_000 + b"\0")) != TEXT.media_type


def test_a_document_of_two_kinds_is_none(tmp_path: Path) -> None:
    both = archive({**WORD, "xl/workbook.xml": b""})
    assert sniff_type(put(tmp_path, both)) == "application/zip"


def test_an_archive_with_a_huge_directory_is_not_listed(tmp_path: Path) -> None:
    many = archive({f"{number}": b"" for number in range(5_001)} | WORD)
    assert sniff_type(put(tmp_path, many)) == "application/zip"


def test_an_archive_is_not_believed_about_its_directory(tmp_path: Path) -> None:
    honest = archive(WORD)
    at = honest.rindex(b"PK\x05\x06")
    for entries, length in ((5_001, 100), (2, 1_000_001), (2, 0xFFFFFFFF), (2, len(honest) * 2)):
        lie = bytearray(honest)
        struct.pack_into("<HHL", lie, at + 8, entries, entries, length)
        assert sniff_type(put(tmp_path, bytes(lie))) == "application/zip"


@given(data=st.binary(max_size=300), start=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06"]))
def test_whatever_is_in_a_file_has_some_type(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "anything"
    path.write_bytes(start + data)
    assert sniff_type(path)


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("Mahi.JPG", "Mahi.JPG"),
        ("mahi.jpeg", "mahi.jpeg"),
        ("photo.exe", "photo.exe.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\me\\mahi.jpg", "mahi.jpg"),
        ("a\u202egpj.exe", "agpj.exe.jpg"),
        ("  ", "file.jpg"),
        ("...", "file.jpg"),
        (".jpg", "jpg.jpg"),
        ("ngā mahi\n.jpg", "ngā mahi.jpg"),
        ("IMG_0042.HEIC", "IMG_0042.jpg"),
        ("letter.docx.PNG", "letter.docx.jpg"),
        (".png", "png.jpg"),
    ],
)
def test_a_name_ends_as_its_type_does(name: str, fitted: str) -> None:
    assert fit_file_name(name, JPEG) == fitted


@given(st.text(max_size=300))
def test_every_name_can_be_saved(name: str) -> None:
    fitted = fit_file_name(name, PDF)
    assert fitted.lower().endswith(".pdf")
    assert 5 <= len(fitted) <= LONGEST_FILE_NAME
    assert not set(fitted) & set('/\\<>:"|?*\n\0')
    assert fit_file_name(fitted, PDF) == fitted
    cleaned = clean_file_name(name)
    assert 1 <= len(cleaned) <= LONGEST_FILE_NAME
    assert clean_file_name(cleaned) == cleaned
    assert not set(cleaned) & set('/\\<>:"|?*\n\0')
