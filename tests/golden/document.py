"""A golden document: a Markdown file whose head is written by hand and whose rest is recorded.

The head is prose, a `graphql` block, and perhaps a `json` block with the rest of the request:
`operationName`, `variables`. Below the first `## ` comes what a run made of it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from poutama.plan.operation import GraphQLRequest

FOLDER = Path(__file__).parent / "documents"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Golden:
    """One of the files."""

    path: Path
    head: str
    request: GraphQLRequest

    @property
    def name(self) -> str:
        return self.path.stem

    def read(self) -> str:
        return self.path.read_text("utf-8")

    def write(self, text: str) -> None:
        self.path.write_text(text, "utf-8")


def read_goldens() -> list[Golden]:
    """All of them, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*.md"))]


def _read(path: Path) -> Golden:
    head = path.read_text("utf-8").partition("\n## ")[0].rstrip() + "\n"
    blocks = dict(BLOCK.findall(head))
    rest = json.loads(blocks.get("json", "{}"))
    return Golden(
        path,
        head,
        GraphQLRequest(blocks["graphql"], rest.get("operationName"), rest.get("variables")),
    )


def section(title: str, language: str, text: str) -> str:
    """One recorded part of the file."""
    return f"\n## {title}\n\n```{language}\n{text.rstrip()}\n```\n"
