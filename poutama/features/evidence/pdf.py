"""PDF documents: looked at object by object, freed of where pictures were taken, and written anew.

`documents` calls it. qpdf reads the file: names are compared as they are meant, however they are
spelled, and objects are found in streams and behind encryption that needs no password. What is
written is what was looked at: no earlier versions, nothing around the document. Runs nothing.
Source: ISO 32000-2, 12.6 (actions)
"""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poutama.features.evidence.links import is_plain_link
from poutama.features.evidence.metadata import strip_jpeg
from poutama.features.evidence.office_rules import links, programs, remote
from poutama.features.evidence.types import UnfitFileError
from poutama.features.evidence.xml_parts import damaged

if TYPE_CHECKING:
    from pikepdf import Pdf

MAX_VALUES = 3_000_000
"""Names, numbers, texts and all else in a document's objects; its pages' content is not counted."""
_MAX_PICTURE_BYTES = 100_000_000
_JPEG_START = b"\xff\xd8\xff"

_SCRIPTS = frozenset({"/JavaScript", "/XFA", "/OnInstantiate"})
_FILES = frozenset({"/EmbeddedFiles", "/RichMediaContent", "/RichMediaSettings"})
_ACTIONS = frozenset({"/GoTo", "/Named", "/URI", "/SetOCGState", "/Trans", "/ResetForm", "/Hide"})
"""What a reader may start by a click; a viewer asks for no more."""
_REFUSED_ACTIONS = frozenset(
    (
        *("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/GoToDp"),
        *("/Rendition", "/Movie", "/Sound", "/RichMediaExecute", "/GoTo3DView", "/Thread"),
    )
)
_REFUSED_SUBTYPES = frozenset(
    (
        "/FileAttachment",
        "/RichMedia",
        "/Screen",
        "/Movie",
        "/Sound",
        "/3D",
        "/XFA",
        "/U3D",
        "/PRC",
        "/PS",
    )
)
_REFUSED_TYPES = frozenset(
    (
        *("/EmbeddedFile", "/Rendition", "/MediaClip", "/3D", "/RichMediaContent"),
        "/RichMediaConfiguration",
    )
)
_PLACES = (b"exif:GPS", b"e\0x\0i\0f\0:\0G\0P\0S", b"\0e\0x\0i\0f\0:\0G\0P\0S")


def clean_pdf(source: Path, target: Path) -> None:
    """Look at every object of a PDF document, and write it anew; deterministic.

    Raises:
        UnfitFileError: it is damaged, too large, protected, or could do harm to its readers.
    """
    # heavy: an extra that only workers have
    from pikepdf import ObjectStreamMode, PasswordError, Pdf, PikepdfError, StreamDecodeLevel

    try:
        with Pdf.open(source, inherit_page_attributes=False) as pdf:
            if len(pdf.pages) == 0:
                raise damaged()
            _Inspection().inspect(pdf)
            _strip_pictures(pdf)
            pdf.save(
                target,
                preserve_pdfa=False,
                fix_metadata_version=False,
                compress_streams=False,
                stream_decode_level=StreamDecodeLevel.none,
                object_stream_mode=ObjectStreamMode.preserve,
                encryption=False,
                deterministic_id=True,
            )
    except PasswordError:
        raise UnfitFileError(
            "The document is protected by a password; save it without one and add it again."
        ) from None
    except (PikepdfError, RuntimeError, ValueError, TypeError, KeyError, zlib.error) as error:
        raise damaged() from error


class _Inspection:
    """Looks at the objects of one document."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def inspect(self, pdf: Pdf) -> None:
        self._walk(pdf.trailer)
        for found in pdf.objects:
            self._walk(found)

    def _walk(self, top: Any) -> None:
        """Look at an object and what is in it; objects that it refers to have their own turn."""
        from pikepdf import Array, Dictionary, Stream  # heavy: an extra that only workers have

        waiting = [top]
        while waiting:
            value = waiting.pop()
            self._left -= 1
            if self._left < 0:
                raise UnfitFileError(
                    "The document is too large or too complicated to be looked at."
                )
            if isinstance(value, Stream):
                _check_stream(value)
                waiting.append(value.stream_dict)
            elif isinstance(value, Dictionary):
                entries = dict(value.items())
                _check_dictionary(entries)
                waiting += [each for each in entries.values() if _is_direct(each)]
            elif isinstance(value, Array):
                waiting += [each for each in value if _is_direct(each)]


def _is_direct(value: Any) -> bool:
    from pikepdf import Object  # heavy: an extra that only workers have

    return isinstance(value, Object) and not value.is_indirect


def _check_stream(stream: Any) -> None:
    # Its content would be read from another file.
    if "/F" in stream.stream_dict:
        raise remote()


def _check_dictionary(entries: dict[str, Any]) -> None:
    from pikepdf import Dictionary  # heavy: an extra that only workers have

    _check_scripts(entries)
    _check_actions(entries)
    if (
        _has_files(entries)
        or _name(entries.get("/Subtype")) in _REFUSED_SUBTYPES
        or _name(entries.get("/Type")) in _REFUSED_TYPES
    ):
        raise programs()
    if _name(entries.get("/FS")) == "/URL" or _name(entries.get("/Type")) == "/Filespec":
        raise remote()
    for key in ("/URI", "/Base"):
        if key in entries and not _is_plain_uri(entries[key]):
            raise links()
    # A part of a page that is taken from another document.
    reference = entries.get("/Ref")
    if isinstance(reference, Dictionary) and "/F" in reference:
        raise remote()


def _check_scripts(entries: dict[str, Any]) -> None:
    from pikepdf import Stream, String  # heavy: an extra that only workers have

    # A font may be called JS in the resources of a page.
    if isinstance(entries.get("/JS"), String | Stream) or not _SCRIPTS.isdisjoint(entries):
        raise _scripts()


def _has_files(entries: dict[str, Any]) -> bool:
    from pikepdf import Dictionary, Stream  # heavy: an extra that only workers have

    files = entries.get("/EF")
    attached = isinstance(files, Dictionary) and any(
        isinstance(each, Stream) for each in files.values()
    )
    return attached or not _FILES.isdisjoint(entries)


def _check_actions(entries: dict[str, Any]) -> None:
    """Refuse an action, or what leads to one, that a reader does not expect of a click."""
    from pikepdf import Array, Dictionary  # heavy: an extra that only workers have

    kind = _name(entries.get("/S"))
    if kind == "/JavaScript":
        raise _scripts()
    if kind in _REFUSED_ACTIONS:
        raise programs()
    for key in ("/A", "/PA", "/Next"):
        value = entries.get(key)
        for action in value if isinstance(value, Array) else (value,):
            if isinstance(action, Dictionary):
                _check_action(action, {"", *_ACTIONS})
    # What begins by itself: when the document is opened, a page shown, a field left.
    opening, events = entries.get("/OpenAction"), entries.get("/AA")
    if isinstance(opening, Dictionary):
        _check_action(opening, {"/GoTo"})
        if "/Next" in opening:
            raise programs()
    for event in events.values() if isinstance(events, Dictionary) else ():
        if isinstance(event, Dictionary) and "/S" in event:
            _check_action(event, set())


def _check_action(action: Any, allowed: set[str]) -> None:
    kind = _name(action.get("/S"))
    if kind == "/JavaScript":
        raise _scripts()
    if kind not in allowed:
        raise programs()


def _scripts() -> UnfitFileError:
    return UnfitFileError(
        "The document holds scripts; save it without them, for instance by printing it into a new"
        " PDF, and add it again."
    )


def _is_plain_uri(value: Any) -> bool:
    from pikepdf import Dictionary, String  # heavy: an extra that only workers have

    if isinstance(value, Dictionary):
        return True  # looked at by itself
    if not isinstance(value, String):
        return False
    raw = bytes(value)
    return is_plain_link(str(value)) and is_plain_link(raw.decode("latin-1"))


def _name(value: Any) -> str:
    from pikepdf import Name  # heavy: an extra that only workers have

    return str(value) if isinstance(value, Name) else ""


def _strip_pictures(pdf: Pdf) -> None:
    """Take out of pictures, and of what is said of the document, where they were taken."""
    from pikepdf import Stream  # heavy: an extra that only workers have

    for found in pdf.objects:
        if not isinstance(found, Stream):
            continue
        if _name(found.get("/Subtype")) == "/Image":
            if "/Metadata" in found:
                del found["/Metadata"]
            _strip_picture(found)
        elif _names_place(found):
            found.write(b"")


def _names_place(stream: Any) -> bool:
    is_metadata = _name(stream.get("/Type")) == "/Metadata"
    if not is_metadata and _name(stream.get("/Subtype")) != "/XML":
        return False
    content = stream.read_bytes()
    return any(place in content for place in _PLACES)


def _strip_picture(picture: Any) -> None:
    from pikepdf import Array, Name  # heavy: an extra that only workers have

    filters = picture.get("/Filter")
    names = [str(each) for each in filters] if isinstance(filters, Array) else [str(filters)]
    if names[-1] not in ("/DCTDecode", "/DCT"):
        return
    data = picture.read_raw_bytes()
    if names in (["/FlateDecode", "/DCTDecode"], ["/Fl", "/DCT"]):
        data = zlib.decompressobj().decompress(data, _MAX_PICTURE_BYTES)
    elif len(names) > 1:
        return
    if not data.startswith(_JPEG_START):
        return
    stripped = BytesIO()
    strip_jpeg(BytesIO(data), stripped)
    if stripped.getvalue() != data:
        parameters = picture.get("/DecodeParms")
        if isinstance(parameters, Array):
            parameters = parameters[-1]
        picture.write(stripped.getvalue(), filter=Name.DCTDecode, decode_parms=parameters)
