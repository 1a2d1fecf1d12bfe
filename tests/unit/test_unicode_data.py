"""Unicode's tables: those of one version, on every Python, and read in one place."""

from __future__ import annotations

import ast
import unicodedata
from hashlib import sha256
from pathlib import Path

import pytest

from poutama import unicode_data
from poutama.text import NormalForm, fold, normalize, normalize_email, visible_text
from poutama.unicode_data import category, combining, is_alphanumeric, is_printable, name

PACKAGE = Path(__file__).parents[2] / "poutama"
# All that any version assigns but for most ideographs; beyond are private characters and none.
RANGES = (
    *((0, 0x3500), (0x9F00, 0xAD00), (0xD700, 0xD800), (0xE000, 0xE100), (0xF800, 0x17100)),
    *((0x18700, 0x20100), (0x2B600, 0x2B900), (0x2EB00, 0x2EF00), (0x2F700, 0x2FB00)),
    *((0x31300, 0x32500), (0xE0000, 0xE0200)),
)
CHARACTERS = [chr(point) for first, end in RANGES for point in range(first, end)]
FORMS: tuple[NormalForm, ...] = ("NFC", "NFD", "NFKC", "NFKD")
DIGEST = "6c4c2eb651a995fb2a0f6df5c9c27dc1f63853b2225e6e41f4733a7f05511e3f"


def test_every_python_gives_the_same_results() -> None:
    """Fails on a Python whose Unicode is newer than 16.0: `_LATER_RANGES` lacks what it added."""
    digest = sha256()
    for letter in CHARACTERS:
        results = (
            *(normalize(letter, form) for form in FORMS),
            *(category(letter), combining(letter), name(letter), is_printable(letter)),
            *(is_alphanumeric(letter), fold(letter), visible_text(letter), letter.isspace()),
            normalize_email(f"{letter}@school.example"),
        )
        # Not by `repr`, which asks the interpreter what is printable.
        digest.update(ascii(results).encode())
    assert digest.hexdigest() == DIGEST


# A capital letter, a mark, and an emoji, of Unicode 15 and 16.
@pytest.mark.parametrize("later", ["\U00010d50", "\U00010efd", "\U0001fae8"])
def test_what_unicode_14_does_not_have_stays_and_parts_what_is_beside_it(later: str) -> None:
    assert fold(f"MĀ{later}ORI") == f"ma{later}ori"
    # A mark behind it, which nothing combines with, does not join the letter before.
    assert normalize(f"a{later}\u0304") == f"a{later}\u0304"
    assert normalize(f"a\u0304{later}a\u0304") == f"ā{later}ā"
    assert (category(later), combining(later), name(later)) == ("Cn", 0, "")
    assert normalize_email(f"a{later}@school.example") is None


@pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0", reason="skipped: the tables are of a later Unicode"
)
def test_all_else_is_as_in_unicode_14() -> None:
    known = [letter for letter in CHARACTERS if unicodedata.category(letter) != "Cn"]
    assert not [letter for letter in known if unicode_data.has_later(letter)]
    for letter in known:
        assert category(letter) == unicodedata.category(letter)


def reads_tables(tree: ast.AST) -> bool:
    """Whether a module reads the interpreter's tables by itself."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="unicodedata"):
                return True
            case ast.Import(names=names) if "unicodedata" in {each.name for each in names}:
                return True
            case ast.Attribute(attr="isprintable" | "isalnum" | "isalpha" | "casefold"):
                return True
    return False


def test_no_other_module_reads_the_interpreters_tables() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
    found = [path for path, source in sources.items() if reads_tables(ast.parse(source))]
    assert found == [PACKAGE / "text.py", PACKAGE / "unicode_data.py"]


@pytest.mark.parametrize(
    "source",
    [
        "from unicodedata import normalize",
        "import unicodedata",
        "import unicodedata as u",
        "text.isprintable()",
        "any(map(str.isalnum, text))",
        "text.casefold()",
    ],
)
def test_the_rule_itself(source: str) -> None:
    assert reads_tables(ast.parse(source))
    assert not reads_tables(ast.parse("from poutama.unicode_data import category; text.lower()"))
