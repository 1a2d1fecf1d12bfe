"""The local issuer: signs bearer tokens for the people of a laptop's database.

Called by `poutama token EMAIL`, by `poutama up` for the verifier, and by tests. Its Ed25519 key is
made on first use and stays in the data folder, readable by its owner alone. It exists in local
mode only: no function imports it, and nothing in production trusts it.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from uuid import UUID

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from poutama.db.connection import Database
from poutama.db.invited_people import add_invited_person
from poutama.edge.tokens import LocalTokenVerifier
from poutama.errors import ConfigurationError, NotFoundError
from poutama.settings import Settings

ISSUER = "urn:poutama:local"
AUDIENCE = "poutama"
KEY_FILE = "issuer-key.pem"
LIFETIME = timedelta(hours=12)
READ_SECONDS = 10.0


def issue_token(home: Path, person_id: UUID, *, lifetime: timedelta = LIFETIME) -> str:
    """Sign a token for a person, good from now on for `lifetime`.

    Raises:
        ConfigurationError: the key cannot be read or made.
    """
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(person_id),
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        "jti": token_hex(8),
    }
    return jwt.encode(claims, open_key(home), algorithm="EdDSA")


def local_verifier(home: Path) -> LocalTokenVerifier:
    """What verifies the tokens of the issuer in `home`.

    Raises:
        ConfigurationError: the key cannot be read or made.
    """
    key = OKPAlgorithm.to_jwk(open_key(home).public_key(), as_dict=True)
    return LocalTokenVerifier(jwt.PyJWK(key), issuer=ISSUER, audience=AUDIENCE)


async def token_for(
    url: str,
    home: Path,
    email: str,
    *,
    lifetime: timedelta = LIFETIME,
    settings: Settings | None = None,
) -> str:
    """Sign a token for the person with this email, who begins now if the address was invited.

    Raises:
        NotFoundError: no person has it; the message says what to do.
        ConfigurationError: the key cannot be read or made.
        UnavailableError: the database cannot be reached.
    """
    database = Database(settings or Settings(), url=url)
    try:
        deadline = time.monotonic() + READ_SECONDS
        found = await database.read(
            "select id from person where email = $1", [email], deadline=deadline, name="token"
        )
        person_id = found[0]["id"] if found else None
        if person_id is None:
            person_id = await add_invited_person(database, email, None, deadline=deadline)
    finally:
        await database.close()
    if person_id is None:
        raise NotFoundError(
            f"No person in this database has the email {email}. `poutama demo` makes people such as"
            " student-0001@demo.example."
        )
    return issue_token(home, person_id, lifetime=lifetime)


def open_key(home: Path) -> Ed25519PrivateKey:
    """The issuer's key; made when there is none yet.

    Raises:
        ConfigurationError: the file cannot be read or made, or holds something else.
    """
    path = home / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        # Copying a folder may have opened what only its owner was to read.
        path.chmod(0o600)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{path}: not a private key; move it away, and a new one is made"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path}: not an Ed25519 key; move it away, and one is made")
    return key


def _make_key(path: Path) -> None:
    """Write a new key in whole; of several processes doing so, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    fresh = path.with_name(f".{KEY_FILE}.{token_hex(8)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            return
    finally:
        fresh.unlink(missing_ok=True)
