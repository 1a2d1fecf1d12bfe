"""What a font cannot print becomes words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.features.exports.glyphs import make_printable


def has_glyph(sign: str) -> bool:
    """A font with Latin letters, accents and punctuation."""
    return (" " <= sign < "\u0250" or sign in "…–—‘’“”•√×") and unicodedata.category(sign)[0] != "C"


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Kia ora tātou", "Kia ora tātou"),
        ("Ta\u0304ne", "Tāne"),
        ("two\r\nlines\rthree", "two\nlines\nthree"),
        ("🎉", "[party popper]"),
        ("🎉🎉🎉 yes", "[party popper ×3] yes"),
        ("👩🏽‍🎓", "[woman][graduation cap]"),
        ("🏃🏿‍♀️", "[runner]"),
        ("🇳🇿🇼🇸", "[flag NZ][flag WS]"),
        ("🇳", "[letter N]"),
        ("❤️ ✅", "[heart] √"),
        ("1️⃣", "1"),
        ("\U0001fbfe", "[sign U+1FBFE]"),
        ("مرحبا بالعالم ok", "[Arabic, 12 characters] ok"),
        ("א", "[Hebrew, 1 character]"),
        ("你好，世界", "[Chinese or Japanese, 4 characters]"),
        ("こんにちは\n안녕", "[Chinese or Japanese, 5 characters]\n[Korean, 2 characters]"),
        ("𝓗𝓮𝓵𝓵𝓸 ｗｏｒｌｄ", "Hello world"),
        ("a\u202eb\u200bc\u00adé", "abcé"),
        ("a\tb", "a    b"),
    ],
)
def test_a_text_can_be_read(written: str, printed: str) -> None:
    assert make_printable(written, has_glyph) == printed


@given(st.text())
def test_whatever_was_written_the_font_has_what_is_printed(text: str) -> None:
    printed = make_printable(text, has_glyph)
    assert all(has_glyph(sign) or sign == "\n" for sign in printed)
