"""PDF documents: what could harm a reader is found however it is written; pictures are freed."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path

import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from poutama.features.evidence import pdf as module
from poutama.features.evidence.pdf import clean_pdf
from poutama.features.evidence.types import UnfitFileError
from tests.unit.features import photos
from tests.unit.features.pdfs import (
    PAGE,
    PAGES,
    Change,
    action,
    annotation,
    by_hand,
    locked,
    packed,
    page,
    pdf,
    picture,
    root,
    xmp,
)

SCRIPTS, PROGRAMS, REMOTE, LINKS = "scripts", "starts a program", "from another place", "links to"
DAMAGED = "damaged"
JS = action("JavaScript", JS=String("app.alert(1)"))


def clean(tmp_path: Path, data: bytes) -> bytes:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    clean_pdf(source, target)
    return target.read_bytes()


def refused(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(UnfitFileError) as caught:
        clean(tmp_path, data)
    return caught.value.message


def embedded(made: Pdf) -> Dictionary:
    return Dictionary(Type=Name.Filespec, F=String("a.exe"), EF=Dictionary(F=Stream(made, b"MZ")))


HARM: dict[str, tuple[Change, str]] = {
    "a script at the opening": (root(OpenAction=JS), SCRIPTS),
    "a script in a stream": (
        root(OpenAction=lambda made: action("JavaScript", JS=Stream(made, b"a"))),
        SCRIPTS,
    ),
    "a script by its name": (
        root(Names=Dictionary(JavaScript=Dictionary(Names=Array([String("a"), JS])))),
        SCRIPTS,
    ),
    "a script behind another action": (
        annotation(A=action("URI", URI=String("https://example.org/"), Next=Array([JS]))),
        SCRIPTS,
    ),
    "a script of a field": (annotation(AA=Dictionary(K=JS)), SCRIPTS),
    "a form of forms": (root(AcroForm=Dictionary(XFA=Array([]), Fields=Array([]))), SCRIPTS),
    "a program": (annotation(A=action("Launch", F=String("cmd.exe"))), PROGRAMS),
    "a program at the opening": (root(OpenAction=action("Launch", F=String("a"))), PROGRAMS),
    "a form that is sent": (
        annotation(A=action("SubmitForm", F=String("http://e.example"))),
        PROGRAMS,
    ),
    "another document": (annotation(A=action("GoToR", F=String("\\\\e.example\\a.pdf"))), PROGRAMS),
    "an action that is not known": (annotation(A=action("Sing")), PROGRAMS),
    "a page of the web at the opening": (
        root(OpenAction=action("URI", URI=String("https://example.org/"))),
        PROGRAMS,
    ),
    "a page of the web when a page is shown": (
        page(AA=Dictionary(O=action("URI", URI=String("https://example.org/")))),
        PROGRAMS,
    ),
    "something after the opening": (
        root(OpenAction=action("GoTo", D=String("a"), Next=action("Named", N=Name.NextPage))),
        PROGRAMS,
    ),
    "a file inside": (root(AF=lambda made: Array([embedded(made)])), PROGRAMS),
    "files inside": (root(Names=Dictionary(EmbeddedFiles=Dictionary(Names=Array([])))), PROGRAMS),
    "a file on a page": (annotation(Subtype=Name.FileAttachment), PROGRAMS),
    "a film": (annotation(Subtype=Name.RichMedia), PROGRAMS),
    "a screen": (annotation(Subtype=Name.Screen), PROGRAMS),
    "a part of another document": (page(Ref=Dictionary(F=String("a.pdf"), Page=0)), REMOTE),
    "an action that is not known, in a row": (
        annotation(A=action("GoTo", D=String("a"), Next=Array([action("Sing")]))),
        PROGRAMS,
    ),
    "a link that is not a text": (annotation(A=action("URI", URI=Name("/file:a"))), LINKS),
    "a link to a file": (annotation(A=action("URI", URI=String("file:///c:/a"))), LINKS),
    "a link to a file in other letters": (
        annotation(A=action("URI", URI=String("\tFI LE://e.example/a"))),
        LINKS,
    ),
    "a link to a file in UTF-16": (
        annotation(A=action("URI", URI=String("file:///ā"))),
        LINKS,
    ),
    "a link that runs": (annotation(A=action("URI", URI=String("javascript:a()"))), LINKS),
    "a link to an encoded file": (annotation(A=action("URI", URI=String("file%3a//e/a"))), LINKS),
    "links that begin with a file": (
        root(URI=Dictionary(Base=String("file://e.example/"))),
        LINKS,
    ),
}


def remote_stream(made: Pdf) -> None:
    content = Stream(made, b"")
    content.F = String("http://e.example/a")
    made.pages[0].obj.Contents = made.make_indirect(content)


HARM["a stream from elsewhere"] = (remote_stream, REMOTE)


@pytest.mark.parametrize("make", [pdf, packed, locked])
@pytest.mark.parametrize("harm", HARM)
def test_what_harms_is_found(tmp_path: Path, harm: str, make: object) -> None:
    assert callable(make)
    change, reason = HARM[harm]
    assert reason in refused(tmp_path, make(change))


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        (
            (
                b"<< /Type /Catalog /Pages 2 0 R"
                b" /Open#41ction << /S /J#61v#61Script /J#53 (a) >> >>",
                PAGES,
                PAGE,
            ),
            SCRIPTS,
        ),
        (
            (
                b"<< /Type /Catalog /Pages 2 0 R /OpenAction 4 0 R >>",
                PAGES,
                PAGE,
                b"<< /S 5 0 R /JS 6 0 R >>",
                b"/JavaScript",
                b"(a)",
            ),
            SCRIPTS,
        ),
        (
            (
                b"<< /Type /Catalog /Pages 2 0 R >>",
                PAGES,
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Annots [ << /Subtype /Link"
                b" /Rect [0 0 9 9] /A << /S /URI /URI <66696c653a2f2f2f61> >> >> ] >>",
            ),
            LINKS,
        ),
    ],
)
def test_names_and_texts_are_read_as_they_are_meant(
    tmp_path: Path, objects: tuple[bytes, ...], reason: str
) -> None:
    assert reason in refused(tmp_path, by_hand(*objects))


def test_what_no_viewer_finds_is_not_served(tmp_path: Path) -> None:
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    plain = by_hand(catalog, PAGES, PAGE)
    served = clean(tmp_path, plain)
    script = b"<< /S /JavaScript /JS (a) >>"
    loose = b"1 0 obj\n" + catalog.replace(b">>", b"/OpenAction " + script + b" >>") + b"\nendobj\n"
    assert clean(tmp_path, plain + loose) == served
    assert b"JavaScript" not in served
    # Where the list of objects is broken, viewers search for objects, and so does this.
    broken = plain.replace(b"xref\n0 4", loose + b"xref\n0 4")
    assert SCRIPTS in refused(tmp_path, broken)


PLAIN: dict[str, Change] = {
    "a page at the opening": root(OpenAction=Array([0, Name.Fit])),
    "a link to the web": annotation(A=action("URI", URI=String("https://example.org/?a=file:"))),
    "a link to a person": annotation(A=action("URI", URI=String("mailto:a@example.org"))),
    "a link to a page": annotation(A=action("GoTo", D=String("two"))),
    "a font called as a script is": page(
        Resources=Dictionary(Font=Dictionary(JS=Dictionary(Type=Name.Font), AA=Dictionary()))
    ),
    "an outline": root(Outlines=Dictionary(First=Dictionary(Next=Dictionary(Title=String("two"))))),
    "attributes": root(StructTreeRoot=Dictionary(K=Dictionary(A=Dictionary(O=Name.Layout)))),
}


@pytest.mark.parametrize("made", PLAIN)
@pytest.mark.parametrize("make", [pdf, packed])
def test_what_does_not_harm_stays(tmp_path: Path, made: str, make: object) -> None:
    assert callable(make)
    data = make(PLAIN[made])
    served = clean(tmp_path, data)
    assert clean(tmp_path, data) == served
    assert clean(tmp_path, served) == served
    with Pdf.open(BytesIO(data)) as before, Pdf.open(BytesIO(served)) as after:
        assert _list_objects(before) == _list_objects(after)


def _list_objects(made: Pdf) -> list[bytes]:
    # Streams of objects, which are written anew, are not objects of the document.
    objects = [each for each in made.objects if not isinstance(each, Stream)]
    return [each.unparse(resolved=True) for each in objects]


def test_a_document_behind_a_password_is_refused(tmp_path: Path) -> None:
    assert "password" in refused(tmp_path, locked(user="secret"))


def test_one_that_every_viewer_opens_is_served_readable(tmp_path: Path) -> None:
    with Pdf.open(BytesIO(clean(tmp_path, locked()))) as served:
        assert not served.is_encrypted


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n1 0 obj\n",
        b"%PDF-1.7\n" + b"x" * 1000,
        by_hand(b"<< /Type /Catalog >>"),
        pdf()[:200],
    ],
)
def test_what_is_damaged_is_refused(tmp_path: Path, data: bytes) -> None:
    assert DAMAGED in refused(tmp_path, data)


def test_a_document_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VALUES", 1_000)
    assert "too complicated" in refused(tmp_path, pdf(root(A=Array([Array([])] * 1_000))))


TAKEN = photos.photo()


@pytest.mark.parametrize(
    "change",
    [
        picture(TAKEN),
        picture(TAKEN, Array([Name.DCTDecode])),
        picture(zlib.compress(TAKEN), Array([Name.FlateDecode, Name.DCTDecode])),
        picture(TAKEN, Metadata=xmp(photos.XMP)),
    ],
)
def test_where_a_picture_was_taken_is_gone(tmp_path: Path, change: Change) -> None:
    served = clean(tmp_path, pdf(change))
    assert [trace for trace in photos.TRACES if trace in served] == []
    with Pdf.open(BytesIO(served)) as made:
        image = made.pages[0].obj.Resources.XObject.Im0
        left = image.read_raw_bytes()
    assert [trace for trace in photos.TRACES if trace in left] == []
    assert photos.pixels(left) == photos.pixels(TAKEN)


def test_what_is_said_of_the_document_stays_but_for_its_place(tmp_path: Path) -> None:
    text = b'<?xpacket begin=""?><x:xmpmeta>Ana</x:xmpmeta>'
    assert text in clean(tmp_path, pdf(root(Metadata=xmp(text))))
    for place in (photos.XMP, photos.XMP.decode().encode("utf-16")):
        assert photos.PLACE not in clean(tmp_path, pdf(root(Metadata=xmp(place))))
    packet = zlib.compress(photos.XMP)

    def compressed(made: Pdf) -> Stream:
        return Stream(made, packet, Type=Name.Metadata, Filter=Name.FlateDecode)

    assert packet not in clean(tmp_path, pdf(root(Metadata=compressed)))
