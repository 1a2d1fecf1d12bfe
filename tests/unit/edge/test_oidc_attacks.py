"""Tokens as attackers would send them, against real keys from a real server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from poutama.db.identity import SignIn
from poutama.edge.issuers import parse_issuers
from poutama.edge.oidc import OidcVerifier
from poutama.edge.tokens import Authenticator, VerifiedToken
from poutama.errors import ConfigurationError, ForbiddenError, UnauthenticatedError
from poutama.laptop.issuer import AUDIENCE as LOCAL_AUDIENCE
from poutama.laptop.issuer import ISSUER as LOCAL_ISSUER
from poutama.laptop.issuer import issue_token
from poutama.viewer import Viewer
from tests.unit.edge.issuer import (
    AUDIENCE,
    DISCOVERY_PATH,
    KEYS_PATH,
    NOW,
    IssuerServer,
    TestKey,
    base64url,
    ec_key,
    ed_key,
    hmac_signer,
    jws,
    rsa_key,
    serve_issuer,
)

PERSON = UUID("11111111-2222-4333-8444-555555555555")
TENANT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
OTHER_TENANT = "aaaaaaaa-bbbb-4ccc-8ddd-ffffffffffff"
MICROSOFT = "https://login.microsoftonline.com"
RSA, PSS, EC, ED, STRANGER = rsa_key(), rsa_key(algorithm="PS256"), ec_key(), ed_key(), rsa_key()
KEYS = {"k1": RSA, "pss": PSS, "ec": EC, "ed": ED}
PUBLISHED = [key.published(kid=kid) for kid, key in KEYS.items()]


@pytest.fixture(scope="module")
def server() -> Iterator[IssuerServer]:
    with serve_issuer(*PUBLISHED) as server:
        yield server


async def find_any_person(sign_in: SignIn) -> UUID:
    return PERSON


@pytest.fixture(scope="module")
def verifier(server: IssuerServer) -> OidcVerifier:
    return OidcVerifier(
        parse_issuers(f"{server.url}|{AUDIENCE},client-2", loopback=True), find_any_person
    )


async def refusal(verifier: OidcVerifier, token: str, now: float = NOW) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        await verifier.verify(token, now)
    return caught.value.message


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 7, ["RS256"]])
async def test_a_token_without_signature_is_refused(
    server: IssuerServer, verifier: OidcVerifier, algorithm: object
) -> None:
    for kid in ("k1", ...):
        header = {"alg": algorithm} | ({} if kid is ... else {"kid": kid})
        token = jws(header, server.claims(), lambda _: b"")
        assert "algorithm that is not accepted" in await refusal(verifier, token)


def forms_of(key: TestKey) -> list[bytes]:
    """What could be taken for a secret: it is all public."""
    kind = PublicFormat.SubjectPublicKeyInfo
    pem = key.public.public_bytes(Encoding.PEM, kind)
    forms = [pem, pem.strip(), key.public.public_bytes(Encoding.DER, kind), b""]
    if "n" in key.jwk:
        forms.append(key.public.public_bytes(Encoding.PEM, PublicFormat.PKCS1))
        forms.append(key.jwk["n"].encode())
    return [*forms, json.dumps(key.published(kid="k1")).encode()]


@pytest.mark.parametrize("kid", KEYS)
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_public_key_is_no_secret_to_sign_with(
    server: IssuerServer, verifier: OidcVerifier, kid: str, algorithm: str
) -> None:
    for secret in forms_of(KEYS[kid]):
        token = jws({"alg": algorithm, "kid": kid}, server.claims(), hmac_signer(secret))
        assert "algorithm that is not accepted" in await refusal(verifier, token)


OTHERS = [
    (kid, algorithm)
    for kid, key in KEYS.items()
    for algorithm in ("RS256", "RS384", "PS256", "ES256", "ES384", "EdDSA")
    if algorithm != key.algorithm
]


@pytest.mark.parametrize(("kid", "algorithm"), OTHERS)
async def test_a_key_verifies_one_algorithm_alone(
    server: IssuerServer, verifier: OidcVerifier, kid: str, algorithm: str
) -> None:
    for sign in (KEYS[kid].sign, STRANGER.sign, hmac_signer(forms_of(KEYS[kid])[0])):
        token = jws({"alg": algorithm, "kid": kid}, server.claims(), sign)
        assert "not one of its issuer's" in await refusal(verifier, token)


async def test_another_key_under_a_known_name_is_refused(
    server: IssuerServer, verifier: OidcVerifier
) -> None:
    assert "signature is wrong" in await refusal(verifier, server.token(STRANGER, "k1"))
    assert "signature is wrong" in await refusal(verifier, server.token(ed_key(), "ed"))


async def test_keys_that_a_token_brings_or_points_at_are_not_looked_at(
    server: IssuerServer, verifier: OidcVerifier
) -> None:
    server.answers["/evil"] = (
        200,
        {},
        json.dumps({"keys": [STRANGER.published(kid="k1")]}).encode(),
    )
    evil = f"{server.url}/evil"
    for extra in (
        {"jwk": STRANGER.published(kid="k1")},
        {"jku": evil},
        {"x5u": evil},
        {"x5c": [base64url(forms_of(STRANGER)[2])]},
        {"jku": evil, "jwk": STRANGER.published(kid="k1"), "x5u": evil},
    ):
        for kid in ("k1", "unknown"):
            header = {"alg": "RS256", "kid": kid, **extra}
            assert await refusal(verifier, jws(header, server.claims(), STRANGER.sign))
            good = jws({**header, "kid": "k1"}, server.claims(), RSA.sign)
            assert (await verifier.verify(good, NOW)).viewer == Viewer(PERSON)
    assert "/evil" not in server.asked


@pytest.mark.parametrize(
    "kid",
    [
        *(
            "",
            "K1",
            "k1 ",
            "../../../../dev/null",
            "/etc/passwd",
            "k1\0",
            "' OR 1=1 --",
            "k" * 2000,
        ),
        *(f"http://evil.example{KEYS_PATH}", "keys/0", "0"),
    ],
)
async def test_a_key_name_is_a_name_and_nothing_else(
    server: IssuerServer, verifier: OidcVerifier, kid: str
) -> None:
    assert "not one of its issuer's" in await refusal(verifier, server.token(RSA, kid))
    assert set(server.asked) <= {KEYS_PATH, DISCOVERY_PATH}


@pytest.mark.parametrize("kid", [7, None, ["k1"], {"k1": 1}, True])
async def test_a_key_name_that_is_no_text_is_refused(
    server: IssuerServer, verifier: OidcVerifier, kid: object
) -> None:
    assert await refusal(verifier, server.token(RSA, kid))


async def test_a_token_that_names_no_key_is_verified_if_there_is_but_one(
    server: IssuerServer,
) -> None:
    assert (
        await one_issuer(server, [PUBLISHED[0]], server.token(RSA, ...))
    ).viewer.person_id == PERSON
    with pytest.raises(UnauthenticatedError, match="not one of its issuer's"):
        await one_issuer(
            server, [PUBLISHED[0], STRANGER.published(kid="k2")], server.token(RSA, ...)
        )


async def one_issuer(server: IssuerServer, keys: list[Any], token: str) -> VerifiedToken:
    """Verify with an issuer that publishes just these keys."""
    server.answers["/some"] = (200, {}, json.dumps({"keys": keys}).encode())
    entry = f"{server.url}|{AUDIENCE}|{server.url}/some"
    return await OidcVerifier(parse_issuers(entry, loopback=True), find_any_person).verify(
        token, NOW
    )


async def test_two_keys_of_one_name_are_both_tried(server: IssuerServer) -> None:
    keys = [STRANGER.published(kid="k1"), PUBLISHED[0]]
    for published in (keys, keys[::-1]):
        assert await one_issuer(server, published, server.token(RSA))
    with pytest.raises(UnauthenticatedError, match="signature is wrong"):
        await one_issuer(server, keys, server.token(rsa_key()))


async def test_of_a_name_said_twice_in_a_header_the_last_counts(
    server: IssuerServer, verifier: OidcVerifier
) -> None:
    for first, last in (("k1", "unknown"), ("unknown", "k1")):
        header = base64url(f'{{"alg":"RS256","kid":"{first}","kid":"{last}"}}'.encode())
        signed = f"{header}.{base64url(json.dumps(server.claims()).encode())}"
        token = f"{signed}.{base64url(RSA.sign(signed.encode()))}"
        if last == "k1":
            assert await verifier.verify(token, NOW)
        else:
            assert await refusal(verifier, token)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"typ": "logout+jwt"}, "another type"),
        ({"typ": "dpop+jwt"}, "another type"),
        ({"typ": "secevent+jwt"}, "another type"),
        ({"typ": "JOSE"}, "another type"),
        ({"typ": 7}, "another type"),
        ({"crit": ["exp"]}, "malformed"),
        ({"crit": ["x"], "x": 1}, "malformed"),
        ({"b64": True}, "neither is supported"),
        ({"b64": True, "crit": ["b64"]}, "neither is supported"),
    ],
)
async def test_headers_that_ask_for_something_else_are_refused(
    server: IssuerServer, verifier: OidcVerifier, extra: dict[str, Any], words: str
) -> None:
    token = jws({"alg": "RS256", "kid": "k1", **extra}, server.claims(), RSA.sign)
    assert words in await refusal(verifier, token)


async def test_every_truncation_is_refused(server: IssuerServer, verifier: OidcVerifier) -> None:
    token = server.token(ED, "ed")
    for length in range(len(token)):
        assert await refusal(verifier, token[:length])


async def test_every_flipped_byte_is_refused(server: IssuerServer, verifier: OidcVerifier) -> None:
    token = server.token(ED, "ed")
    for place, letter in enumerate(token):
        other = "B" if letter == "A" else "A"
        assert await refusal(verifier, token[:place] + other + token[place + 1 :])


async def test_a_token_of_100_kilobytes_is_refused_unread(
    server: IssuerServer, verifier: OidcVerifier
) -> None:
    token = server.token(RSA, filler="x" * 75_000)
    assert len(token) > 100_000
    assert "too long" in await refusal(verifier, token)
    with pytest.raises(UnauthenticatedError, match="too long"):
        await Authenticator(verifier).viewer_from_authorization(f"Bearer {token}")


@settings(deadline=None)
@given(st.binary(), st.binary())
async def test_any_bytes_are_a_plain_refusal(
    verifier: OidcVerifier, header: bytes, claims: bytes
) -> None:
    signed = f"{base64url(header)}.{base64url(claims)}"
    assert await refusal(verifier, f"{signed}.{base64url(RSA.sign(signed.encode()))}")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(("alg", "kid", "typ", "crit", "jwk", "x")), JSON),
    st.dictionaries(st.sampled_from(("aud", "exp", "sub", "nbf", "iat", "events", "tid")), JSON),
)
async def test_any_header_and_claims_are_good_or_a_plain_refusal(
    server: IssuerServer, verifier: OidcVerifier, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    token = jws({"alg": "EdDSA", "kid": "ed", **header}, {**server.claims(), **claims}, ED.sign)
    try:
        verified = await verifier.verify(token, NOW)
    except UnauthenticatedError:
        return
    assert verified.viewer == Viewer(PERSON)


async def test_nothing_of_the_token_is_told_or_logged(
    server: IssuerServer, verifier: OidcVerifier, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = [
        server.token(RSA, "s3cret"),
        server.token(RSA, aud="s3cret"),
        server.token(RSA, iss="s3cret"),
        server.token(STRANGER, sub="s3cret"),
        server.token(RSA, sub="s3cret\0"),
        "s3cret",
    ]
    with caplog.at_level(logging.DEBUG):
        messages = [await refusal(verifier, token) for token in tokens]
    assert "s3cret" not in caplog.text + str(messages)


async def test_the_local_issuers_tokens_are_refused(verifier: OidcVerifier, tmp_path: Path) -> None:
    token = issue_token(tmp_path, PERSON)
    assert "not trusted" in await refusal(verifier, token)


@pytest.mark.parametrize("loopback", [False, True])
def test_no_setting_can_make_a_deployment_trust_the_local_issuer(loopback: bool) -> None:
    with pytest.raises(ConfigurationError, match="expected an https:// address"):
        parse_issuers(f"{LOCAL_ISSUER}|{LOCAL_AUDIENCE}", loopback=loopback)


async def test_a_stranger_is_refused_after_the_signature_only(server: IssuerServer) -> None:
    asked: list[SignIn] = []

    async def find_no_person(sign_in: SignIn) -> UUID:
        asked.append(sign_in)
        raise ForbiddenError

    issuers = parse_issuers(f"{server.url}|{AUDIENCE}", loopback=True)
    verifier = OidcVerifier(issuers, find_no_person)
    await refusal(verifier, server.token(STRANGER))
    assert asked == []
    with pytest.raises(ForbiddenError):
        await verifier.verify(server.token(RSA), NOW)
    assert asked == [SignIn(server.url, "subject-1")]
