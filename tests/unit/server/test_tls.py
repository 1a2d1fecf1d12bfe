"""The certificate of `poutama serve`: what no client would accept is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from poutama.errors import ConfigurationError
from poutama.server.certificate import open_tls
from poutama.settings import Settings

DAY = timedelta(days=1)


def write_pair(folder: Path, begins: timedelta, ends: timedelta, password: bytes = b"") -> Settings:
    """A certificate that is valid between two times from now, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a school")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(password) if password else None
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            lock or serialization.NoEncryption(),
        )
    )
    return Settings(tls_cert=str(folder / "cert.pem"), tls_key=str(folder / "key.pem"))


def complaint(settings: Settings) -> str:
    with pytest.raises(ConfigurationError) as caught:
        open_tls(settings)
    return caught.value.message


def test_a_certificate_of_today_is_used(tmp_path: Path) -> None:
    assert open_tls(write_pair(tmp_path, -DAY, DAY)) is not None
    assert open_tls(Settings()) is None


def test_one_that_has_expired_is_refused_with_its_day(tmp_path: Path) -> None:
    settings = write_pair(tmp_path, -3 * DAY, -2 * DAY)
    day = datetime.now(UTC) - 2 * DAY

    assert complaint(settings) == (
        f"POUTAMA_TLS_CERT: {settings.tls_cert} expired on {day:%Y-%m-%d}"
    )


def test_one_that_is_not_valid_yet_is_refused(tmp_path: Path) -> None:
    assert "is not valid before" in complaint(write_pair(tmp_path, DAY, 2 * DAY))


def test_a_key_with_a_password_is_refused_without_asking_for_the_password(tmp_path: Path) -> None:
    settings = write_pair(tmp_path, -DAY, DAY, password=b"secret")

    assert complaint(settings) == (
        f"POUTAMA_TLS_KEY: {settings.tls_key}: expected an unencrypted private key in PEM"
    )


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, name: str) -> None:
    settings = write_pair(tmp_path, -DAY, DAY)
    (tmp_path / name).write_text("not PEM")

    assert str(tmp_path / name) in complaint(settings)


def write_key(file: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def test_the_key_of_another_certificate_is_refused_whatever_its_kind(tmp_path: Path) -> None:
    settings = write_pair(tmp_path, -DAY, DAY)

    for key in (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)):
        write_key(Path(settings.tls_key), key)
        assert complaint(settings) == (
            f"POUTAMA_TLS_KEY: {settings.tls_key} is not the key of the certificate"
            f" {settings.tls_cert}"
        )


def test_what_is_wrong_with_a_chain_is_not_said_of_the_key(tmp_path: Path) -> None:
    settings = write_pair(tmp_path, -DAY, DAY)
    certificate = Path(settings.tls_cert)
    whole = certificate.read_text(encoding="utf-8")
    certificate.write_text(whole + "-----BEGIN CERTIFICATE-----\ncut off", encoding="utf-8")

    assert complaint(settings).startswith(
        f"POUTAMA_TLS_CERT: {certificate}: OpenSSL refuses the certificate or its chain ("
    )
