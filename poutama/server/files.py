"""The addresses that the folder's store signs, served as S3 serves a bucket's.

`server.server_application` calls it for requests to `/files`. The rules, codes and statuses are
S3's, so that a client that works here works there; what S3 lets a bucket's CORS rules allow is
allowed here. The holder of an address needs no token: it is the permission. What people have
uploaded shares an origin with the API here, and so never runs. Each use of an address is logged,
with the person for whom it was made, and never its signature.
"""

from __future__ import annotations

import asyncio
import logging
import re
from email.utils import format_datetime
from http import HTTPStatus
from xml.sax.saxutils import escape

from poutama.edge.content_negotiation import HeaderPairs
from poutama.errors import NotFoundError, UnavailableError
from poutama.server.multipart_form import FormReader
from poutama.server.ranges import ByteRange, NotSatisfiable, matches_etag, read_range
from poutama.server.streamed_request import Exchange
from poutama.store.directory import PATH, DirectoryStore, IncomingObject, OpenObject
from poutama.store.signed_urls import DownloadGrant, RefusedError, S3Error, UploadGrant

logger = logging.getLogger(__name__)
use_logger = logging.getLogger("poutama.files")
"""Gets a record for each use of an address; `log_uses` has them written."""

PIECE = 1 << 18

_ANYWHERE: HeaderPairs = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Content-Disposition, Content-Range"),
)
# Without an origin, scripts or anything from elsewhere: an uploaded page is a picture of itself.
_INERT = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; sandbox",
)
_XML = (b"content-type", b"application/xml")
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEADER_TEXT = re.compile(r"[ -~]+")


class FileRoutes:
    """Everything under `/files`."""

    def __init__(self, store: DirectoryStore) -> None:
        self.store = store

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request; `Exchange.end` is the caller's.

        Raises:
            ConnectionError: the client is gone, or the response cannot be completed.
        """
        try:
            await self._answer(exchange)
        except RefusedError as error:
            await _refuse(exchange, error.refusal, error.message)
        except NotFoundError:
            await _refuse(exchange, S3Error.NO_SUCH_KEY, "The specified key does not exist.")
        except UnavailableError as error:
            await _refuse(exchange, S3Error.UNAVAILABLE, error.message)
        except asyncio.CancelledError:
            # The server stops, and has waited long enough for this transfer.
            if exchange.begun:
                raise ConnectionAbortedError from None
            await _refuse(exchange, S3Error.UNAVAILABLE, "The server is stopping; try again.")
        except ConnectionError:
            raise
        except OSError as error:
            # The disk is full, most likely: the operator of this machine should know.
            logger.warning("files: %s", error.strerror)
            await _refuse(exchange, S3Error.UNAVAILABLE, "The file could not be stored just now.")

    async def _answer(self, exchange: Exchange) -> None:
        key = exchange.path.removeprefix(PATH + "/") if exchange.path != PATH else None
        if exchange.method == "OPTIONS":
            await _allow(exchange)
        elif key is None and exchange.method == "POST":
            await self._upload(exchange)
        elif key is not None and exchange.method in ("GET", "HEAD"):
            await self._download(exchange, key)
        else:
            raise RefusedError(
                S3Error.METHOD_NOT_ALLOWED,
                "The specified method is not allowed against this resource.",
            )

    async def _upload(self, exchange: Exchange) -> None:
        if "content-length" not in exchange.headers:
            raise RefusedError(
                S3Error.LENGTH_REQUIRED, "You must provide the Content-Length HTTP header."
            )
        form = FormReader(exchange.headers.get("content-type", ""))
        upload: _Upload | None = None
        try:
            while data := await exchange.read():
                pieces = form.feed(data)
                if upload is None and form.has_file:
                    upload = _Upload(self.store, form)
                if upload is not None:
                    await upload.add(pieces)
            if upload is None:
                raise RefusedError(
                    S3Error.INVALID_ARGUMENT, "POST requires exactly one file upload per request."
                )
            await upload.finish()
        finally:
            if upload is not None:
                upload.incoming.drop()
        etag = (b"etag", f'"{upload.grant.sha256}"'.encode())
        await exchange.answer(HTTPStatus.NO_CONTENT, (*_ANYWHERE, etag), b"")

    async def _download(self, exchange: Exchange, key: str) -> None:
        grant = self.store.url_signer.read_download(key, exchange.query)
        _log_use(exchange, grant)
        # Opening a file of this machine's takes less than handing that to a thread.
        with self.store.open_object(key) as found:
            etag = f'"{found.sha256}"'
            headers = _describe(found, grant, etag)
            if matches_etag(exchange.headers.get("if-none-match"), etag):
                await exchange.answer(HTTPStatus.NOT_MODIFIED, headers, b"")
                return
            try:
                part = _requested_part(exchange, found, etag)
            except NotSatisfiable:
                beyond = (b"content-range", f"bytes */{found.info.size}".encode())
                message = "The requested range is not satisfiable"
                await _refuse(exchange, S3Error.INVALID_RANGE, message, beyond)
                return
            status = HTTPStatus.OK
            if part is not None:
                status = HTTPStatus.PARTIAL_CONTENT
                last = part.start + part.length - 1
                content_range = f"bytes {part.start}-{last}/{found.info.size}"
                headers = (*headers, (b"content-range", content_range.encode()))
            part = part or ByteRange(0, found.info.size)
            await exchange.begin(status, headers, part.length)
            if exchange.method != "HEAD":
                await _send(exchange, found, part)


def log_uses() -> None:
    """Write a line to standard error for each use of an address."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    use_logger.addHandler(handler)
    use_logger.setLevel(logging.INFO)
    use_logger.propagate = False


def _log_use(exchange: Exchange, grant: DownloadGrant) -> None:
    record = {"person": str(grant.person), "key": grant.key, "method": exchange.method}
    use_logger.info("file: %(method)s %(key)s person=%(person)s", record, extra={"file": record})


class _Upload:
    """A file that a client may upload, on its way."""

    def __init__(self, store: DirectoryStore, form: FormReader) -> None:
        self.grant: UploadGrant = store.url_signer.read_upload(form.fields)
        self.incoming: IncomingObject = store.begin_object(self.grant.key, self.grant.media_type)
        self._form = form

    async def add(self, pieces: list[bytes]) -> None:
        if self.incoming.size + sum(map(len, pieces)) > self.grant.size:
            raise RefusedError(
                S3Error.ENTITY_TOO_LARGE, "Your proposed upload exceeds the maximum allowed size"
            )
        if pieces:
            await asyncio.to_thread(self._write, pieces)

    async def finish(self) -> None:
        if not self._form.ended:
            raise RefusedError(S3Error.MALFORMED, "The body of your POST request is not complete.")
        if self.incoming.size < self.grant.size:
            raise RefusedError(
                S3Error.ENTITY_TOO_SMALL,
                "Your proposed upload is smaller than the minimum allowed size",
            )
        if self.incoming.sha256 != self.grant.sha256:
            raise RefusedError(
                S3Error.BAD_DIGEST,
                "The SHA256 you specified did not match the calculated checksum.",
            )
        await asyncio.to_thread(self.incoming.keep)

    def _write(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self.incoming.write(piece)


def _requested_part(exchange: Exchange, found: OpenObject, etag: str) -> ByteRange | None:
    if exchange.headers.get("if-range", etag) != etag:
        return None  # of another version
    return read_range(exchange.headers.get("range"), found.info.size)


async def _send(exchange: Exchange, found: OpenObject, part: ByteRange) -> None:
    found.file.seek(part.start)
    rest = part.length
    while rest > 0:
        piece = await asyncio.to_thread(found.file.read, min(PIECE, rest))
        if not piece:
            raise ConnectionAbortedError  # the file is shorter than its size said: fail visibly
        rest -= len(piece)
        await exchange.write(piece)


def _describe(found: OpenObject, grant: DownloadGrant, etag: str) -> HeaderPairs:
    media_type = grant.media_type
    if not _HEADER_TEXT.fullmatch(media_type):
        media_type = "application/octet-stream"
    return (
        (b"content-type", media_type.encode()),
        (b"content-disposition", grant.disposition.encode()),
        (b"etag", etag.encode()),
        (b"last-modified", format_datetime(found.info.modified, usegmt=True).encode()),
        (b"accept-ranges", b"bytes"),
        _INERT,
        *_ANYWHERE,
    )


async def _allow(exchange: Exchange) -> None:
    """Tell a browser that any page may do what an address allows."""
    requested = exchange.headers.get("access-control-request-headers", "")
    headers = [
        *_ANYWHERE,
        (b"access-control-allow-methods", b"GET, HEAD, POST"),
        (b"access-control-max-age", b"3600"),
    ]
    if _HEADER_TEXT.fullmatch(requested):
        headers.append((b"access-control-allow-headers", requested.encode()))
    await exchange.answer(HTTPStatus.NO_CONTENT, tuple(headers), b"")


async def _refuse(
    exchange: Exchange, refusal: S3Error, message: str, *headers: tuple[bytes, bytes]
) -> None:
    shown = escape(_NOT_XML.sub("?", message))
    body = f"<Error><Code>{refusal.code}</Code><Message>{shown}</Message></Error>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
    await exchange.answer(refusal.status, (_XML, *_ANYWHERE, *headers), text.encode())
