"""Where a document's links may lead: to the web, to an address of a person, or into itself.

The rules of each kind of document ask it about every target that they find. A target is looked at
as it is written and as programs read it: without white space and control characters, with its
percent signs resolved. Pure.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_PLAIN = frozenset({"http", "https", "mailto", "sms", "tel"})
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]")
_LOCAL_TEMPLATE = re.compile(r"(file:///)?[a-z]:[\\/](?![\\/])|file:///(?![\\/.]|[a-z]:)")
# Each program resolves once; what was written to be resolved twice is looked at twice.
_RESOLUTIONS = 3


def is_plain_link(target: str) -> bool:
    """Whether a link that a reader follows leads to the web, to a person, or to a file beside it.

    A link to another scheme can start a program; one to `file:` or a network folder can hand the
    reader's sign-in to a stranger's server.
    """
    return all(
        _scheme(form) in _PLAIN or (_scheme(form) is None and not form.startswith(("/", "\\")))
        for form in _forms(target)
    )


def is_inside(target: str, folder: str = "", *, rooted: bool = False) -> bool:
    """Whether a reference stays within its package.

    Args:
        target: the reference.
        folder: of the package, from where it leads.
        rooted: whether a slash begins at the package's root, and not at that of a disk.
    """
    for form in _forms(target):
        is_absolute = form.startswith("/")
        if _scheme(form) is not None or "\\" in form or (is_absolute and not rooted):
            return False
        if form.startswith("//"):
            return False
        depth = 0 if is_absolute else len([part for part in folder.split("/") if part])
        for part in form.split("#")[0].split("/"):
            depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
            if depth < 0:
                return False
    return True


def is_local_template(target: str) -> bool:
    """Whether a template lies on a disk of its reader's own, as word processors note it down."""
    return all(
        _LOCAL_TEMPLATE.match(form) is not None
        or (_scheme(form) is None and not form.startswith(("//", "\\")))
        for form in _forms(target)
    )


def _scheme(form: str) -> str | None:
    found = _SCHEME.match(form)
    return None if found is None else found[1]


def _forms(target: str) -> set[str]:
    """The target in every form in which a program may read it."""
    forms = set()
    for _ in range(_RESOLUTIONS):
        forms.add(_IGNORED.sub("", target).lower())
        target = unquote(target)
    return forms
