"""Which issuers are trusted, and which of the keys they publish."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from poutama.edge.fetch import FetchError
from poutama.edge.issuers import Issuer, parse_issuers, read_jwks_uri
from poutama.edge.jwks import (
    SigningKey,
    read_keys,
)
from poutama.errors import ConfigurationError
from tests.unit.edge.issuer import (
    ec_key,
    ed_key,
    rsa_key,
)

OLD, NEW, RSA, EC = ed_key(), ed_key(), rsa_key(), ec_key()


def test_issuers_are_read_from_plain_text() -> None:
    assert parse_issuers(
        " https://a.example|x \n https://b.example/|y,z|https://k.example/keys"
    ) == (
        Issuer("https://a.example", frozenset({"x"})),
        Issuer("https://b.example/", frozenset({"y", "z"}), "https://k.example/keys"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one or several"),
        ("https://a.example", "ISSUER|AUDIENCE"),
        ("https://a.example|", "ISSUER|AUDIENCE"),
        ("|x", "https:// address"),
        ("https://a.example|x|", "ISSUER|AUDIENCE"),
        ("https://a.example|x|https://k.example|y", "ISSUER|AUDIENCE"),
        ("https://a.example|x,", "expected audiences between commas, got x,"),
        ("https://a.example|x https://a.example|y", "is listed twice"),
        ("http://a.example|x", "https:// address"),
        ("http://127.0.0.1|x", "https:// address"),
        ("https://a.example|x|http://127.0.0.1/keys", "https:// address"),
        ("https://user@a.example|x", "https:// address"),
        ("https://a.example?x=1|x", "https:// address"),
        ("https://a.example#x|x", "https:// address"),
        ("https://a.example:port|x", "https:// address"),
        ("https://[|x", "https:// address"),
        ("https://{tenantid}.example|x", "https:// address"),
        ("https://a.example/{tenant}|x", "in braces"),
        ("https://a.example/{tenantid}/{tenantid}|x", "only once"),
        ("urn:poutama:local|poutama", "https:// address"),
    ],
)
def test_a_setting_that_cannot_be_used_says_why(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_issuers(text)
    assert "POUTAMA_ISSUERS" in caught.value.message
    assert words in caught.value.message


def test_only_tests_may_trust_an_issuer_on_this_machine() -> None:
    entry = "http://127.0.0.1:8080|x"
    assert parse_issuers(entry, loopback=True)
    with pytest.raises(ConfigurationError):
        parse_issuers(entry)


@pytest.mark.parametrize(
    "described",
    [
        *([], {}, {"issuer": "https://other.example", "jwks_uri": "https://x.example"}),
        *({"issuer": "https://i.example"}, {"issuer": "https://i.example", "jwks_uri": 7}),
        {"issuer": "https://i.example/", "jwks_uri": "https://x.example"},
        {"issuer": "https://i.example", "jwks_uri": "http://127.0.0.1/keys"},
    ],
)
def test_a_discovery_document_of_another_issuer_is_a_failure(described: Any) -> None:
    with pytest.raises(FetchError, match="discovery document"):
        read_jwks_uri(described, "https://i.example")


@pytest.mark.parametrize(
    ("entry", "algorithm"),
    [
        (OLD.published(), "EdDSA"),
        (OLD.published(alg=...), "EdDSA"),
        (RSA.published(), "RS256"),
        (RSA.published(alg=...), "RS256"),
        (RSA.published(alg="PS256"), "PS256"),
        (RSA.published(use=..., key_ops=["verify"]), "RS256"),
        (EC.published(), "ES256"),
        (EC.published(alg=...), "ES256"),
    ],
)
def test_keys_that_can_be_used(entry: dict[str, Any], algorithm: str) -> None:
    (key,) = read_keys({"keys": [entry, {"kty": "none of ours"}]})
    assert isinstance(key, SigningKey)
    assert key.algorithm == algorithm


@pytest.mark.parametrize(
    "entry",
    [
        *({}, [], None, "RSA", {"kty": "RSA"}, {"kty": "RSA", "n": 7, "e": "AQAB"}),
        *({"kty": ["RSA"]}, {"kty": "OKP"}, {"kty": "OKP", "crv": "X25519", "x": "AA"}),
        RSA.published(use="enc"),
        RSA.published(key_ops=["sign"]),
        RSA.published(key_ops=7),
        RSA.published(alg="RSA-OAEP"),
        RSA.published(alg="ES256"),
        RSA.published(alg="HS256"),
        RSA.published(alg="none"),
        RSA.published(alg=["RS256"]),
        RSA.published(n="!!!"),
        RSA.published(e=""),
        EC.published(alg="ES384"),
        EC.published(alg="RS256"),
        EC.published(x=EC.jwk["y"]),
        EC.published(crv="secp256k1", alg="ES256K"),
        OLD.published(x="AA"),
        OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True),
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "k1"},
        {"kty": "oct", "k": "c2VjcmV0", "alg": "RS256", "kid": "k1"},
        rsa_key(1024).published(),
    ],
)
def test_keys_that_cannot_be_used_are_passed_over(entry: Any) -> None:
    assert [key.kid for key in read_keys({"keys": [entry, OLD.published(kid="old")]})] == ["old"]
    with pytest.raises(FetchError, match="no key"):
        read_keys({"keys": [entry]})
