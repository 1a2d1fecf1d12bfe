"""The certificate of `poutama serve`: read, checked, and refused in one line.

Called by the supervisor before anything listens, and by each worker. A certificate that no client
would accept is an error now, not a riddle for clients later.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from poutama.errors import ConfigurationError
from poutama.settings import Settings

CERT = "POUTAMA_TLS_CERT"
KEY = "POUTAMA_TLS_KEY"


def open_tls(settings: Settings) -> ssl.SSLContext | None:
    """The context for the certificate in the settings; None where there is none.

    Raises:
        ConfigurationError: a file is missing or unreadable, the key is not the certificate's, or
            the certificate is not valid today; names the variable and the file.
    """
    if not settings.tls_cert and not settings.tls_key:
        return None
    if not settings.tls_cert:
        raise ConfigurationError(f"{CERT}: expected a PEM file, because {KEY} is set")
    if not settings.tls_key:
        raise ConfigurationError(f"{KEY}: expected a PEM file, because {CERT} is set")
    certificate = _read_certificate(settings.tls_cert, _read(CERT, settings.tls_cert))
    key = _read_key(settings.tls_key, _read(KEY, settings.tls_key))
    if key.public_key() != certificate.public_key():
        raise ConfigurationError(
            f"{KEY}: {settings.tls_key} is not the key of the certificate {settings.tls_cert}"
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except ssl.SSLError as error:
        reason = (error.reason or "unknown").replace("_", " ").lower()
        raise ConfigurationError(
            f"{CERT}: {settings.tls_cert}: OpenSSL refuses the certificate or its chain ({reason})"
        ) from error
    return context


def _read(variable: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{variable}: {file}: {error.strerror}") from error


def _read_key(file: str, pem: bytes) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{KEY}: {file}: expected an unencrypted private key in PEM"
        ) from error


def _read_certificate(file: str, pem: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificates(pem)[0]
    except ValueError as error:
        raise ConfigurationError(f"{CERT}: {file}: expected a certificate in PEM") from error
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        raise ConfigurationError(
            f"{CERT}: {file} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        )
    if now < certificate.not_valid_before_utc:
        raise ConfigurationError(
            f"{CERT}: {file} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
        )
    return certificate
