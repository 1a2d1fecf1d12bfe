"""Bearer tokens: from an Authorization header to a `Viewer`, or to a refusal that says why.

`edge.http` asks an `Authenticator`, which reads the header and remembers what was verified; a
`TokenVerifier` does the verifying, one kind for each kind of issuer: `edge.oidc` for those of the
world, the one here for a laptop's own. Nothing here logs a token or puts a part of one into a
message, and nothing here waits for a network.

The header: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
Verifying: https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol
from uuid import UUID

import jwt
from jwt.exceptions import InvalidSubjectError

from poutama.errors import ForbiddenError, UnauthenticatedError
from poutama.lru import Lru
from poutama.viewer import Viewer

LEEWAY = 30.0
"""Seconds that clocks may differ."""
LONGEST_TOKEN = 8_192
MALFORMED = "The bearer token is malformed: expected a signed JWT, three parts with dots between."
TOO_LONG = "The bearer token is too long."
CACHED_TOKENS = 4_096
FORBIDDEN_SECONDS = 10.0
"""How long a good token without a known person is refused without looking again."""

# The scheme and some spaces; a token within it can still be too long.
LONGEST_HEADER = LONGEST_TOKEN + 64

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*) *", re.ASCII)
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
    """Whom a token stands for, and until when that need not be asked again.

    Attributes:
        viewer: the person.
        good_until: in seconds since 1970; when the token expires, leeway included, or sooner.
    """

    viewer: Viewer
    good_until: float


class TokenVerifier(Protocol):
    """Decides whether a token is good."""

    async def verify(self, token: str, now: float) -> VerifiedToken:
        """Verify the signature and every claim, and find the person.

        Args:
            token: a compact JWS.
            now: seconds since 1970.

        Raises:
            UnauthenticatedError: the token is not good; the message says why, for a client to
                see, and shows nothing of the token.
            ForbiddenError: it is good, but no person is known for it.
            UnavailableError: the keys or the database cannot be reached.
        """


class LocalTokenVerifier:
    """Verifies the tokens of one issuer with one Ed25519 key, which is known beforehand.

    It does not ask whether the person exists: the plan's guard finds no rows for one who does not.
    """

    def __init__(self, key: jwt.PyJWK, *, issuer: str, audience: str) -> None:
        self._key = key
        self._issuer = issuer
        self._audience = audience

    async def verify(self, token: str, now: float) -> VerifiedToken:
        """See `TokenVerifier.verify`."""
        if len(token) > LONGEST_TOKEN:
            raise UnauthenticatedError(TOO_LONG)
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
            raise UnauthenticatedError(explain(error)) from error
        except (ValueError, RecursionError) as error:  # e.g. a million nested brackets
            raise UnauthenticatedError(MALFORMED) from error
        good_until = check_times(claims, now)
        return VerifiedToken(Viewer(read_person_id(claims)), good_until)


@dataclass(frozen=True, slots=True)
class CachedRefusal:
    """A good token without a known person, and until when that is not looked up again."""

    message: str
    good_until: float


class Authenticator:
    """Turns Authorization headers into viewers, and remembers those it has verified.

    A client sends the same token with every request, and verifying costs some 100 us, and often a
    look into the database. The memory is bounded, holds digests instead of tokens, and forgets a
    token that has expired. Tokens that are not good are not remembered: they cost their sender
    more than us. Those of people we do not know are, for a moment: each costs a search.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        *,
        cached_tokens: int = CACHED_TOKENS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._clock = clock
        self._known: Lru[bytes, VerifiedToken | CachedRefusal] = Lru(cached_tokens)

    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        """Who sends this header; None for a request without one.

        A token that is remembered is answered without giving way to another task.

        Raises:
            UnauthenticatedError: the header is not `Bearer TOKEN`, or the token is not good.
            ForbiddenError: the token is good, but no person is known for it.
            UnavailableError: the keys or the database cannot be reached.
        """
        if header is None:
            return None
        if len(header) > LONGEST_HEADER:
            raise UnauthenticatedError(TOO_LONG)
        match = _BEARER.fullmatch(header)
        if match is None:
            raise UnauthenticatedError("Authorization: expected `Bearer` and a token.")
        # Of the token: a header with another case, more spaces or padding is the same sign-in.
        digest = blake2b(match[1].rstrip("=").encode("ascii")).digest()
        now = self._clock()
        known = self._known.pop(digest)
        if known is None or now >= known.good_until:
            known = await self._verify(match[1], now)
        self._known.put(digest, known)
        if isinstance(known, CachedRefusal):
            raise ForbiddenError(known.message)
        return known.viewer

    async def _verify(self, token: str, now: float) -> VerifiedToken | CachedRefusal:
        try:
            return await self._verifier.verify(token, now)
        except ForbiddenError as error:
            return CachedRefusal(error.message, now + FORBIDDEN_SECONDS)


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


def explain(error: jwt.PyJWTError) -> str:
    """Say, for a client to see, why PyJWT refused a token; nothing of the token is in it."""
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
            return MALFORMED
