"""JSON from another server, over HTTPS: what `edge.jwks` knows of the network.

`fetch_json` blocks, and `run_in_thread` keeps that away from the event loop. The standard library
does it, because PyJWT has it imported anyway: an HTTP client would be one more thing for every
function to load, for one small document an hour. Never follows a redirect, never reads more than
it was given, and never connects without TLS except to this machine.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    BaseHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from poutama.db.tls import open_client_context

T = TypeVar("T")

CHUNK = 16_384
_HEADERS = {"Accept": "application/json", "User-Agent": "poutama"}


class FetchError(Exception):
    """The document could not be fetched; the message says why, and repeats nothing of it."""


def fetch_json(address: str, *, deadline: float, max_bytes: int) -> Any:
    """Get a JSON document. Blocks: call it in a thread.

    Args:
        address: `https://`, or `http://` on this machine.
        deadline: absolute `time.monotonic()`, looked at between the parts of an answer: one that
            comes byte by byte can take longer, so the caller should have a limit as well.
        max_bytes: how much is read before giving up.

    Raises:
        FetchError: no answer in time, not status 200, too large, or not JSON.
    """
    try:
        if not (is_secure(address) or is_loopback(address)):
            raise FetchError("expected an https:// address")
        with _open(address, deadline) as response:
            content = _read(response, deadline, max_bytes)
    except HTTPError as error:
        error.close()
        raise FetchError(f"answered with status {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(f"cannot be reached ({_describe(error)})") from error
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FetchError("answered with something else than JSON") from error


def _describe(error: Exception) -> str:
    """The kind of an error; of a certificate that is refused, the verifier's reason."""
    if isinstance(error, URLError) and isinstance(error.reason, ssl.SSLCertVerificationError):
        return f"its certificate does not verify: {error.reason.verify_message}"
    return type(error).__name__


def is_secure(address: str) -> bool:
    """Whether an address is spoken to over TLS, and names a host."""
    parts = urlsplit(address)
    return parts.scheme == "https" and bool(parts.hostname)


def is_loopback(address: str) -> bool:
    """Whether an address is plain HTTP to this machine, by number: names can be redirected."""
    parts = urlsplit(address)
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


async def run_in_thread(work: Callable[[], T]) -> T:
    """Run something that blocks in a thread of its own; the caller may give up any time.

    Not the loop's own pool of threads: the process would wait for those before it ends.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: no caller waits
            loop.call_soon_threadsafe(lambda: None if outcome.done() else act())

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            failure = error
            settle(lambda: outcome.set_exception(failure))
        else:
            settle(lambda: outcome.set_result(result))

    threading.Thread(target=run, name="poutama-fetch", daemon=True).start()
    return await outcome


class _NoRedirects(HTTPRedirectHandler):
    """Where keys come from is configured; an answer must not choose another place."""

    def redirect_request(self, *_: object) -> None:
        return None


def _open(address: str, deadline: float) -> HTTPResponse:
    handlers: list[BaseHandler] = [_NoRedirects()]
    if is_loopback(address):
        handlers.append(ProxyHandler({}))
    else:
        handlers.append(HTTPSHandler(context=open_client_context()))
    request = Request(address, headers=_HEADERS)  # noqa: S310  the scheme was looked at
    response: HTTPResponse = build_opener(*handlers).open(request, timeout=_left(deadline))
    return response


def _read(response: HTTPResponse, deadline: float, max_bytes: int) -> bytes:
    content = bytearray()
    while chunk := response.read1(CHUNK):
        content += chunk
        if len(content) > max_bytes:
            raise FetchError(f"answered with more than {max_bytes} bytes")
        _left(deadline)
    if response.length:
        raise FetchError("answered with less than it announced")
    return bytes(content)


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
