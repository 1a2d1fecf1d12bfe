"""The words we write in: phrases of a private language do not come back, anywhere a reader looks.

Read are the pages of the documentation, the schema files, SQL, and of Python, tests included, the
comments, docstrings and texts (messages, log lines, help). Each phrase has what to write instead.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ACTOR = "name the actor: the caller, the viewer, the worker, the operator, no client"
SPEECH = "people speak; code logs, returns, reports, raises, receives"
PLAIN = "say it plainly"

PHRASES: dict[str, str] = {
    # Phrase, a regular expression -> what to write instead.
    r"nobody|somebody": ACTOR,
    r"whoever": f"{ACTOR}; or: those who",
    r"everybody|anybody": "all, each person, any caller",
    r"(was|were|is|are|been|be|until|unless|has|had) told|told (to|of|that|by)": SPEECH,
    r"heard|hears": SPEECH,
    r"by now": "leave it out, or: since then",
    r"any more": "no longer",
    r"too(?=[.;:)]|$)(?<=, too)": "also, as well; or leave it out",
    r"no such(?! file or)|not yours to": "unknown; Goal not found, or you may not change it",
    r"lets? go( of)?|(gives?|given|gave) back": "close, release, return",
    r"(?<!there )(is|was) no (?!longer|more|less|other)[a-z]+": "is not a",
    r"at their word": "trusted without confirmation",
    r"(comes?|came|come) to (no|its|their|an) end": "unfinished; ends",
    r"hangs? (on|together|from|under)": "belongs to; nests",
    r"doom(s|ed)?|bur(y|ies|ied)": "schedule_deletion, dead_letter",
    r"house|rooms": "package, layer; resources",
    r"which there are": "lists the",
    r"(what|as|the (two )?things) one may": ACTOR,
    r"Patience|Alarm": "RetryPolicy, DeadlineTimer",
}

FIRST_READ_MIGRATION = "0026"
NO_ACTOR = "nobody|somebody|whoever|everybody|anybody"
"""What no identifier has as a word."""

KNOWN: dict[str, tuple[str, str]] = {
    # File -> the phrase that it may have, and why.
    "poutama/db/server_account.py": ("nobody", "the user of that name in the operating system"),
    "poutama/store/deletion.py": ("doomed", "the table is called so"),
    "poutama/demo/phrases.py": (r"[\s\S]*", "made-up words of students"),
    "tests/conftest.py": ("nobody", "the user of that name in the operating system"),
    "tests/unit/commands/test_help.py": ("No such", "what the command line's library prints"),
}

NOT_READ = ("docs/schema.md", "docs/schema.graphql")
"""What is generated from the schema files."""


def pages() -> Iterator[tuple[str, str]]:
    """The pages of the documentation."""
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        name = str(path.relative_to(ROOT))
        if name not in NOT_READ:
            yield name, path.read_text("utf-8")


def python_files() -> Iterator[Path]:
    """The code."""
    for folder in ("poutama", "tests", "bench", "examples"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if is_read(path):
                yield path


def is_read(path: Path) -> bool:
    """Whether a file is the project's own; the first migrations stay as they ran."""
    ran = path.parent.name == "versions" and path.name < FIRST_READ_MIGRATION
    return not ran and "node_modules" not in path.parts


def sources() -> Iterator[tuple[str, str]]:
    """Schema files, SQL, and what of Python is prose."""
    folders = ("poutama", "tests", "bench", "examples")
    for path in sorted(each for folder in folders for each in (ROOT / folder).rglob("*")):
        name = str(path.relative_to(ROOT))
        # This file has the phrases.
        if path == Path(__file__) or not is_read(path):
            continue
        if path.suffix in {".graphql", ".sql"}:
            yield name, path.read_text("utf-8")
        elif path.suffix == ".py":
            yield name, "\n".join(prose(path.read_text("utf-8")))


def prose(text: str) -> Iterator[str]:
    """Comments and string literals, a line of text to each line of source."""
    lines = [""] * (text.count("\n") + 2)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.COMMENT, tokenize.STRING}:
            for number, line in enumerate(token.string.split("\n"), start=token.start[0]):
                lines[number] += f" {line}"
    return iter(lines[1:])


def identifiers(text: str) -> Iterator[str]:
    """Names in the code, a line of them to each line of source."""
    lines = [""] * (text.count("\n") + 2)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            lines[token.start[0]] += f" {token.string.replace('_', ' ')}"
    return iter(lines[1:])


def find_names(name: str, text: str) -> list[str]:
    """Where an identifier has a person without a name, and what to write instead."""
    return [
        f"{name}:{number}: not {match.group()!r} in a name: {ACTOR}"
        for number, line in enumerate(identifiers(text), start=1)
        for match in re.finditer(rf"\b({NO_ACTOR})\b", line)
    ]


def find_phrases(name: str, text: str) -> list[str]:
    """Where a phrase has come back, and what to write instead."""
    allowed = KNOWN.get(name, ("", ""))[0]
    found = []
    for phrase, instead in PHRASES.items():
        for match in re.finditer(rf"(?<![\w-])(?:{phrase})(?![\w-])", text, re.IGNORECASE):
            if not (allowed and re.fullmatch(allowed, match.group(), re.IGNORECASE)):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{name}:{line}: not {match.group()!r}: {instead}")
    return found


def test_no_page_speaks_the_private_language() -> None:
    assert [each for name, text in pages() for each in find_phrases(name, text)] == []


def test_no_source_speaks_the_private_language() -> None:
    assert [each for name, text in sources() for each in find_phrases(name, text)] == []


def test_no_identifier_has_a_person_without_a_name() -> None:
    found = [
        each
        for path in python_files()
        for each in find_names(str(path.relative_to(ROOT)), path.read_text("utf-8"))
    ]
    assert found == []


def test_a_person_without_a_name_is_found_in_an_identifier() -> None:
    assert len(find_names("a.py", "x = 1\ndef test_nobody_reads(by_whoever): ...\n")) == 2
    assert find_names("a.py", "def test_no_person_reads(antibody): 'nobody'\n") == []


def test_what_is_allowed_is_there() -> None:
    texts = dict(sources())
    stale = [name for name, (may, _) in KNOWN.items() if not re.search(may, texts.get(name, ""))]
    assert stale == []


@pytest.mark.parametrize(
    "phrase",
    [
        *("Nobody reads it", "for whoever asks", "until it is told to", "It has another by now."),
        *("is not read any more", "this one, too.", "there is no such thing", "This is no batch"),
        *("tasks hang on a goal", "a job that came to no end", "doomed", "the Rooms of a process"),
        *("KeyError: no such type", "it belongs to everybody", "gives back its jobs"),
    ],
)
def test_a_phrase_that_comes_back_is_found(phrase: str) -> None:
    assert len(find_phrases("docs/a.md", f"One line.\n{phrase}\n")) == 1
    assert len(find_phrases("poutama/a.py", "\n".join(prose(f'x = 1\ny = """{phrase}"""\n')))) == 1


def test_plain_words_are_not_found() -> None:
    plain = "There is no file. It is no longer there, too large, and told_by the household."
    assert find_phrases("docs/a.md", plain) == []
    assert find_phrases("poutama/a.py", "\n".join(prose("nobody = whoever\n"))) == []
