"""Tokens of the world's issuers: which are good, and what they say; attacks are next door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from poutama.db.connection import Database
from poutama.db.identity import SignIn
from poutama.edge.issuers import Issuer, parse_issuers
from poutama.edge.oidc import OidcVerifier, open_verifier, read_claims
from poutama.edge.tokens import VerifiedToken
from poutama.errors import ConfigurationError, UnauthenticatedError
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.unit.edge.issuer import (
    AUDIENCE,
    NOW,
    IssuerServer,
    ec_key,
    ed_key,
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


@pytest.mark.parametrize("kid", KEYS)
async def test_every_kind_of_key_is_verified(
    server: IssuerServer, verifier: OidcVerifier, kid: str
) -> None:
    verified = await verifier.verify(server.token(KEYS[kid], kid), NOW)
    assert verified == VerifiedToken(Viewer(PERSON), NOW + 60)


async def test_a_token_is_remembered_no_longer_than_it_is_good(
    server: IssuerServer, verifier: OidcVerifier
) -> None:
    verified = await verifier.verify(server.token(RSA, exp=NOW + 10), NOW)
    assert verified.good_until == NOW + 10 + 30


async def test_what_it_says_of_the_person(server: IssuerServer, verifier: OidcVerifier) -> None:
    token = server.token(RSA, email="Ana@School.Example", email_verified=True)
    sign_in, good_until = await verifier.read_sign_in(token, NOW)
    assert sign_in == SignIn(server.url, "subject-1", "ana@school.example")
    assert good_until == NOW + 3630


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [AUDIENCE, "other"], "azp": AUDIENCE},
        {"aud": ["other", "client-2"], "azp": AUDIENCE},
        {"aud": [AUDIENCE]},
        {"aud": [AUDIENCE, AUDIENCE]},
        {"aud": AUDIENCE, "azp": "a phone of theirs"},
        {"aud": "client-2"},
        {"aud": ..., "client_id": AUDIENCE, "token_use": "access"},
        {"token_use": "id"},
        {"exp": NOW - 29},
        {"nbf": NOW + 30},
        {"iat": NOW + 30},
        {"sub": "x" * 255},
        {"sub": "auth0|5f7c8ec7c33c6c004bbafe82"},
    ],
)
async def test_good_claims(
    server: IssuerServer, verifier: OidcVerifier, changes: dict[str, Any]
) -> None:
    assert (await verifier.verify(server.token(RSA, **changes), NOW)).viewer == Viewer(PERSON)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exp": NOW - 30}, "has expired"),
        ({"exp": NOW - 86_400}, "has expired"),
        ({"nbf": NOW + 31}, "not valid yet"),
        ({"iat": NOW + 31}, "not valid yet"),
        ({"exp": "never"}, "`exp` is not a time"),
        ({"exp": float("inf")}, "`exp` is not a time"),
        ({"nbf": None}, "`nbf` is not a time"),
        ({"exp": ...}, "has no `exp`"),
        ({"iat": ...}, "has no `iat`"),
        ({"sub": ...}, "has no `sub`"),
        ({"aud": ...}, "has no `aud`"),
        ({"aud": None}, "has no `aud`"),
        ({"aud": "another"}, "meant for another service"),
        ({"aud": []}, "meant for another service"),
        ({"aud": [[AUDIENCE]]}, "meant for another service"),
        ({"aud": {AUDIENCE: 1}}, "meant for another service"),
        ({"aud": f"{AUDIENCE},client-2"}, "meant for another service"),
        ({"aud": AUDIENCE.upper()}, "meant for another service"),
        ({"aud": "another", "client_id": AUDIENCE}, "meant for another service"),
        ({"aud": ..., "client_id": AUDIENCE}, "has no `aud`"),
        ({"aud": ..., "client_id": AUDIENCE, "token_use": "id"}, "has no `aud`"),
        ({"aud": ..., "client_id": "another", "token_use": "access"}, "meant for another service"),
        ({"aud": "another", "azp": AUDIENCE}, "meant for another service"),
        ({"aud": [AUDIENCE, "other"]}, "several audiences and no `azp`"),
        ({"aud": [AUDIENCE, "other"], "azp": None}, "several audiences and no `azp`"),
        ({"aud": [AUDIENCE, "other"], "azp": "other"}, "issued to another service"),
        ({"aud": ["other", AUDIENCE], "azp": [AUDIENCE]}, "issued to another service"),
        ({"aud": [AUDIENCE, 1]}, "several audiences and no `azp`"),
        ({"iss": "https://evil.example"}, "issuer that is not trusted"),
        ({"iss": ...}, "issuer that is not trusted"),
        ({"iss": ["x"]}, "issuer that is not trusted"),
        ({"sub": ""}, "`sub` is not usable"),
        ({"sub": 7}, "`sub` is not usable"),
        ({"sub": "x" * 256}, "`sub` is not usable"),
        ({"sub": "a\0b"}, "`sub` is not usable"),
        ({"sub": "\u0101"}, "`sub` is not usable"),
        (
            {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
            "describes an event",
        ),
    ],
)
async def test_claims_that_are_not_good_are_refused_though_well_signed(
    server: IssuerServer, verifier: OidcVerifier, changes: dict[str, Any], words: str
) -> None:
    assert words in await refusal(verifier, server.token(RSA, **changes))


async def test_an_issuer_is_trusted_to_the_letter(
    server: IssuerServer, verifier: OidcVerifier
) -> None:
    for name in (f"{server.url}/", server.url.upper(), f"{server.url}\n", f" {server.url}"):
        assert "not trusted" in await refusal(verifier, server.token(RSA, iss=name))


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"])
async def test_types_of_id_and_access_tokens(
    server: IssuerServer, verifier: OidcVerifier, kind: str
) -> None:
    token = jws({"alg": "RS256", "kid": "k1", "typ": kind}, server.claims(), RSA.sign)
    assert await verifier.verify(token, NOW)


# Microsoft: many tenants, one key set.


def microsoft(server: IssuerServer, tenant: str = "{tenantid}") -> OidcVerifier:
    keys = [
        RSA.published(kid="k1", alg=..., issuer=f"{MICROSOFT}/{{tenantid}}/v2.0"),
        EC.published(kid="ec", issuer=f"{MICROSOFT}/{OTHER_TENANT}/v2.0"),
    ]
    server.answers["/microsoft"] = (200, {}, json.dumps({"keys": keys}).encode())
    entry = f"{MICROSOFT}/{tenant}/v2.0|{AUDIENCE}|{server.url}/microsoft"
    return OidcVerifier(parse_issuers(entry, loopback=True), find_any_person)


def of_tenant(tenant: object, tid: object = None) -> dict[str, Any]:
    return {"iss": f"{MICROSOFT}/{tenant}/v2.0", "tid": tid or tenant}


async def test_any_tenant_is_trusted_where_the_setting_says_so(server: IssuerServer) -> None:
    for tenant in (TENANT, OTHER_TENANT):
        token = server.token(RSA, **of_tenant(tenant))
        sign_in, _ = await microsoft(server).read_sign_in(token, NOW)
        assert sign_in.issuer == f"{MICROSOFT}/{tenant}/v2.0"


@pytest.mark.parametrize(
    "changes",
    [
        of_tenant(TENANT, OTHER_TENANT),
        of_tenant(TENANT) | {"tid": ...},
        of_tenant("{tenantid}"),
        of_tenant("common"),
        of_tenant(f"{TENANT}/../{OTHER_TENANT}"),
        {"iss": f"{MICROSOFT}.evil.example/{TENANT}/v2.0", "tid": TENANT},
        {"iss": f"https://loginxmicrosoftonline.com/{TENANT}/v2.0", "tid": TENANT},
    ],
)
async def test_what_is_no_tenant_is_refused(server: IssuerServer, changes: dict[str, Any]) -> None:
    assert "not trusted" in await refusal(microsoft(server), server.token(RSA, **changes))


async def test_another_tenant_is_refused_where_one_is_trusted(server: IssuerServer) -> None:
    verifier = microsoft(server, TENANT)
    assert await verifier.verify(server.token(RSA, **of_tenant(TENANT)), NOW)
    assert "not trusted" in await refusal(verifier, server.token(RSA, **of_tenant(OTHER_TENANT)))


async def test_a_key_of_one_tenant_signs_for_no_other(server: IssuerServer) -> None:
    verifier = microsoft(server)
    assert await verifier.verify(server.token(EC, "ec", **of_tenant(OTHER_TENANT)), NOW)
    token = server.token(EC, "ec", **of_tenant(TENANT))
    assert "signature is wrong" in await refusal(verifier, token)


@pytest.mark.parametrize(
    ("name", "claims", "email"),
    [
        ("https://i.example", {"email_verified": True}, "ana@x.example"),
        ("https://i.example", {"email_verified": "true"}, None),
        ("https://i.example", {"email_verified": 1}, None),
        ("https://i.example", {"email_verified": False}, None),
        ("https://i.example", {}, None),
        ("https://i.example", {"xms_edov": True}, None),
        ("https://i.example", {"email_verified": True, "email": ["ana@x.example"]}, None),
        ("https://i.example", {"email_verified": True, "email": "ana"}, None),
        (f"{MICROSOFT}/{TENANT}/v2.0", {"xms_edov": True}, "ana@x.example"),
        (f"{MICROSOFT}/{TENANT}/v2.0", {"xms_edov": "1"}, "ana@x.example"),
        (f"{MICROSOFT}/{TENANT}/v2.0", {"xms_edov": 0, "email_verified": True}, None),
        (f"{MICROSOFT}/{TENANT}/v2.0", {"email_verified": True}, None),
    ],
)
def test_an_email_counts_only_when_it_is_verified(
    name: str, claims: dict[str, Any], email: str | None
) -> None:
    given_claims = {"iss": name, "sub": "s", "email": "Ana@x.example", **claims}
    assert read_claims(given_claims, Issuer(name, frozenset())).email == email


@pytest.mark.parametrize("blank", ["\u3164", "\u2800", "\u115f", "\u0301", "\u2065", " "])
def test_a_name_that_shows_nothing_is_none(blank: str) -> None:
    issuer = Issuer("https://i.example", frozenset())
    claims = {"iss": issuer.name, "sub": "s", "name": blank}
    assert read_claims(claims, issuer).name is None
    assert read_claims({**claims, "name": f"Ana{blank}"}, issuer).name != blank


# Several issuers, and the one of the laptop.


async def test_each_of_several_issuers_has_its_own_keys_and_audiences() -> None:
    first, second = ed_key(), ed_key()
    with (
        serve_issuer(first.published(kid="k")) as one,
        serve_issuer(second.published(kid="k")) as two,
    ):
        verifier = OidcVerifier(
            parse_issuers(f"{one.url}|a {two.url}|b", loopback=True), find_any_person
        )
        assert await verifier.verify(one.token(first, "k", aud="a"), NOW)
        assert await verifier.verify(two.token(second, "k", aud="b"), NOW)
        assert "signature is wrong" in await refusal(verifier, one.token(second, "k", aud="a"))
        assert "another service" in await refusal(verifier, one.token(first, "k", aud="b"))


async def test_a_deployment_without_issuers_does_not_start() -> None:
    database = Database(Settings(), url="postgresql://none@127.0.0.1:1/nothing")
    for issuers in ("", "  ", "http://127.0.0.1:9|a"):
        with pytest.raises(ConfigurationError, match="POUTAMA_ISSUERS"):
            open_verifier(Settings(issuers=issuers), database)
    assert open_verifier(Settings(issuers="https://issuer.example|a"), database)
    await database.close()
