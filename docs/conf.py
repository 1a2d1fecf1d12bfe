"""Sphinx builds the site of these pages: `make docs`. Nothing is loaded from another server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from poutama import __version__

project = "Poutama"
author = "The Poutama contributors"
release = __version__
copyright = author  # noqa: A001  Sphinx's name

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build"]

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
# GraphQL and console sessions have no lexer here.
suppress_warnings = ["misc.highlighting_failure"]

# Docstrings are written with `single` backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "undoc-members": False}
napoleon_numpy_docstring = False
# Or each attribute is described twice.
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"Poutama {release}"
html_show_sphinx = False

DOCS = Path(__file__).parent
LINK = re.compile(r"\[([^\]]+)\]\(([\w./-]+)(#[\w-]+)?\)")


def setup(app: Any) -> None:
    app.connect("source-read", prepare_page)


def prepare_page(_: Any, name: str, source: list[str]) -> None:
    """Make the sections of the entrance the site's navigation, and files outside docs downloads."""
    text = source[0]
    if name == "index":
        text += draw_navigation(text)
    folder = (DOCS / name).parent
    source[0] = LINK.sub(lambda link: follow(folder, link), text)


def draw_navigation(entrance: str) -> str:
    """A table of contents for each section: the pages that no section before it links to."""
    contents, seen = "", set()
    for section in entrance.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        pages = dict.fromkeys(path for _, path, _ in LINK.findall(section) if path.endswith(".md"))
        new = [path for path in pages if path not in seen and not path.startswith("..")]
        seen |= set(new)
        listed = "\n".join(path.removesuffix(".md") for path in new)
        contents += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n"
    return contents


def follow(folder: Path, link: re.Match[str]) -> str:
    """The link as it is, unless it leads out of docs: then a file's download, a folder's name."""
    text, path, _ = link.groups()
    target = (folder / path).resolve()
    if target.is_relative_to(DOCS) or not target.exists():
        return link[0]
    return text if target.is_dir() else f"{{download}}`{text.strip('`')} <{path}>`"
