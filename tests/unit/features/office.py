"""Office documents for tests, part by part, as the programs write them."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from poutama.features.evidence.office_rules import MAIN_TYPES
from poutama.features.evidence.packages import clean_package
from poutama.features.evidence.sniffing import sniff_type
from poutama.features.evidence.types import DOCX, ODP, ODS, ODT, PPTX, XLSX, UnfitFileError

PACKAGE = "http://schemas.openxmlformats.org/package/2006"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
MICROSOFT = "http://schemas.microsoft.com/office/2006/relationships"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OASIS = "urn:oasis:names:tc:opendocument:xmlns"
MAIN = {
    DOCX.media_type: "word/document.xml",
    XLSX.media_type: "xl/workbook.xml",
    PPTX.media_type: "ppt/presentation.xml",
}
OPEN = (ODT.media_type, ODS.media_type, ODP.media_type)

Parts = dict[str, bytes]

MACROS, PROGRAMS, REMOTE, LINKS = "macros", "control, an embedded", "from another place", "links to"
DAMAGED, LARGE = "damaged", "more than can be looked at"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def archive(parts: Mapping[str, bytes]) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as made:
        for name, content in parts.items():
            method = ZIP_STORED if name == "mimetype" else ZIP_DEFLATED
            made.writestr(name, content, method)
    return file.getvalue()


def types(main: str, kind: str, more: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="{PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package'
        f'.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="{kind}"/>{more}</Types>'
    ).encode()


def relations(*relations: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(relations)}</Relationships>'
    ).encode()


def relation(kind: str, target: str, mode: str = "", *, base: str = RELATIONS) -> str:
    said = f' TargetMode="{mode}"' if mode else ""
    return f'<Relationship Id="r{abs(hash(target))}" Type="{base}/{kind}" Target="{target}"{said}/>'


def word(body: str = "<w:p/>") -> bytes:
    return (
        f'<w:document xmlns:w="{WORD}" xmlns:v="urn:schemas-microsoft-com:vml"'
        f' xmlns:o="urn:schemas-microsoft-com:office:office"><w:body>{body}</w:body></w:document>'
    ).encode()


def office(media_type: str = DOCX.media_type, more: Mapping[str, bytes] | None = None) -> Parts:
    """The parts of a document of Microsoft's, with others in their place or beside them."""
    main = MAIN[media_type]
    folder, _, name = main.rpartition("/")
    return {
        "[Content_Types].xml": types(main, MAIN_TYPES[media_type]),
        "_rels/.rels": relations(relation("officeDocument", main)),
        main: word(),
        f"{folder}/_rels/{name}.rels": relations(
            relation("hyperlink", "https://example.org/a?b=file:///c", "External"),
            relation("hyperlink", "mailto:a@example.org", "External"),
            relation("image", "media/image1.png"),
            relation("theme", f"/{folder}/theme/theme1.xml"),
        ),
        f"{folder}/theme/theme1.xml": "\ufeff<theme>Tūī</theme>".encode(),
        **(more or {}),
    }


def content(body: str = "") -> bytes:
    return (
        f'<office:document-content xmlns:office="{OASIS}:office:1.0"'
        f' xmlns:script="{OASIS}:script:1.0" xmlns:draw="{OASIS}:drawing:1.0"'
        f' xmlns:text="{OASIS}:text:1.0" xmlns:presentation="{OASIS}:presentation:1.0"'
        f' xmlns:table="{OASIS}:table:1.0" xmlns:meta="{OASIS}:meta:1.0"'
        f' xmlns:form="{OASIS}:form:1.0" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<office:scripts/><office:body>{body}</office:body></office:document-content>"
    ).encode()


def manifest(media_type: str, more: str = "") -> bytes:
    return (
        f'<manifest:manifest xmlns:manifest="{OASIS}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/>'
        f"{more}</manifest:manifest>"
    ).encode()


def open_document(
    media_type: str = ODT.media_type, more: Mapping[str, bytes] | None = None
) -> Parts:
    """The parts of an OpenDocument file, with others in their place or beside them."""
    return {
        "mimetype": media_type.encode(),
        "content.xml": content(
            '<text:a xlink:href="https://example.org/">x</text:a>'
            '<draw:image xlink:href="Pictures/1.png"/><draw:object xlink:href="./Object 1"/>'
            '<form:form xlink:href=""/><text:a xlink:href="#Table1">y</text:a>'
        ),
        "meta.xml": content('<meta:template xlink:href="/C:/Users/mere/letter.ott"/>'),
        "Object 1/content.xml": content('<draw:image xlink:href="../Pictures/1.png"/>'),
        "Configurations2/": b"",
        "META-INF/manifest.xml": manifest(media_type),
        **(more or {}),
    }


def clean(tmp_path: Path, data: bytes, media_type: str) -> Parts:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    assert sniff_type(source) == media_type
    clean_package(source, target, media_type)
    assert sniff_type(target) == media_type
    with ZipFile(target) as made:
        assert made.testzip() is None
        return {info.filename: made.read(info) for info in made.infolist()}


def refused(tmp_path: Path, data: bytes | Parts, media_type: str = DOCX.media_type) -> str:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data if isinstance(data, bytes) else archive(data))
    with pytest.raises(UnfitFileError) as caught:
        clean_package(source, target, media_type)
    return caught.value.message


def whole(media_type: str) -> Parts:
    return open_document(media_type) if media_type in OPEN else office(media_type)
