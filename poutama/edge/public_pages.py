"""Pages of features that are read without signing in, such as the receipt of an erasure.

`edge.application` adds them to the API's routes. A page is imported when it is first read. It has
the parameters of the address and a deadline; it sees no headers and no viewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name
from time import monotonic
from urllib.parse import parse_qsl

from poutama.db.connection import Database
from poutama.edge.http import Request, Response, Route
from poutama.errors import BadRequestError, NotFoundError
from poutama.public_page import PublicPage

PAGE_SECONDS = 5.0
"""The longest that a page waits for the database."""
MAX_QUERY = 512
"""Characters of the parameters."""
_HEADERS = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


def open_pages(pages: Mapping[str, str], database: Database) -> dict[str, Route]:
    """The routes of the pages, by their paths."""
    return {path: _serve(place, database) for path, place in pages.items()}


def _serve(place: str, database: Database) -> Route:
    async def answer(request: Request) -> Response:
        if len(request.query_string) > MAX_QUERY:
            raise BadRequestError(f"The address: expected at most {MAX_QUERY} characters after ?.")
        page: PublicPage = resolve_name(place)
        parameters = dict(parse_qsl(request.query_string))
        deadline = min(monotonic() + PAGE_SECONDS, request.deadline)
        text = await page(database, parameters, deadline)
        if text is None:
            raise NotFoundError("Page not found.")
        return Response(200, _HEADERS, text.encode())

    return answer
