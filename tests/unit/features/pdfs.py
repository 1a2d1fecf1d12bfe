"""PDF documents for tests: made by pikepdf, and some by hand as no program would."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from pikepdf import Array, Dictionary, Encryption, Name, Object, ObjectStreamMode, Pdf, Stream

Change = Callable[[Pdf], object]


def pdf(*changes: Change, **options: Any) -> bytes:
    """One page, with what is changed about it."""
    made = Pdf.new()
    made.add_blank_page(page_size=(200, 200))
    for change in changes:
        change(made)
    file = BytesIO()
    known = {"fix_metadata_version": False, "preserve_pdfa": False, **options}
    made.save(file, deterministic_id=not options.get("encryption"), **known)
    return file.getvalue()


def packed(*changes: Change) -> bytes:
    """The same with its objects in streams."""
    return pdf(*changes, object_stream_mode=ObjectStreamMode.generate)


def locked(*changes: Change, user: str = "") -> bytes:
    """The same, encrypted; without a user's password every viewer shows it."""
    return pdf(*changes, encryption=Encryption(owner="owner", user=user))


def root(**entries: Any) -> Change:
    """Entries of the catalog; a function is called with the document."""

    def change(made: Pdf) -> None:
        for key, value in entries.items():
            made.Root[f"/{key}"] = made.make_indirect(_copy(made, value))

    return change


def page(**entries: Any) -> Change:
    """Entries of the page."""

    def change(made: Pdf) -> None:
        for key, value in entries.items():
            made.pages[0].obj[f"/{key}"] = _copy(made, value)

    return change


def _copy(made: Pdf, value: Any) -> Any:
    """A value for one document: an object belongs to the one that it was put into."""
    return value(made) if callable(value) else Object.parse(value.unparse())


def annotation(**entries: Any) -> Change:
    """A place on the page to click at."""
    place = Dictionary(Type=Name.Annot, Rect=[0, 0, 9, 9], **{"Subtype": Name.Link, **entries})
    return page(Annots=Array([place]))


def action(kind: str, **entries: Any) -> Dictionary:
    return Dictionary(S=Name(f"/{kind}"), **entries)


def picture(data: bytes, filters: Any = Name.DCTDecode, **entries: Any) -> Change:
    """A picture on the page."""

    def change(made: Pdf) -> None:
        image = Stream(made, data)
        image.Type, image.Subtype = Name.XObject, Name.Image
        image.Width, image.Height, image.BitsPerComponent = 64, 48, 8
        image.ColorSpace, image.Filter = Name.DeviceRGB, filters
        for key, value in entries.items():
            image[f"/{key}"] = _copy(made, value)
        made.pages[0].obj.Resources = Dictionary(XObject=Dictionary(Im0=made.make_indirect(image)))

    return change


def xmp(text: bytes) -> Callable[[Pdf], Any]:
    """What is said of a document or picture."""

    def make(made: Pdf) -> Any:
        return Stream(made, text, Type=Name.Metadata, Subtype=Name.XML)

    return make


def by_hand(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A document of these objects, numbered from 1; the first is the catalog."""
    data, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, trailer)
    return data + b"startxref\n%d\n%%%%EOF\n" % start


PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
