"""Which part of ten bytes each header asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.server.ranges import ByteRange, NotSatisfiable, matches_etag, read_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-9", (0, 10)),
        ("bytes=2-5", (2, 4)),
        ("bytes=5-", (5, 5)),
        ("bytes=9-", (9, 1)),
        ("bytes=5-99", (5, 5)),
        ("bytes=-1", (9, 1)),
        ("bytes=-10", (0, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes= 0-1 ", (0, 2)),
        (None, None),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=a-b", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("Bytes=0-1", None),
        ("bytes=0x1-2", None),
        ("bytes=+1-2", None),
        ("bytes=١-٢", None),
        ("bytes=0-1\n", None),
        (f"bytes={'9' * 5000}-", None),
    ],
)
def test_a_part_of_ten_bytes(header: str | None, expected: tuple[int, int] | None) -> None:
    assert read_range(header, 10) == (ByteRange(*expected) if expected else None)


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=99-", "bytes=-0"])
def test_nothing_lies_beyond_the_end(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        read_range(header, 10)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-5"])
def test_nothing_lies_in_an_empty_file(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        read_range(header, 0)


@given(st.integers(0, 50), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_range_is_a_slice(size: int, first: int, last: int | None) -> None:
    content = bytes(range(size))
    wanted = content[first : None if last is None else last + 1]
    try:
        part = read_range(f"bytes={first}-{'' if last is None else last}", size)
    except NotSatisfiable:
        assert wanted == b""
        return
    if part is None:
        assert last is not None
        assert last < first
    else:
        assert content[part.start : part.start + part.length] == wanted != b""


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
        (None, False),
    ],
)
def test_a_tag_is_found(header: str | None, same: bool) -> None:
    assert matches_etag(header, '"a"') is same
