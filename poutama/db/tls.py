"""TLS contexts for the database, from settings that hold file names or the PEM text itself.

`poutama.db.hosts` asks once per process; `edge.fetch` has the same trust in other servers.
Verification is on unless a setting or the URL says otherwise by name, or the database is on this
machine. Never logs or raises key material.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from poutama.errors import ConfigurationError
from poutama.settings import Settings

MODES = ("verify-full", "verify-ca", "require", "disable")
# libpq's words for "encrypt if you like": on a network that verifies nothing, so we don't have it.
_HALF_HEARTED = ("prefer", "allow")


def build_tls(
    settings: Settings, query: Mapping[str, str], *, local: bool
) -> ssl.SSLContext | None:
    """Make the context for all connections; None is plain text.

    Args:
        settings: `database_tls*`; each wins over its counterpart in the URL.
        query: the URL's parameters (`sslmode`, `sslrootcert`, `sslcert`, `sslkey`).
        local: every host is this machine, so nothing is encrypted unless asked for.

    Raises:
        ConfigurationError: an unknown mode, a file that is not there, a key that does not belong
            to its certificate.
    """
    mode = _choose_mode(settings, query, local)
    if mode == "disable":
        return None
    authority = settings.database_tls_ca or query.get("sslrootcert", "")
    context = open_client_context()
    if authority:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(context, authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_NONE if mode == "require" else ssl.CERT_REQUIRED
    certificate = settings.database_tls_cert or query.get("sslcert", "")
    if certificate:
        _identify(context, certificate, settings.database_tls_key or query.get("sslkey", ""))
    return context


def open_client_context() -> ssl.SSLContext:
    """Make a context that trusts the authorities of this machine; for whatever we connect to.

    Since Python 3.13 the default also asks for what RFC 5280 asks of the makers of certificates, a
    key identifier and a key usage. That proves nothing more about a server, and refuses private
    authorities: those that PostgreSQL's manual makes, and older ones of `cockroach cert`.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _choose_mode(settings: Settings, query: Mapping[str, str], local: bool) -> str:
    mode = settings.database_tls or query.get("sslmode", "")
    certified = settings.database_tls_ca or settings.database_tls_cert
    if not mode or (mode in _HALF_HEARTED and not settings.database_tls):
        return "disable" if local and not certified else "verify-full"
    if mode not in MODES:
        expected = ", ".join(f"`{name}`" for name in MODES)
        raise ConfigurationError(
            f"POUTAMA_DATABASE_TLS: expected one of {expected}, got {mode[:50]!r}"
        )
    return mode


def _trust(context: ssl.SSLContext, authority: str) -> None:
    try:
        context.load_verify_locations(cadata=_read_pem("POUTAMA_DATABASE_TLS_CA", authority))
    except ssl.SSLError as error:
        raise ConfigurationError(
            "POUTAMA_DATABASE_TLS_CA: expected certificates in PEM, got something else"
        ) from error


def _identify(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """OpenSSL takes certificates from files only, so secret text passes through private ones."""
    with ExitStack() as stack:
        chain = _private_file(stack, _read_pem("POUTAMA_DATABASE_TLS_CERT", certificate))
        secret = key and _private_file(stack, _read_pem("POUTAMA_DATABASE_TLS_KEY", key))
        try:
            # A callable, or OpenSSL asks the terminal for the password of an encrypted key.
            context.load_cert_chain(chain, secret or None, password=lambda: "")
        except (ssl.SSLError, ValueError) as error:
            raise ConfigurationError(
                "POUTAMA_DATABASE_TLS_CERT and POUTAMA_DATABASE_TLS_KEY: expected a certificate in"
                " PEM and the unencrypted key that belongs to it"
            ) from error


def _private_file(stack: ExitStack, text: str) -> str:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))  # ours alone to enter
    file = folder / "secret.pem"
    file.write_text(text, encoding="ascii")
    return str(file)


def _read_pem(name: str, value: str) -> str:
    if "-----BEGIN" in value:
        return value.replace("\\n", "\n")  # how secrets look that passed through JSON or a shell
    try:
        return Path(value).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{name}: expected PEM text or the name of a file that can be read"
        ) from error
