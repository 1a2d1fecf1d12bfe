"""The pages under /graphiql, for the local API's table of routes.

Called by the local mode's wiring. Everything comes from this machine and the pages' policy allows
nothing else. Never part of the cloud.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from poutama.edge.http import Request, Response, Route
from poutama.laptop.graphiql.assets import ASSETS, SOURCES

PATH = "/graphiql"
MISSING = "missing.html"

# GraphiQL's editor and menus write style elements of their own; scripts may only be our files.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_OWN_FILES = ("page.js", "page.css")
_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
}


def graphiql_routes(assets: Path) -> dict[str, Route]:
    """Make the pages, by path.

    Args:
        assets: what `ensure_assets` returned; if it is not there, the page says what to do.
    """
    files = [*(SOURCES / name for name in _OWN_FILES), *(assets / name for name in ASSETS)]
    routes = {f"{PATH}/{file.name}": _serve(partial(Path, file)) for file in files}
    return {PATH: _serve(partial(_choose_page, assets)), **routes}


def _choose_page(assets: Path) -> Path:
    return SOURCES / ("page.html" if assets.is_dir() else MISSING)


def _serve(choose: Callable[[], Path]) -> Route:
    """Make a route that answers with a file, chosen anew each time: it may have come since."""

    async def serve(request: Request) -> Response:  # noqa: ARG001  a Route
        return _respond(choose())

    return serve


def _respond(file: Path) -> Response:
    headers = (
        (b"content-type", _TYPES[file.suffix]),
        (b"cache-control", b"no-cache"),
        (b"content-security-policy", POLICY.encode()),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    )
    try:
        body = file.read_bytes()
    except FileNotFoundError:
        return Response(404, headers, b"")
    return Response(503 if file.name == MISSING else 200, headers, body)
