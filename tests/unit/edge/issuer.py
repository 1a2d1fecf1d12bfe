"""An issuer to test with: a real HTTP server on this machine, and keys that sign anything."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

NOW = 1_800_000_000.0
AUDIENCE = "client-1"
KEYS_PATH = "/keys"
DISCOVERY_PATH = "/.well-known/openid-configuration"

Sign = Callable[[bytes], bytes]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jws(header: object, claims: object, sign: Sign) -> str:
    """RFC 7515 by hand: a library might refuse to make what has to be refused."""
    parts = [base64url(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, base64url(sign(".".join(parts).encode()))])


@dataclass(frozen=True)
class TestKey:
    """A key pair: what signs, and what is published of it."""

    __test__ = False

    algorithm: str
    sign: Sign
    jwk: dict[str, Any]
    public: Any

    def published(self, **members: object) -> dict[str, Any]:
        entry = {**self.jwk, "use": "sig", "alg": self.algorithm, **members}
        return {name: value for name, value in entry.items() if value is not ...}


def rsa_key(bits: int = 2048, algorithm: str = "RS256") -> TestKey:
    key = rsa.generate_private_key(65537, bits)

    def sign(data: bytes) -> bytes:
        if algorithm == "PS256":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            return key.sign(data, pss, hashes.SHA256())
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    public = key.public_key()
    return TestKey(algorithm, sign, RSAAlgorithm.to_jwk(public, as_dict=True), public)


def ec_key() -> TestKey:
    key = ec.generate_private_key(ec.SECP256R1())

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    public = key.public_key()
    return TestKey("ES256", sign, ECAlgorithm.to_jwk(public, as_dict=True), public)


def ed_key() -> TestKey:
    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    return TestKey("EdDSA", key.sign, OKPAlgorithm.to_jwk(public, as_dict=True), public)


@dataclass
class IssuerServer:
    """What the server answers, to be changed by tests, and what it was asked.

    Attributes:
        keys: the entries of its key set.
        answers: by path, instead of the usual ones: status, headers, body.
        asked: the paths, in order.
        gate: closed, it makes every answer wait.
        arrived: a request has come.
    """

    url: str = ""
    keys: list[Any] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    @property
    def jwks_uri(self) -> str:
        return self.url + KEYS_PATH

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        documents = {
            KEYS_PATH: {"keys": self.keys},
            DISCOVERY_PATH: {"issuer": self.url, "jwks_uri": self.jwks_uri},
        }
        if path in self.answers:
            return self.answers[path]
        if path not in documents:
            return 404, {}, b""
        return 200, {}, json.dumps(documents[path]).encode()

    def claims(self, **changes: object) -> dict[str, object]:
        """Good ones, but for the changes; a claim that is `...` is left out."""
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "subject-1",
            "iat": NOW,
            "exp": NOW + 3600,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def token(self, key: TestKey, kid: object = "k1", **changes: object) -> str:
        header = {"alg": key.algorithm, "typ": "JWT", "kid": kid}
        header = {name: value for name, value in header.items() if value is not ...}
        return jws(header, self.claims(**changes), key.sign)


@contextmanager
def serve_issuer(
    *keys: dict[str, Any], tls: ssl.SSLContext | None = None
) -> Iterator[IssuerServer]:
    issuer = IssuerServer(keys=list(keys))
    issuer.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            issuer.arrived.set()
            issuer.gate.wait(60)
            status, headers, body = issuer.answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Those who hang up in the middle are what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    issuer.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    try:
        yield issuer
    finally:
        issuer.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def hmac_signer(secret: bytes) -> Sign:
    return lambda data: hmac.digest(secret, data, hashlib.sha256)
