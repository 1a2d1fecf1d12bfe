"""A certificate authority for an afternoon: PEM text for TLS tests."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Maker(Enum):
    """What makes certificates: each adds extensions of its own to those that an authority needs."""

    STRICT = "as RFC 5280 asks"
    """What Python 3.13 asks of a chain by default: X509_V_FLAG_X509_STRICT."""
    COCKROACH = "cockroach cert"
    OLD_COCKROACH = "cockroach cert before Go 1.15"
    POSTGRESQL = "openssl, as PostgreSQL's manual has it"


def _usage(*allowed: str) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in allowed for name in names})


NODE_USAGE = ("digital_signature", "key_encipherment")
NODE_PURPOSES = x509.ExtendedKeyUsage(
    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
)


def _extensions(
    maker: Maker, key: ec.EllipticCurvePrivateKey, issuer: ec.EllipticCurvePrivateKey | None
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """The extensions of an authority (no issuer) or of what one signs, and which are critical."""
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer or key).public_key())
    is_authority = issuer is None
    match maker:
        case Maker.STRICT:
            yield x509.BasicConstraints(ca=is_authority, path_length=None), True
            yield own, False
            yield signer, False
            if is_authority:
                yield _usage("key_cert_sign"), True
        case Maker.POSTGRESQL if is_authority:
            # The section v3_ca of openssl.cnf. What it signs has no extension at all.
            yield own, False
            yield signer, False
            yield x509.BasicConstraints(ca=True, path_length=None), True
        case Maker.POSTGRESQL:
            return
        case _ if is_authority:
            # https://github.com/cockroachdb/cockroach/blob/master/pkg/security/x509.go
            yield _usage(*NODE_USAGE, "content_commitment", "key_cert_sign"), True
            yield x509.BasicConstraints(ca=True, path_length=1), True
            if maker is Maker.COCKROACH:
                yield own, False
        case _:
            yield _usage(*NODE_USAGE), True
            yield NODE_PURPOSES, False
            if maker is Maker.COCKROACH:
                yield signer, False


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def authority(cls, name: str, maker: Maker = Maker.STRICT) -> Self:
        return cls._sign(name, None, None, maker)

    def issue(self, name: str, address: str | None = None, maker: Maker = Maker.STRICT) -> Identity:
        """A certificate for `name`, and for an address if it serves there."""
        return self._sign(name, self, address, maker)

    @classmethod
    def _sign(cls, name: str, issuer: Identity | None, address: str | None, maker: Maker) -> Self:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(hours=1))
        )
        for extension, critical in _extensions(maker, key, issuer.key if issuer else None):
            builder = builder.add_extension(extension, critical)
        if address:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
            builder = builder.add_extension(names, False)
        certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
        return cls(certificate, key)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
