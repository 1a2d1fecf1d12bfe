"""Which part of a file a request asks for. Pure.

Source: RFC 9110, 13 and 14
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"([0-9]{1,18})"
_RANGE = re.compile(rf"bytes=[ \t]*(?:{_NUMBER}-{_NUMBER}?|-{_NUMBER})[ \t]*")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`length` bytes from `start`."""

    start: int
    length: int


class NotSatisfiable(Exception):  # noqa: N818  an outcome: 416
    """The range begins beyond the end."""


def read_range(header: str | None, size: int) -> ByteRange | None:
    """The part asked for; None for the whole.

    Several ranges at once, other units and what is not a range are answered with the whole, as they
    may be, and as S3 does.

    Raises:
        NotSatisfiable: nothing of the file lies in the range.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            return None  # no range at all
        length = (min(int(last), size - 1) if last else size - 1) - start + 1
    if length <= 0:
        raise NotSatisfiable
    return ByteRange(start, length)


def matches_etag(header: str | None, etag: str) -> bool:
    """Whether one of the tags in If-None-Match is this one."""
    tags = [tag.strip().removeprefix("W/") for tag in (header or "").split(",")]
    return etag in tags or tags == ["*"]
