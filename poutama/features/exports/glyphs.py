"""Text as fonts can print it: what they have no glyph for becomes words, never an empty box.

Pure. Letters with macrons and other accents stay as they are. Of what the fonts lack, a sign
becomes its name, `[party popper]`; styled letters (𝓗𝓲) become plain ones; writing in another script
becomes a remark of how much there is, `[Tibetan, 12 characters]`. `journey.json` has it all as it
was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby

from poutama.text import normalize, trim_marks
from poutama.unicode_data import category, combining, is_alphanumeric, name

HasGlyph = Callable[[str], bool]

# Near enough that a reader sees the same thing.
_SAME = {
    **dict.fromkeys("✓✔✅☑🗸", "√"),
    **dict.fromkeys("●▪■◆▶►▸‣⁃∙", "•"),
    **dict.fromkeys("○□◇☐▢", "◊"),
    **dict.fromkeys("→➔➜➡⇒⟶", "->"),
    **dict.fromkeys("←⇐⬅", "<-"),
    **dict.fromkeys("✗✘❌☒✖", "×"),
    **dict.fromkeys("‐‑", "-"),
    "❤": "[heart]",
    "♥": "[heart]",
}
# The names of Unicode tell outlines from solid shapes; readers of a list of goals need not.
_PLAIN = re.compile(r"^(?:(?:white|black|heavy|negative squared) )+")
_SCRIPTS = {
    **dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA"), "Chinese or Japanese"),
    "HANGUL": "Korean",
}
_SKIN = range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)
_JOINER = "\u200d"
_INVISIBLE = frozenset({"Cf", "Cc", "Cs", "Co"})
_LETTERS = frozenset({"Lo", "Ll", "Lu", "Lt", "Lm", "Mn", "Mc", "Me", "Nd", "Nl", "No"})


def make_printable(text: str, has_glyph: HasGlyph) -> str:
    """The text in signs that the font has; line breaks stay, other control characters go."""
    if all(map(has_glyph, text.replace("\n", ""))):
        return text
    text = trim_marks(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = normalize(text, limit=len(text))
    pieces = [_simplify(sign, has_glyph) for sign in text.replace("\t", "    ")]
    signs = groupby(_describe_signs("".join(pieces), has_glyph), key=lambda sign: sign[0])
    runs = [(kind, [text for _, text in run]) for kind, run in signs]
    return "".join(_print_run(kind, run) for kind, run in _join_words(runs))


def _simplify(sign: str, has_glyph: HasGlyph) -> str:
    """The sign itself where it must be looked at again, or what stands for it."""
    if has_glyph(sign) or sign in ("\n", _JOINER):
        return sign
    if sign in _SAME:
        return _SAME[sign]
    kind = category(sign)
    if kind in _INVISIBLE or combining(sign) or _decorates(sign):
        return ""
    if kind in ("Zs", "Zl", "Zp"):
        return " " if kind == "Zs" else "\n"
    plain = normalize(sign, "NFKD")
    if plain != sign:
        kept = "".join(part for part in plain if has_glyph(part))
        if kept.strip():
            return normalize(kept)
    return sign


def _decorates(sign: str) -> bool:
    """Whether it only chooses among the looks of the sign before it, as in `1️⃣`."""
    return name(sign).startswith(("VARIATION SELECTOR", "COMBINING "))


def _describe_signs(text: str, has_glyph: HasGlyph) -> Iterator[tuple[str, str]]:
    """Pairs of a kind and a text: `text`, `emoji` with its name, or a script and its letter."""
    flag = before = ""
    for sign in text:
        code = ord(sign)
        if code in _FLAGS and not has_glyph(sign):
            flag += chr(code - _FLAGS.start + ord("A"))
            if len(flag) == 2:
                yield "emoji", f"flag {flag}"
                flag = ""
            continue
        if flag:
            yield "emoji", f"letter {flag}"
            flag = ""
        joined, before = before == _JOINER, sign
        if has_glyph(sign) or sign == "\n":
            yield "text", sign
        elif sign == _JOINER or code in _SKIN or (joined and sign in "♀♂"):
            continue
        elif category(sign) in _LETTERS:
            yield _name_script(sign), sign
        else:
            yield "emoji", _name_sign(sign)
    if flag:
        yield "emoji", f"letter {flag}"


def _name_sign(sign: str) -> str:
    words = name(sign).lower()
    return _PLAIN.sub("", words) if words else f"sign U+{ord(sign):04X}"


def _name_script(sign: str) -> str:
    first = (name(sign) or "UNKNOWN").split()[0]
    return _SCRIPTS.get(first.partition("-")[0], first.capitalize())


def _print_run(kind: str, run: list[str]) -> str:
    if kind == "text":
        return "".join(run)
    if kind == "emoji":
        counted = [(word, len(list(same))) for word, same in groupby(run)]
        return "".join(
            f"[{word}]" if count == 1 else f"[{word} ×{count}]" for word, count in counted
        )
    count = sum(is_alphanumeric(sign) for sign in run)
    return f"[{kind}, {count} {'character' if count == 1 else 'characters'}]"


def _join_words(runs: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Words of one script with nothing but spaces and the like between them are one run."""
    joined: list[tuple[str, list[str]]] = []
    for kind, run in runs:
        if len(joined) >= 2 and kind not in ("text", "emoji") and joined[-2][0] == kind:
            between = joined[-1]
            if between[0] == "text" and not any(
                is_alphanumeric(sign) or sign == "\n" for sign in between[1]
            ):
                del joined[-1]
                joined[-1][1].extend(run)
                continue
        joined.append((kind, run))
    return joined
