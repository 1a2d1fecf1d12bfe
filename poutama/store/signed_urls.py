"""Forms and addresses that a folder signs for itself, with the rules of S3's.

`store.directory` hands them out, `server.files` has them read back. What is signed is everything
that matters: which object, until when, and of what size, type and content, or under what name. A
ticket lets its holder do that one thing and nothing else. Touches no file.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlencode

from poutama.errors import PoutamaError

_TYPE = "response-content-type"
_DISPOSITION = "response-content-disposition"
# Fields that no policy speaks of.
_UNSPOKEN = ("policy", "signature", "file")


class Refusal(Enum):
    """Why S3 refuses something: its code and status."""

    ACCESS_DENIED = "AccessDenied", 403
    SIGNATURE_DOES_NOT_MATCH = "SignatureDoesNotMatch", 403
    ENTITY_TOO_LARGE = "EntityTooLarge", 400
    ENTITY_TOO_SMALL = "EntityTooSmall", 400
    BAD_DIGEST = "BadDigest", 400
    MALFORMED = "MalformedPOSTRequest", 400
    FIELDS_TOO_LARGE = "MaxPostPreDataLengthExceeded", 400
    INVALID_ARGUMENT = "InvalidArgument", 400
    NO_SUCH_KEY = "NoSuchKey", 404
    METHOD_NOT_ALLOWED = "MethodNotAllowed", 405
    LENGTH_REQUIRED = "MissingContentLength", 411
    INVALID_RANGE = "InvalidRange", 416
    UNAVAILABLE = "ServiceUnavailable", 503

    def __init__(self, code: str, status: int) -> None:
        self.code = code
        self.status = status


class RefusedError(PoutamaError):
    """The store refuses this, as S3 would."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """What its holder may put.

    Attributes:
        key: where.
        media_type: what it is to be.
        size: its bytes, exactly.
        sha256: of its content, in hexadecimal digits.
    """

    key: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DownloadTicket:
    """What its holder may get, and how it is labelled.

    Attributes:
        key: where.
        media_type: for Content-Type.
        disposition: for Content-Disposition.
    """

    key: str
    media_type: str
    disposition: str


class Tickets:
    """Signs tickets with a secret, and reads them."""

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def sign_upload(self, ticket: UploadTicket, seconds: int) -> dict[str, str]:
        """The fields of a form that works for so long."""
        fields = {
            "key": ticket.key,
            "Content-Type": ticket.media_type,
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": b64encode(bytes.fromhex(ticket.sha256)).decode(),
        }
        told = {"expires": self._clock() + seconds, "size": ticket.size, "fields": fields}
        policy = b64encode(json.dumps(told).encode()).decode()
        return {**fields, "policy": policy, "signature": self._sign("upload", policy)}

    def read_upload(self, fields: Mapping[str, str]) -> UploadTicket:
        """What the holder of a filled form may put; names of fields in any case.

        Raises:
            RefusedError: forged, expired, or filled in another way than it was signed.
        """
        given = {name.lower(): value for name, value in fields.items()}
        policy = given.get("policy", "")
        if not self._holds("upload", policy, given.get("signature", "")):
            raise _forged()
        told: dict[str, Any] = json.loads(b64decode(policy))
        if self._clock() >= told["expires"]:
            raise _refused("Policy expired.")
        wanted = {name.lower(): value for name, value in told["fields"].items()}
        for name, value in wanted.items():
            if given.get(name) != value:
                raise _refused(f'Policy Condition failed: ["eq", "${name}", "{value}"]')
        if extra := sorted(given.keys() - wanted.keys() - set(_UNSPOKEN)):
            raise _refused(f"Extra input fields: {', '.join(extra)[:200]}")
        sha256 = b64decode(wanted["x-amz-checksum-sha256"]).hex()
        return UploadTicket(wanted["key"], wanted["content-type"], told["size"], sha256)

    def sign_download(self, ticket: DownloadTicket, seconds: int) -> str:
        """The query of an address that works for so long."""
        told = {
            "expires": str(int(self._clock() + seconds)),
            _TYPE: ticket.media_type,
            _DISPOSITION: ticket.disposition,
        }
        signature = self._sign("download", _told_of(ticket.key, told))
        return urlencode({**told, "signature": signature})

    def read_download(self, key: str, query: str) -> DownloadTicket:
        """What the holder of this address may get.

        Raises:
            RefusedError: forged, or expired.
        """
        told = dict(parse_qsl(query, keep_blank_values=True))
        signature = told.pop("signature", "")
        if not self._holds("download", _told_of(key, told), signature):
            raise _forged()
        if self._clock() >= int(told["expires"]):
            raise RefusedError(Refusal.ACCESS_DENIED, "Request has expired")
        return DownloadTicket(key, told[_TYPE], told[_DISPOSITION])

    def _sign(self, purpose: str, told: str) -> str:
        # The purpose keeps one kind of ticket from being shown as the other.
        message = f"poutama {purpose}\n{told}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, message, "sha256").hex()

    def _holds(self, purpose: str, told: str, signature: str) -> bool:
        expected = self._sign(purpose, told).encode()
        return hmac.compare_digest(expected, signature.encode("utf-8", "surrogatepass"))


def _told_of(key: str, told: Mapping[str, str]) -> str:
    return json.dumps([key, sorted(told.items())])


def _forged() -> RefusedError:
    return RefusedError(
        Refusal.SIGNATURE_DOES_NOT_MATCH,
        "The signature is not the one that was given out with this form or address.",
    )


def _refused(reason: str) -> RefusedError:
    return RefusedError(Refusal.ACCESS_DENIED, f"Invalid according to Policy: {reason}")
