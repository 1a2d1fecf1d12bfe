"""Which tokens are good, which are not, and what is said of those."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from poutama.edge.tokens import Authenticator, LocalTokenVerifier, VerifiedToken
from poutama.errors import ForbiddenError, UnauthenticatedError
from poutama.viewer import Viewer

NOW = 1_800_000_000.0
PERSON = UUID("11111111-2222-4333-8444-555555555555")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
CLAIMS: dict[str, object] = {
    "iss": "urn:poutama:test",
    "aud": "poutama",
    "sub": str(PERSON),
    "iat": NOW,
    "exp": NOW + 3600,
}
JWK = jwt.PyJWK(OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True))
VERIFIER = LocalTokenVerifier(JWK, issuer="urn:poutama:test", audience="poutama")


def sign(**changes: object) -> str:
    """A good token but for the changes; a claim that is `...` is left out."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return jws(claims, {"alg": "EdDSA", "typ": "JWT"}, KEY.sign)


def jws(claims: object, header: object, sign: Callable[[bytes], bytes]) -> str:
    """RFC 7515 by hand: a library might refuse to make what has to be refused."""
    parts = [base64url(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, base64url(sign(".".join(parts).encode()))])


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def refusal(token: str, now: float = NOW) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        await VERIFIER.verify(token, now)
    return caught.value.message


async def test_a_good_token_stands_for_its_person() -> None:
    verified = await VERIFIER.verify(sign(), NOW)
    assert verified == VerifiedToken(Viewer(PERSON), NOW + 3600 + 30)


async def test_a_token_that_another_library_signed_is_good() -> None:
    token = jwt.encode(CLAIMS, KEY, algorithm="EdDSA")
    assert (await VERIFIER.verify(token, NOW)).viewer == Viewer(PERSON)


async def test_one_audience_of_several_is_enough() -> None:
    assert (await VERIFIER.verify(sign(aud=["other", "poutama"]), NOW)).viewer == Viewer(PERSON)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exp": NOW - 31}, "has expired"),
        ({"exp": NOW - 30}, "has expired"),
        ({"nbf": NOW + 31}, "not valid yet"),
        ({"iat": NOW + 31}, "not valid yet"),
        ({"aud": "another"}, "meant for another service"),
        ({"aud": []}, "has no `aud`"),
        ({"aud": 7}, "meant for another service"),
        ({"iss": "urn:poutama:tes"}, "issuer that is not trusted"),
        ({"iss": ["urn:poutama:test"]}, "issuer that is not trusted"),
        ({"sub": "student-0001@demo.example"}, "expected a UUID"),
        ({"sub": ""}, "expected a UUID"),
        ({"sub": f"urn:uuid:{PERSON}"}, "expected a UUID"),
        ({"sub": f"{{{PERSON}}}"}, "expected a UUID"),
        ({"sub": f"{PERSON}\n"}, "expected a UUID"),
        ({"sub": 7}, "expected a UUID"),
        ({"exp": "tomorrow"}, "`exp` is not a time"),
        ({"exp": True}, "`exp` is not a time"),
        ({"exp": float("inf")}, "`exp` is not a time"),
        ({"exp": float("nan")}, "`exp` is not a time"),
        ({"exp": 10**400}, "`exp` is not a time"),
        ({"iat": "x"}, "`iat` is not a time"),
        ({"iss": ...}, "has no `iss`"),
        ({"aud": ...}, "has no `aud`"),
        ({"sub": ...}, "has no `sub`"),
        ({"sub": None}, "has no `sub`"),
        ({"exp": ...}, "has no `exp`"),
        ({"iat": ...}, "has no `iat`"),
    ],
)
async def test_claims_that_are_not_good_are_named(changes: dict[str, object], words: str) -> None:
    assert words in await refusal(sign(**changes))


@pytest.mark.parametrize("changes", [{"exp": NOW - 29}, {"nbf": NOW + 29}, {"iat": NOW + 29}])
async def test_clocks_may_differ_a_little(changes: dict[str, object]) -> None:
    assert (await VERIFIER.verify(sign(**changes), NOW)).viewer == Viewer(PERSON)


async def test_a_token_without_signature_is_refused() -> None:
    token = jws(CLAIMS, {"alg": "none", "typ": "JWT"}, lambda _: b"")
    assert "algorithm that is not accepted" in await refusal(token)


@pytest.mark.parametrize("secret", [PEM, PEM.strip(), KEY.public_key().public_bytes_raw()])
async def test_the_public_key_is_no_secret_to_sign_with(secret: bytes) -> None:
    token = jws(CLAIMS, {"alg": "HS256"}, lambda data: hmac.digest(secret, data, hashlib.sha256))
    assert "algorithm that is not accepted" in await refusal(token)


async def test_another_algorithm_is_refused() -> None:
    token = jwt.encode(CLAIMS, generate_private_key(SECP256R1()), algorithm="ES256")
    assert "algorithm that is not accepted" in await refusal(token)


async def test_another_key_is_refused() -> None:
    assert "signature is wrong" in await refusal(
        jwt.encode(CLAIMS, Ed25519PrivateKey.generate(), algorithm="EdDSA")
    )


async def test_a_key_that_the_token_brings_along_is_refused() -> None:
    other = Ed25519PrivateKey.generate()
    own = {"kty": "OKP", "crv": "Ed25519", "x": base64url(other.public_key().public_bytes_raw())}
    token = jws(CLAIMS, {"alg": "EdDSA", "jwk": own}, other.sign)
    assert "signature is wrong" in await refusal(token)


async def test_changed_claims_are_refused() -> None:
    header, _, signature = sign().split(".")
    claims = base64url(json.dumps({**CLAIMS, "sub": str(UUID(int=1))}).encode())
    assert "signature is wrong" in await refusal(f"{header}.{claims}.{signature}")


async def test_every_truncation_is_refused() -> None:
    token = sign()
    for length in range(len(token)):
        await refusal(token[:length])


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "...", "x", "a.b.c", "ā.b.c", "\0.\0.\0", "🎯", " " * 100),
        jws([1], {"alg": "EdDSA"}, KEY.sign),
        jws(CLAIMS, ["EdDSA"], KEY.sign),
        jws(CLAIMS, {"alg": 7}, KEY.sign),
        jws(CLAIMS, {"alg": "EdDSA", "crit": ["x"], "x": 1}, KEY.sign),
        base64url(b'{"alg":' + b"[" * 5_000) + ".e30.e30",
    ],
)
async def test_garbage_is_refused(token: str) -> None:
    assert await refusal(token)


async def test_claims_nested_without_end_are_refused() -> None:
    header = base64url(b'{"alg":"EdDSA"}')
    claims = base64url(b"[" * 5_500)
    signature = base64url(KEY.sign(f"{header}.{claims}".encode()))
    assert "malformed" in await refusal(f"{header}.{claims}.{signature}")


async def test_a_token_without_end_is_refused_unread() -> None:
    assert "too long" in await refusal("a" * 1_000_000)


@given(st.text())
async def test_any_text_is_a_good_token_or_a_plain_refusal(text: str) -> None:
    assert await refusal(text)


@given(st.binary(), st.binary())
async def test_any_bytes_are_a_good_token_or_a_plain_refusal(header: bytes, claims: bytes) -> None:
    signed = f"{base64url(header)}.{base64url(claims)}"
    assert await refusal(f"{signed}.{base64url(KEY.sign(signed.encode()))}")


async def test_nothing_of_the_token_is_in_the_message() -> None:
    tokens = [sign(exp=1), sign(aud="s3cret"), sign(iss="s3cret"), sign(sub="s3cret"), "s3cret"]
    for token in tokens:
        message = await refusal(token)
        assert "s3cret" not in message
        assert not any(part in message for part in token.split("."))


class Counted:
    """The verifier, counting."""

    def __init__(self) -> None:
        self.calls = 0

    async def verify(self, token: str, now: float) -> VerifiedToken:
        self.calls += 1
        return await VERIFIER.verify(token, now)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(counted: Counted, clock: Clock) -> Authenticator:
    return Authenticator(counted, cached_tokens=2, clock=clock)


async def test_without_a_header_there_is_no_viewer(authenticator: Authenticator) -> None:
    assert await authenticator.viewer_from_authorization(None) is None


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_the_scheme_is_written_either_way(authenticator: Authenticator, scheme: str) -> None:
    assert await authenticator.viewer_from_authorization(scheme + sign()) == Viewer(PERSON)


@pytest.mark.parametrize(
    "header",
    [
        *("", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer a, Bearer b", "Bearer ā"),
        *("Bearer\ta", "Bearer a\n", "Bearer =", 'Bearer "a"', "Bearera", "Token a"),
    ],
)
async def test_another_header_is_refused(authenticator: Authenticator, header: str) -> None:
    with pytest.raises(UnauthenticatedError, match="expected `Bearer` and a token"):
        await authenticator.viewer_from_authorization(header)


async def test_a_bare_token_is_refused(authenticator: Authenticator) -> None:
    with pytest.raises(UnauthenticatedError, match="expected `Bearer`"):
        await authenticator.viewer_from_authorization(sign())


async def test_a_token_is_verified_once(authenticator: Authenticator, counted: Counted) -> None:
    header = f"Bearer {sign()}"
    viewers = [await authenticator.viewer_from_authorization(header) for _ in range(3)]
    assert viewers == [Viewer(PERSON)] * 3
    assert counted.calls == 1


async def test_a_remembered_token_expires_all_the_same(
    authenticator: Authenticator, clock: Clock
) -> None:
    header = f"Bearer {sign()}"
    await authenticator.viewer_from_authorization(header)
    clock.now = NOW + 3600 + 29
    assert await authenticator.viewer_from_authorization(header) == Viewer(PERSON)
    clock.now = NOW + 3600 + 30
    with pytest.raises(UnauthenticatedError, match="has expired"):
        await authenticator.viewer_from_authorization(header)


async def test_a_refused_token_is_not_remembered(
    authenticator: Authenticator, counted: Counted, clock: Clock
) -> None:
    header = f"Bearer {sign(nbf=NOW + 60)}"
    with pytest.raises(UnauthenticatedError):
        await authenticator.viewer_from_authorization(header)
    clock.now = NOW + 60
    assert await authenticator.viewer_from_authorization(header) == Viewer(PERSON)
    assert counted.calls == 2


async def test_remembering_is_bounded_and_keeps_what_is_used(
    authenticator: Authenticator, counted: Counted
) -> None:
    first, second, third = (f"Bearer {sign(jti=str(number))}" for number in range(3))
    for header in (first, second, first, third, first):
        await authenticator.viewer_from_authorization(header)
    assert counted.calls == 3
    await authenticator.viewer_from_authorization(second)
    assert counted.calls == 4


async def test_each_token_has_its_own_person(authenticator: Authenticator) -> None:
    other = UUID(int=7)
    mine, theirs = f"Bearer {sign()}", f"Bearer {sign(sub=str(other))}"
    for _ in range(2):
        assert await authenticator.viewer_from_authorization(mine) == Viewer(PERSON)
        assert await authenticator.viewer_from_authorization(theirs) == Viewer(other)


async def test_a_header_without_end_is_refused_unread(
    authenticator: Authenticator, counted: Counted
) -> None:
    with pytest.raises(UnauthenticatedError, match="too long"):
        await authenticator.viewer_from_authorization("Bearer " + "a" * 1_000_000)
    assert counted.calls == 0


class Stranger:
    """Finds every token good, and no person behind it."""

    def __init__(self) -> None:
        self.calls = 0

    async def verify(self, token: str, now: float) -> VerifiedToken:
        self.calls += 1
        raise ForbiddenError("Not invited.")


async def test_a_stranger_is_looked_for_once_in_a_while(clock: Clock) -> None:
    stranger = Stranger()
    authenticator = Authenticator(stranger, clock=clock)
    for seconds, calls in ((0, 1), (9, 1), (10, 2)):
        clock.now = NOW + seconds
        with pytest.raises(ForbiddenError, match="Not invited"):
            await authenticator.viewer_from_authorization("Bearer stranger")
        assert stranger.calls == calls


async def test_a_stranger_is_looked_for_once_however_the_header_is_written(clock: Clock) -> None:
    stranger = Stranger()
    authenticator = Authenticator(stranger, clock=clock)
    for header in ("Bearer a.b.c", "bearer a.b.c", "BEARER    a.b.c  ", "Bearer a.b.c="):
        with pytest.raises(ForbiddenError, match="Not invited"):
            await authenticator.viewer_from_authorization(header)
    assert stranger.calls == 1


async def test_a_remembered_token_is_answered_without_waiting(
    authenticator: Authenticator,
) -> None:
    header = f"Bearer {sign()}"
    await authenticator.viewer_from_authorization(header)
    with pytest.raises(StopIteration) as finished:
        authenticator.viewer_from_authorization(header).send(None)
    assert finished.value.value == Viewer(PERSON)
