"""AWS Signature Version 4 for the two things that people are handed: a form and an address.

Called by `store.s3`. The API signs on every page that shows a file; the SDK takes 0.4 s to load
and 30 MB of a function's package, for what is a few HMACs. Whatever is sent by ourselves goes
through the SDK. Pure: no network, no clock, no environment.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs; `token` is empty for a key that is not temporary."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for S3 in one region."""

    credentials: Credentials
    region: str

    def sign_address(
        self, url: str, parameters: Mapping[str, str], *, now: datetime, seconds: int
    ) -> str:
        """The address with which its holder may GET the object at `url` for so long.

        Args:
            url: without a query, its path percent-encoded.
            parameters: of the query; signed, so that they cannot be changed.
            now: in UTC.
            seconds: up to a week; no longer than temporary credentials live, in any case.
        """
        parameters = {
            **parameters,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": self._credential(now),
            "X-Amz-Date": _moment(now),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        if self.credentials.token:
            parameters["X-Amz-Security-Token"] = self.credentials.token
        query = "&".join(
            sorted(f"{_quote(name)}={_quote(value)}" for name, value in parameters.items())
        )
        where = urlsplit(url)
        request = f"GET\n{where.path}\n{query}\nhost:{where.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = sha256(request.encode()).hexdigest()
        signature = self._sign(f"{ALGORITHM}\n{_moment(now)}\n{self._scope(now)}\n{digest}", now)
        return f"{url}?{query}&X-Amz-Signature={signature}"

    def sign_form(
        self,
        fields: Mapping[str, str],
        conditions: Sequence[object],
        *,
        now: datetime,
        seconds: int,
    ) -> dict[str, str]:
        """The fields of a form that its holder may post for so long.

        Args:
            fields: to be sent exactly as they are.
            conditions: that hold besides.
            now: in UTC.
            seconds: no longer than temporary credentials live, in any case.
        """
        sent = {
            **fields,
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": self._credential(now),
            "x-amz-date": _moment(now),
        }
        if self.credentials.token:
            sent["x-amz-security-token"] = self.credentials.token
        policy: dict[str, Any] = {
            "expiration": f"{now + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S.000Z}",
            "conditions": [*conditions, *({name: value} for name, value in sent.items())],
        }
        text = b64encode(json.dumps(policy).encode()).decode()
        return {**sent, "policy": text, "x-amz-signature": self._sign(text, now)}

    def _credential(self, now: datetime) -> str:
        return f"{self.credentials.access_key}/{self._scope(now)}"

    def _scope(self, now: datetime) -> str:
        return f"{now:%Y%m%d}/{self.region}/s3/aws4_request"

    def _sign(self, text: str, now: datetime) -> str:
        key = _signing_key(self.credentials.secret_key, f"{now:%Y%m%d}", self.region)
        return hmac.digest(key, text.encode(), "sha256").hex()


@lru_cache(maxsize=8)
def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def _moment(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}"


def _quote(text: str) -> str:
    return quote(text, safe="-_.~")
