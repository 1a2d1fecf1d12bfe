"""The name a file is offered under survives, and nothing else of it does."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.store.object_keys import LONGEST_NAME, content_disposition

SHAPE = re.compile(
    r"attachment; filename=\"([\x20-\x7e]+)\"; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)"
)


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("photo.jpg", "photo.jpg", "photo.jpg"),
        ("Ngā whāinga o Hinemoa.pdf", "Nga whainga o Hinemoa.pdf", "Ngā whāinga o Hinemoa.pdf"),
        ("Nga\u0304.pdf", "Nga.pdf", "Ngā.pdf"),
        ('say "kia ora".txt', "say _kia ora_.txt", 'say "kia ora".txt'),
        ("100%\\done.txt", "100__done.txt", "100%_done.txt"),
        ("../../etc/passwd", "_.._etc_passwd", "_.._etc_passwd"),
        ("C:\\a\\b.txt", "C:_a_b.txt", "C:_a_b.txt"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie: x=1", "aSet-Cookie: x=1"),
        ("\u202egpj.exe", "gpj.exe", "gpj.exe"),
        ("写真", "file", "写真"),
        ("🎉.png", ".png", "🎉.png"),
        (" . ", "file", "file"),
        ("", "file", "file"),
    ],
)
def test_a_name_is_offered(name: str, plain: str, full: str) -> None:
    found = SHAPE.fullmatch(content_disposition(name, inline=False))

    assert found is not None
    assert (found[1], unquote(found[2])) == (plain, full)


def test_a_long_name_keeps_its_ending() -> None:
    found = SHAPE.fullmatch(content_disposition("ā" * 500 + ".jpeg", inline=False))

    assert found is not None
    assert unquote(found[2]) == "ā" * (LONGEST_NAME - 5) + ".jpeg"


@given(st.text())
def test_whatever_the_name_the_header_is_one(name: str) -> None:
    found = SHAPE.fullmatch(content_disposition(name, inline=False))

    assert found is not None
    assert '"' not in found[1]
    assert not set(unquote(found[2])) & set("/\\\r\n\0\u202e")


def test_what_is_shown_in_place_has_no_name() -> None:
    assert content_disposition("a.png", inline=True) == "inline"
