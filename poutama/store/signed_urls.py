"""Forms and addresses that a folder signs for itself, with the rules of S3's.

`store.directory` signs them, `server.files` verifies them. The signature covers the object, the
expiry, and the size, type and content, or the file name and the person for whom it is signed. A
grant allows that one upload or download and nothing else. Touches no file.
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
from uuid import UUID

from poutama.errors import PoutamaError
from poutama.store.objects import PERSON

_TYPE = "response-content-type"
_DISPOSITION = "response-content-disposition"
# Fields that a policy does not cover.
_NOT_COVERED = ("policy", "signature", "file")


class S3Error(Enum):
    """The codes and statuses of S3's errors."""

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

    def __init__(self, refusal: S3Error, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class UploadGrant:
    """One upload that a signed form allows.

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
class DownloadGrant:
    """One download that a signed URL allows, and its headers.

    Attributes:
        key: where.
        media_type: for Content-Type.
        disposition: for Content-Disposition.
        person: for whom the URL was made.
    """

    key: str
    media_type: str
    disposition: str
    person: UUID


class UrlSigner:
    """Signs grants with a secret, and verifies them."""

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def sign_upload(self, grant: UploadGrant, seconds: int) -> dict[str, str]:
        """Return the fields of a form that is valid for `seconds`."""
        fields = {
            "key": grant.key,
            "Content-Type": grant.media_type,
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": b64encode(bytes.fromhex(grant.sha256)).decode(),
        }
        rules = {"expires": self._clock() + seconds, "size": grant.size, "fields": fields}
        policy = b64encode(json.dumps(rules).encode()).decode()
        return {**fields, "policy": policy, "signature": self._sign("upload", policy)}

    def read_upload(self, fields: Mapping[str, str]) -> UploadGrant:
        """What the holder of a filled form may put; names of fields in any case.

        Raises:
            RefusedError: forged, expired, or filled in another way than it was signed.
        """
        form = {name.lower(): value for name, value in fields.items()}
        policy = form.get("policy", "")
        if not self._holds("upload", policy, form.get("signature", "")):
            raise _forged()
        rules: dict[str, Any] = json.loads(b64decode(policy))
        if self._clock() >= rules["expires"]:
            raise _refused("Policy expired.")
        wanted = {name.lower(): value for name, value in rules["fields"].items()}
        for name, value in wanted.items():
            if form.get(name) != value:
                raise _refused(f'Policy Condition failed: ["eq", "${name}", "{value}"]')
        if extra := sorted(form.keys() - wanted.keys() - set(_NOT_COVERED)):
            raise _refused(f"Extra input fields: {', '.join(extra)[:200]}")
        sha256 = b64decode(wanted["x-amz-checksum-sha256"]).hex()
        return UploadGrant(wanted["key"], wanted["content-type"], rules["size"], sha256)

    def sign_download(self, grant: DownloadGrant, seconds: int) -> str:
        """The query of an address that works for so long."""
        parameters = {
            "expires": str(int(self._clock() + seconds)),
            _TYPE: grant.media_type,
            _DISPOSITION: grant.disposition,
            PERSON: str(grant.person),
        }
        signature = self._sign("download", _canonical_text(grant.key, parameters))
        return urlencode({**parameters, "signature": signature})

    def read_download(self, key: str, query: str) -> DownloadGrant:
        """What the holder of this address may get.

        Raises:
            RefusedError: forged, or expired.
        """
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        signature = parameters.pop("signature", "")
        # Without a person it was signed by an older release.
        held = self._holds("download", _canonical_text(key, parameters), signature)
        if not held or PERSON not in parameters:
            raise _forged()
        if self._clock() >= int(parameters["expires"]):
            raise RefusedError(S3Error.ACCESS_DENIED, "Request has expired")
        person = UUID(parameters[PERSON])
        return DownloadGrant(key, parameters[_TYPE], parameters[_DISPOSITION], person)

    def _sign(self, purpose: str, text: str) -> str:
        # The purpose keeps one kind of grant from being shown as the other.
        message = f"poutama {purpose}\n{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, message, "sha256").hex()

    def _holds(self, purpose: str, text: str, signature: str) -> bool:
        expected = self._sign(purpose, text).encode()
        return hmac.compare_digest(expected, signature.encode("utf-8", "surrogatepass"))


def _canonical_text(key: str, parameters: Mapping[str, str]) -> str:
    return json.dumps([key, sorted(parameters.items())])


def _forged() -> RefusedError:
    return RefusedError(
        S3Error.SIGNATURE_DOES_NOT_MATCH,
        "The signature is not the one that was given out with this form or address.",
    )


def _refused(reason: str) -> RefusedError:
    return RefusedError(S3Error.ACCESS_DENIED, f"Invalid according to Policy: {reason}")
