"""What Word, Excel and PowerPoint files may hold: found by parts, relations and types, not names.

`packages` shows it every part of a package. The package's relationships decide what an office
program loads, so each is read, wherever it stands: what is external may only be a plain link, and
nothing may be a macro, a control, an embedded program or a page that is imported. Pure.
Source: ECMA-376, part 2 (Open Packaging Conventions) and part 1.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from poutama.features.evidence.links import is_inside, is_local_template, is_plain_link
from poutama.features.evidence.types import DOCX, PPTX, XLSX, UnfitFileError
from poutama.features.evidence.xml_parts import XmlPart, damaged

CONTENT_TYPES = "[content_types].xml"
_PACKAGE_RELATIONS = "_rels/.rels"
_OFFICE = "application/vnd.openxmlformats-officedocument"
MAIN_TYPES = {
    DOCX.media_type: f"{_OFFICE}.wordprocessingml.document.main+xml",
    XLSX.media_type: f"{_OFFICE}.spreadsheetml.sheet.main+xml",
    PPTX.media_type: f"{_OFFICE}.presentationml.presentation.main+xml",
}
"""Media type of a document -> content type of its main part. Templates and documents with macros
have others, whatever the file is called."""

# The last word of a relationship's type; the words before it differ between editions.
_MACROS = frozenset(
    (
        *("attachedtoolbars", "dialogsheet", "extensibility", "usercustomization", "vbaproject"),
        *("vbaprojectsignature", "vbaprojectsignatureagile", "vbaprojectsignaturev3"),
        *("wordvbadata", "xlintlmacrosheet", "xlmacrosheet"),
    )
)
_PROGRAMS = frozenset(
    (
        *("activexcontrol", "activexcontrolbinary", "control", "oleobject", "taskpanes"),
        *("webextension", "webextensiontaskpanes"),
    )
)
_REMOTE = frozenset(
    (
        *("afchunk", "attachedtemplate", "attachedxslt", "connections", "externallinkpath"),
        *("externalreference", "frame", "mailmergeheadersource", "mailmergerecipientdata"),
        *("mailmergesource", "querytable", "recipientdata", "slideupdateurl", "subdocument"),
        *("transform", "xlexternallinkpath", "xllibrary", "xlpathmissing"),
    )
)
_MACRO_TYPES = re.compile("macroenabled|vba|macrosheet|dialogsheet|attachedtoolbars")
_PROGRAM_TYPES = re.compile("activex|oleobject|webextension|x-msdownload|javascript|ole2")
_IMPORTED_TYPES = re.compile("html|rfc822|rtf|x-mimearchive")
_MACRO_PARTS = re.compile(r"(.*/)?(vbaproject\w*\.bin|vbadata\.xml)")
# Fields that bring something in when they are brought up to date.
_FIELDS = re.compile(
    r"\{[\s\"\\{]*(DDE|DDEAUTO|LINK|INCLUDETEXT|DATABASE|IMPORT)(?=[\s\"\\{])", re.IGNORECASE
)
_PICTURE_FIELDS = re.compile(r"\{[\s\"]*INCLUDEPICTURE[\s\"]*(\\\\|//|file:)", re.IGNORECASE)
_LINK_FIELDS = re.compile(r"\{[\s\"]*HYPERLINK[\s\"]+([^\s\"{}]+)", re.IGNORECASE)
_SWITCH = re.compile(r"\\[a-z]", re.IGNORECASE)
_MAX_TEXT = 10_000_000
_FORMULAS = frozenset(
    (
        *("calculatedColumnFormula", "definedName", "f", "formula", "formula1", "formula2"),
        "totalsRowFormula",
    )
)
_LOADING = re.compile(r"\b(CALL|DDE|EXEC|IMAGE|REGISTER|RTD|WEBSERVICE)\s*\(", re.IGNORECASE)
_ACTIONS = re.compile(r"\s*ppaction://(program|macro|ole)", re.IGNORECASE)
_VML = "urn:schemas-microsoft-com:vml"
_VML_OFFICE = "urn:schemas-microsoft-com:office:office"


class OfficeRules:
    """The rules for one package."""

    def __init__(self, media_type: str) -> None:
        self._main_type = MAIN_TYPES[media_type].lower()
        self._types: dict[str, str] = {}
        self._default_types: dict[str, str] = {}
        self._main_parts: list[str] = []
        self._texts: list[str] = []
        self._text_length = 0

    def check_name(self, name: str) -> None:
        """Look at a part's name, in lower case and with its percent signs resolved.

        Raises:
            UnfitFileError: it is the name of macros, or of a piece of a part.
        """
        if _MACRO_PARTS.fullmatch(name):
            raise macros()
        # A part in pieces would be put together by some programs only.
        if name.endswith(".piece"):
            raise damaged()

    def open_part(self, name: str) -> XmlPart:
        """What reads the XML of a part of this name."""

        def on_element(namespace: str, local: str, attributes: Mapping[str, str]) -> None:
            if name == CONTENT_TYPES:
                self._read_type(local, attributes)
            elif local == "Relationship" and name.endswith(".rels"):
                self._read_relation(name, attributes)
            else:
                self._read_element(part, namespace, local, attributes)

        self._texts.clear()
        part = XmlPart(on_element, doctype=name.endswith(".svg"))
        return part

    def close_part(self) -> None:
        """Look at what a part held as a whole.

        Raises:
            UnfitFileError: its fields bring something in from elsewhere.
        """
        self._check_texts()

    def finish(self) -> None:
        """Look at the package as a whole.

        Raises:
            UnfitFileError: its main part is not that of such a document.
        """
        if len(self._main_parts) != 1:
            raise damaged()
        main = self._main_parts[0]
        extension = main.rpartition(".")[2]
        found = self._types.get(main, self._default_types.get(extension, ""))
        if found != self._main_type:
            raise UnfitFileError(
                "The document is a template, a show or of another kind than its name says; save it"
                " as a plain document and add it again."
            )

    def _read_type(self, local: str, attributes: Mapping[str, str]) -> None:
        kind = attributes.get("ContentType", "").strip().lower()
        if _MACRO_TYPES.search(kind):
            raise macros()
        if _PROGRAM_TYPES.search(kind):
            raise programs()
        if _IMPORTED_TYPES.search(kind):
            raise remote()
        if local == "Override":
            name = normalize_part(attributes.get("PartName", ""))
            if self._types.setdefault(name, kind) != kind:
                raise damaged()
        elif local == "Default":
            extension = attributes.get("Extension", "").strip().lower()
            if self._default_types.setdefault(extension, kind) != kind:
                raise damaged()

    def _read_relation(self, name: str, attributes: Mapping[str, str]) -> None:
        kind = attributes.get("Type", "").strip().rstrip("/").rpartition("/")[2].lower()
        target = attributes.get("Target", "")
        if kind in _MACROS:
            raise macros()
        if kind in _PROGRAMS:
            raise programs()
        if attributes.get("TargetMode", "").strip().lower() == "external":
            _check_external(kind, target)
            return
        folder = posixpath.dirname(posixpath.dirname(name))
        if kind in _REMOTE or not is_inside(target, folder, rooted=True):
            raise remote()
        if kind == "officedocument" and name == _PACKAGE_RELATIONS:
            self._main_parts.append(normalize_part(target))

    def _read_element(
        self, part: XmlPart, namespace: str, local: str, attributes: Mapping[str, str]
    ) -> None:
        if local in ("instrText", *_FORMULAS):
            part.collect_text(self._add_text)
        elif local == "fldChar" and "begin" in attributes.values():
            self._add_text(" { ")
        elif local == "fldSimple":
            self._add_text("".join(f" {{ {value} " for value in attributes.values()))
        elif local in ("ddeLink", "oleLink"):
            raise remote()
        elif local.startswith("hlink") and _ACTIONS.match(attributes.get("action", "")):
            raise programs()
        elif namespace in (_VML, _VML_OFFICE):
            _check_drawing(attributes)

    def _add_text(self, text: str) -> None:
        self._text_length += len(text)
        if self._text_length > _MAX_TEXT:
            raise damaged()
        self._texts.append(text)

    def _check_texts(self) -> None:
        # A field's text may be cut into pieces, for instance letter by letter.
        text = "".join(self._texts) + " "
        if _FIELDS.search(text) or _PICTURE_FIELDS.search(text) or loads_by_formula(text):
            raise remote()
        for target in _LINK_FIELDS.findall(text):
            if not _SWITCH.fullmatch(target) and not is_plain_link(target):
                raise links()


def loads_by_formula(text: str) -> bool:
    """Whether formulas fetch something, or ask another program for it."""
    return _LOADING.search(text) is not None


def _check_external(kind: str, target: str) -> None:
    if kind == "hyperlink":
        if not is_plain_link(target):
            raise links()
    elif not (kind == "attachedtemplate" and is_local_template(target)):
        raise remote()


def _check_drawing(attributes: Mapping[str, str]) -> None:
    for key, value in attributes.items():
        if _ends(key, "src") and not is_inside(value):
            raise remote()
        if _ends(key, "href") and not is_plain_link(value):
            raise links()


def _ends(key: str, local: str) -> bool:
    return key == local or key.endswith(f" {local}")


def normalize_part(name: str) -> str:
    """A part's name as the list of entries has it: no slash before it, in lower case."""
    return posixpath.normpath("/" + name.strip()).lstrip("/").lower()


def macros() -> UnfitFileError:
    """Make the error for a document with macros or scripts."""
    return UnfitFileError("The document holds macros; save it without them and add it again.")


def programs() -> UnfitFileError:
    """Make the error for a document that holds or starts programs."""
    return UnfitFileError(
        "The document holds a control, an embedded object or something that starts a program;"
        " remove it and add the document again."
    )


def remote() -> UnfitFileError:
    """Make the error for a document that loads something from elsewhere."""
    return UnfitFileError(
        "The document loads something from another place, such as a template, a picture or data;"
        " put it into the document itself, or remove it, and add the document again."
    )


def links() -> UnfitFileError:
    """Make the error for a link that leads to a file or a program."""
    return UnfitFileError(
        "The document links to a file or a program instead of a web page; remove the link and add"
        " the document again."
    )
