"""Bearer tokens: from an Authorization header to a `Viewer`, or to a refusal that says why.

`edge.http` asks an `Authenticator`, which reads the header and remembers what was verified; a
`TokenVerifier` does the verifying, one kind for each kind of issuer. It never asks the database
whether the person exists (the plan's guard finds no rows for one who does not), never logs a
token and never puts a part of one into a message.

The header: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
Verifying: https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

import jwt
from jwt.exceptions import InvalidSubjectError

from poutama.errors import UnauthenticatedError
from poutama.viewer import Viewer

LEEWAY = 30.0
"""Seconds that clocks may differ."""
LONGEST_TOKEN = 8_192
CACHED_TOKENS = 4_096

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE | re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_REQUIRED = ("iss", "aud", "sub", "exp", "iat")
# PyJWT compares times with its own clock; ours is handed in.
_OPTIONS: Any = {
    "require": list(_REQUIRED),
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """Whom a token stands for, and until when, in seconds since 1970, leeway included."""

    viewer: Viewer
    good_until: float


class TokenVerifier(Protocol):
    """Decides whether a token is good."""

    def verify(self, token: str, now: float) -> VerifiedToken:
        """Verify the signature and every claim.

        Args:
            token: a compact JWS.
            now: seconds since 1970.

        Raises:
            UnauthenticatedError: the token is not good; the message says why, for a client to
                see, and shows nothing of the token.
        """


class LocalTokenVerifier:
    """Verifies the tokens of one issuer with one Ed25519 key, which is known beforehand."""

    def __init__(self, key: jwt.PyJWK, *, issuer: str, audience: str) -> None:
        self._key = key
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str, now: float) -> VerifiedToken:
        """See `TokenVerifier.verify`."""
        if len(token) > LONGEST_TOKEN:
            raise UnauthenticatedError("The bearer token is too long.")
        try:
            claims = jwt.decode(
                token,
                self._key,
                # Fixed here: what the token's own header says must never choose the algorithm.
                algorithms=["EdDSA"],
                issuer=self._issuer,
                audience=self._audience,
                options=_OPTIONS,
            )
        except jwt.PyJWTError as error:
            raise UnauthenticatedError(_explain(error)) from error
        except (ValueError, RecursionError) as error:  # e.g. a million nested brackets
            raise UnauthenticatedError("The bearer token is malformed.") from error
        good_until = check_times(claims, now)
        return VerifiedToken(Viewer(read_person_id(claims)), good_until)


class Authenticator:
    """Turns Authorization headers into viewers, and remembers those it has verified.

    A client sends the same token with every request, and verifying costs some 100 us. The memory
    is bounded, holds digests instead of tokens, and forgets a token that has expired.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        *,
        cached_tokens: int = CACHED_TOKENS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._most = cached_tokens
        self._clock = clock
        self._verified: dict[bytes, VerifiedToken] = {}

    def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        """Who sends this header; None for a request without one.

        Raises:
            UnauthenticatedError: the header is not `Bearer TOKEN`, or the token is not good.
        """
        if header is None:
            return None
        match = _BEARER.fullmatch(header)
        if match is None:
            raise UnauthenticatedError("Authorization: expected `Bearer` and a token.")
        token = match[1]
        now = self._clock()
        digest = sha256(token.encode("ascii")).digest()
        verified = self._verified.pop(digest, None)
        if verified is None or now >= verified.good_until:
            verified = self._verifier.verify(token, now)
        self._verified[digest] = verified  # the last used comes last
        if len(self._verified) > self._most:
            del self._verified[next(iter(self._verified))]
        return verified.viewer


def check_times(claims: dict[str, object], now: float) -> float:
    """Check `exp`, `nbf` and `iat`; return the time from which the token is no longer good.

    Raises:
        UnauthenticatedError: it has expired or is not valid yet, or a time is not a number.
    """
    good_until = _read_time(claims, "exp") + LEEWAY
    if now >= good_until:
        raise UnauthenticatedError("The bearer token has expired; sign in again.")
    for claim in ("nbf", "iat"):
        if claim in claims and _read_time(claims, claim) > now + LEEWAY:
            raise UnauthenticatedError("The bearer token is not valid yet.")
    return good_until


def read_person_id(claims: dict[str, object]) -> UUID:
    """The person that `sub` names.

    Raises:
        UnauthenticatedError: `sub` is not a UUID.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _UUID.fullmatch(subject):
        raise UnauthenticatedError("The bearer token's `sub` names no person: expected a UUID.")
    return UUID(subject)


def _read_time(claims: dict[str, object], claim: str) -> float:
    value = claims[claim]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnauthenticatedError(f"The bearer token's `{claim}` is not a time.")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise UnauthenticatedError(f"The bearer token's `{claim}` is not a time.")
    return seconds


def _explain(error: jwt.PyJWTError) -> str:
    match error:
        case jwt.MissingRequiredClaimError():
            return f"The bearer token has no `{error.claim}`."
        case jwt.InvalidIssuerError():
            return "The bearer token is from an issuer that is not trusted here."
        case jwt.InvalidAudienceError():
            return "The bearer token is meant for another service."
        case jwt.InvalidAlgorithmError():
            return "The bearer token is signed with an algorithm that is not accepted here."
        case jwt.InvalidSignatureError():
            return "The bearer token's signature is wrong."
        case InvalidSubjectError():
            return "The bearer token's `sub` names no person: expected a UUID."
        case _:
            return "The bearer token is malformed."
