"""What OpenDocument files may hold: no scripts, no events, and nothing from outside the package.

`packages` shows it every part. An `xlink:href` may only lead into the package, unless it is a link
that a reader follows. Pure.
Source: https://docs.oasis-open.org/office/OpenDocument/v1.3/os/part3-schema/
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from poutama.features.evidence.links import is_inside, is_local_template, is_plain_link
from poutama.features.evidence.office_rules import links, loads_by_formula, macros, programs, remote
from poutama.features.evidence.types import UnfitFileError
from poutama.features.evidence.xml_parts import XmlPart, damaged

MANIFEST = "meta-inf/manifest.xml"
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_MANIFEST = f"{_OASIS}:manifest:1.0"
_SCRIPT = f"{_OASIS}:script:1.0"
_PRESENTATION = f"{_OASIS}:presentation:1.0"
_XLINK_HREF = "http://www.w3.org/1999/xlink href"
_SCRIPT_FOLDERS = ("basic/", "dialogs/", "scripts/")
# Names are compared without their namespaces: older editions have others for the same.
_SCRIPTS = frozenset({"script", "event-listener", "libraries", "library"})
_PROGRAMS = frozenset({"applet", "floating-frame", "object-ole"})
_REMOTE = frozenset(
    (
        *("connection-resource", "dde-connection", "dde-connection-decl", "dde-link"),
        *("dde-source", "submission"),
    )
)
_FOLLOWED = frozenset({"a", "area-circle", "area-polygon", "area-rectangle"})
_ACTIONS = frozenset(
    (
        *("none", "previous-page", "next-page", "first-page", "last-page"),
        *("hide", "stop", "show", "sound", "fade-out"),
    )
)


class OpenDocumentRules:
    """The rules for one package."""

    def __init__(self, media_type: str) -> None:
        self._media_type = media_type
        self._has_manifest = False

    def check_name(self, name: str) -> None:
        """Look at a part's name, in lower case and with its percent signs resolved.

        Raises:
            UnfitFileError: it lies where scripts do.
        """
        if name.startswith(_SCRIPT_FOLDERS) and not name.endswith("/"):
            raise macros()

    def open_part(self, name: str) -> XmlPart:
        """What reads the XML of a part of this name."""
        folder = posixpath.dirname(name)

        def on_element(namespace: str, local: str, attributes: Mapping[str, str]) -> None:
            if name == MANIFEST:
                self._read_manifest(local, attributes)
            else:
                _read_element(folder, namespace, local, attributes)

        return XmlPart(on_element, doctype=True)

    def close_part(self) -> None:
        """Nothing more is known at a part's end."""

    def finish(self) -> None:
        """Look at the package as a whole.

        Raises:
            UnfitFileError: it has no list of its files.
        """
        if not self._has_manifest:
            raise damaged()

    def _read_manifest(self, local: str, attributes: Mapping[str, str]) -> None:
        if local == "encryption-data":
            raise UnfitFileError(
                "The document is protected by a password; save it without one and add it again."
            )
        if local != "file-entry":
            return
        path = _attribute(attributes, _MANIFEST, "full-path")
        kind = _attribute(attributes, _MANIFEST, "media-type")
        if path == "/":
            self._has_manifest = True
            if kind != self._media_type:
                raise damaged()


def _read_element(folder: str, namespace: str, local: str, attributes: Mapping[str, str]) -> None:
    name = local.lower()
    if name == "event-listener" and namespace == _PRESENTATION:
        if _attribute(attributes, _PRESENTATION, "action") not in _ACTIONS:
            raise macros()
    elif namespace == _SCRIPT or name in _SCRIPTS:
        raise macros()
    if name in _PROGRAMS:
        raise programs()
    if name in _REMOTE:
        raise remote()
    for key, value in attributes.items():
        if key.endswith("formula") and loads_by_formula(value):
            raise remote()
        if key == _XLINK_HREF or key.endswith(" href") or key == "href":
            _check_reference(folder, name, value)


def _check_reference(folder: str, name: str, target: str) -> None:
    if name in _FOLLOWED:
        if not is_plain_link(target):
            raise links()
    elif name == "template":
        if not is_local_template(target):
            raise remote()
    elif not is_inside(target, folder):
        raise remote()


def _attribute(attributes: Mapping[str, str], namespace: str, local: str) -> str:
    return attributes.get(f"{namespace} {local}", "")
