"""Large answers: who gets them compressed, and what becomes of one that is too large."""

from __future__ import annotations

import gzip

import pytest

from poutama.edge.content_negotiation import JSON, HeaderPairs
from poutama.edge.response_size import accepts_gzip, fit_body
from poutama.errors import ResponseTooLargeError

# On both sides of where compressing moves to a thread.
SIZES = (10_000, 1_000_000)
PAGE: HeaderPairs = ((b"content-type", b"text/html"),)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5, br", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("x-gzip", True),
        ("gzip;q=nonsense", False),
        ("br, deflate", False),
        (",,;;q=", False),
    ],
)
def test_gzip_is_for_who_accepts_it(header: str | None, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("size", SIZES)
async def test_json_is_compressed_and_caches_are_told_why(size: int) -> None:
    body = b"0123456789" * (size // 10)

    headers, sent = await fit_body("gzip", JSON.headers, body, size)

    assert gzip.decompress(sent) == body
    assert headers == (
        *JSON.headers,
        (b"vary", b"accept-encoding"),
        (b"content-encoding", b"gzip"),
    )


async def test_json_that_goes_as_it_is_varies_all_the_same() -> None:
    headers, sent = await fit_body("identity", JSON.headers, b"{}", 10)

    assert (headers, sent) == ((*JSON.headers, (b"vary", b"accept-encoding")), b"{}")


async def test_pages_go_as_they_are() -> None:
    assert await fit_body("gzip", PAGE, b"<p>", 10) == (PAGE, b"<p>")


async def test_what_counts_is_what_is_sent() -> None:
    body = b"x" * 100_000

    await fit_body("gzip", JSON.headers, body, 1_000)
    with pytest.raises(ResponseTooLargeError) as refused:
        await fit_body(None, JSON.headers, body, 1_000)
    assert refused.value.extensions == {"value": 100_000, "allowed": 1_000}
