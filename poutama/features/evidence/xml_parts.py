"""XML of strangers, read as a stream: no entities, no declarations, nothing fetched.

`packages` feeds it with the parts of office documents. Namespaces are resolved, so that a prefix
hides nothing, and so is every encoding that the parser knows; what it does not know is refused. It
keeps no text, and builds no tree.
Source: https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from xml.parsers import expat

from poutama.features.evidence.types import UnfitFileError

OnElement = Callable[[str, str, Mapping[str, str]], None]
"""Called with namespace, local name and attributes; an attribute's name is `namespace local`."""

_SEPARATOR = " "
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)
_STARTS = (b"<", b"\0<", codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)


class XmlPart:
    """One part, fed piece by piece."""

    def __init__(self, on_element: OnElement, *, doctype: bool = False) -> None:
        """Begin to read one.

        Args:
            on_element: called at each start of an element.
            doctype: whether it may name a document type, without declarations of its own.
        """
        self._on_element = on_element
        self._doctype = doctype
        self._open_elements = 0
        """Those within the element whose text is collected; 0: none is."""
        self._parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._refuse_declarations
        self._parser.EntityDeclHandler = self._refuse_entity

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """Read on.

        Raises:
            UnfitFileError: it is not XML, holds declarations, or breaks a rule of `on_element`.
        """
        try:
            self._parser.Parse(data, last)
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise damaged() from error

    def collect_text(self, on_text: Callable[[str], None]) -> None:
        """Pass the text of the element that has just started on, until its end."""
        self._open_elements = 1
        self._parser.CharacterDataHandler = on_text
        self._parser.EndElementHandler = self._end

    def _end(self, name: str) -> None:  # noqa: ARG002  what the parser calls
        self._open_elements -= 1
        if self._open_elements == 0:
            self._parser.CharacterDataHandler = None
            self._parser.EndElementHandler = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._open_elements:
            self._open_elements += 1
        namespace, _, local = name.rpartition(_SEPARATOR)
        self._on_element(namespace, local, attributes)

    def _refuse_declarations(
        self,
        name: str,  # noqa: ARG002  what the parser calls
        system: str | None,  # noqa: ARG002
        public: str | None,  # noqa: ARG002
        own: int,
    ) -> None:
        if own or not self._doctype:
            raise damaged()

    def _refuse_entity(self, *words: object) -> None:  # noqa: ARG002  what the parser calls
        raise damaged()


def is_xml(name: str, head: bytes) -> bool:
    """Whether a part is XML by its name or by how it begins, in whatever encoding."""
    if name.lower().endswith((".xml", ".rels", ".rdf", ".vml", ".svg")):
        return True
    start = head
    for mark in _BYTE_ORDER_MARKS:
        start = start.removeprefix(mark)
    return head.startswith(_STARTS[2:]) or start.lstrip().startswith(_STARTS[:2])


def damaged() -> UnfitFileError:
    """Make the error for a document that no office program would have written so."""
    return UnfitFileError("The document is damaged; save it again and add it.")
