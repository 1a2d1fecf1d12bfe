"""OpenID Connect: tokens of Amazon Cognito, Google, Microsoft and any other issuer, verified.

An `edge.tokens.Authenticator` asks an `OidcVerifier`, which asks `edge.jwks` for the issuer's keys
and `db.identity` for the person. What a token says of itself chooses among the issuers, algorithms
and keys that are trusted, and never adds one; what it says of a person counts once its signature
was found good. No claim and no part of a token is ever logged.

Tokens: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
What has gone wrong elsewhere: https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import jwt

from poutama.db.connection import Database
from poutama.db.identity import SignIn, UnknownSignInError, find_person
from poutama.edge.issuers import TENANT, Issuer, parse_issuers
from poutama.edge.jwks import ALGORITHMS, KeySet, SigningKey
from poutama.edge.tokens import (
    LONGEST_TOKEN,
    MALFORMED,
    TOO_LONG,
    VerifiedToken,
    check_times,
    explain,
)
from poutama.errors import BadUserInputError, UnauthenticatedError
from poutama.hidden_characters import without_hidden
from poutama.settings import Settings
from poutama.text import normalize, normalize_email, visible_text
from poutama.unicode_data import is_printable
from poutama.viewer import NewSignIn, Viewer

NEW_SECONDS = 2.0
"""How long an account that is not a person's yet is not looked up again: it may become one."""
REMEMBERED_SECONDS = 60.0
"""How long a person is taken to be there still: a removed one is locked out after it."""
LONGEST_SUBJECT = 255
LONGEST_NAME = 200
"""Characters of a name that is taken over."""
MAX_KEYS_TRIED = 4

# ID tokens, and access tokens: not those that mean something else, such as `logout+jwt`.
_TYPES = ("jwt", "at+jwt", "application/jwt", "application/at+jwt")
_REQUIRED = ("iss", "sub", "exp", "iat")
# Claims are checked here: PyJWT has a clock of its own, and knows no token without `aud`.
_SIGNATURE_ONLY: Any = {
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False),
    **dict.fromkeys(("verify_iss", "verify_sub", "verify_jti"), False),
    "verify_signature": True,
}
_UNTRUSTED = "The bearer token is from an issuer that is not trusted here."
_BAD_SUBJECT = (
    "The bearer token's `sub` is not usable: expected 1 to"
    f" {LONGEST_SUBJECT} printable ASCII characters."
)


class OidcVerifier:
    """Verifies the tokens of some issuers, and finds the people they stand for."""

    def __init__(
        self, issuers: Sequence[Issuer], find: Callable[[SignIn], Awaitable[UUID]]
    ) -> None:
        """Fetch nothing yet.

        Args:
            issuers: whom to trust.
            find: gives the person of a sign-in, or raises `ForbiddenError`.
        """
        self._trusted = [(issuer, KeySet(issuer.name, issuer.load_keys)) for issuer in issuers]
        self._find = find

    async def verify(self, token: str, now: float) -> VerifiedToken:
        """See `edge.tokens.TokenVerifier.verify`."""
        sign_in, good_until = await self.read_sign_in(token, now)
        try:
            viewer = Viewer(await self._find(sign_in))
        except UnknownSignInError as error:
            new = NewSignIn(sign_in.issuer, sign_in.subject, error.message)
            return VerifiedToken(Viewer.of_sign_in(new), min(good_until, now + NEW_SECONDS))
        return VerifiedToken(viewer, min(good_until, now + REMEMBERED_SECONDS))

    async def read_sign_in(self, token: str, now: float) -> tuple[SignIn, float]:
        """Verify a token; returns who signs in, and until when the token is good.

        Raises:
            UnauthenticatedError, UnavailableError: as `TokenVerifier.verify`.
        """
        if len(token) > LONGEST_TOKEN:
            raise UnauthenticatedError(TOO_LONG)
        header, claims = _read_unverified(token)
        algorithm = check_header(header)
        issuer, keys = self._choose(claims)
        # Claims that no signature can mend cost no signature check and no fetch of keys.
        check_claims(claims, issuer, now)
        published = await keys.find(header.get("kid"), algorithm)
        if not published:
            raise UnauthenticatedError("The bearer token's key is not one of its issuer's.")
        for key in published[:MAX_KEYS_TRIED]:
            verified = _verify_signature(token, key)
            if verified is not None and _may_sign(key, verified):
                good_until = check_claims(verified, issuer, now)
                return read_claims(verified, issuer), good_until
        raise UnauthenticatedError("The bearer token's signature is wrong.")

    def _choose(self, claims: Mapping[str, Any]) -> tuple[Issuer, KeySet]:
        for issuer, keys in self._trusted:
            if issuer.is_named(claims.get("iss"), claims.get("tid")):
                return issuer, keys
        raise UnauthenticatedError(_UNTRUSTED)


def open_verifier(settings: Settings, database: Database) -> OidcVerifier:
    """What a deployment verifies tokens with: the issuers of its settings, and no other.

    Raises:
        ConfigurationError: `POUTAMA_ISSUERS` names none, or cannot be read.
    """
    return OidcVerifier(parse_issuers(settings.issuers), partial(find_person, database))


def check_header(header: Mapping[str, Any]) -> str:
    """The algorithm that a token says it is signed with, if all of its header can be accepted.

    Keys that a token brings along or points at (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.

    Raises:
        UnauthenticatedError: it cannot.
    """
    algorithm, kind = header.get("alg"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise UnauthenticatedError(
            "The bearer token is signed with an algorithm that is not accepted here."
        )
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise UnauthenticatedError("The bearer token is of another type: expected JWT.")
    if "crit" in header or "b64" in header:
        raise UnauthenticatedError(
            "The bearer token has `crit` or `b64` in its header; neither is supported."
        )
    return algorithm


def check_claims(claims: dict[str, Any], issuer: Issuer, now: float) -> float:
    """Check every claim but those about the person; returns until when the token is good.

    Raises:
        UnauthenticatedError: one is missing, or not what it should be.
    """
    for claim in _REQUIRED:
        if claims.get(claim) is None:
            raise UnauthenticatedError(f"The bearer token has no `{claim}`.")
    _check_audience(claims, issuer)
    if "events" in claims:
        raise UnauthenticatedError(
            "The bearer token describes an event; expected an ID or access token."
        )
    subject = claims["sub"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT:
        raise UnauthenticatedError(_BAD_SUBJECT)
    if not (subject.isascii() and is_printable(subject)):
        raise UnauthenticatedError(_BAD_SUBJECT)
    return check_times(claims, now)


def read_claims(claims: Mapping[str, Any], issuer: Issuer) -> SignIn:
    """Who signs in, from claims that were verified.

    The email is used only if the issuer has verified it. Microsoft's tenants may set any email;
    `xms_edov`, where that is configured, is true if the domain is theirs.
    """
    verified = claims.get("email_verified") is True
    if issuer.is_microsoft:
        verified = claims.get("xms_edov") in (True, "1", "true")
    email = claims.get("email")
    known = normalize_email(email) if verified and isinstance(email, str) else None
    return SignIn(claims["iss"], claims["sub"], known, _read_name(claims.get("name")))


def _read_name(name: object) -> str | None:
    """The name in its stored form, cleaned; None for what cannot be one, or shows nothing."""
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        return None
    name = without_hidden(name)
    if not all(map(is_printable, re.split("[\u200c\u200d\U000e0020-\U000e007f]", name))):
        return None
    try:
        stored = normalize(name).strip()
    except BadUserInputError:
        return None
    return stored if visible_text(stored) else None


def _check_audience(claims: Mapping[str, Any], issuer: Issuer) -> None:
    audience = claims.get("aud")
    if audience is None and claims.get("token_use") == "access":
        # Amazon Cognito's access tokens: https://docs.aws.amazon.com/cognito/latest/
        # developerguide/amazon-cognito-user-pools-using-the-access-token.html
        audience = claims.get("client_id")
    if audience is None:
        raise UnauthenticatedError("The bearer token has no `aud`.")
    named = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(one, str) and one in issuer.audiences for one in named):
        raise UnauthenticatedError("The bearer token is meant for another service.")
    if any(one != named[0] for one in named):
        _check_authorized_party(claims, issuer)


def _check_authorized_party(claims: Mapping[str, Any], issuer: Issuer) -> None:
    """Of a token for several audiences: the client that it was issued to must be one of ours.

    https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation, steps 4 and 5.
    """
    party = claims.get("azp")
    if party is None:
        raise UnauthenticatedError("The bearer token has several audiences and no `azp`.")
    if not isinstance(party, str) or party not in issuer.audiences:
        raise UnauthenticatedError("The bearer token was issued to another service.")


def _read_unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise UnauthenticatedError(MALFORMED) from error
    return parts["header"], parts["payload"]


def _verify_signature(token: str, key: SigningKey) -> dict[str, Any] | None:
    """The claims, if this key has signed them."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key.key, algorithms=[key.algorithm], options=_SIGNATURE_ONLY
        )
    except jwt.InvalidSignatureError:
        return None
    except jwt.PyJWTError as error:
        raise UnauthenticatedError(explain(error)) from error
    return claims


def _may_sign(key: SigningKey, claims: Mapping[str, Any]) -> bool:
    """Whether a key that belongs to one issuer of many has signed for that one."""
    if key.issuer is None:
        return True
    return bool(key.issuer.replace(TENANT, str(claims.get("tid"))) == claims["iss"])
