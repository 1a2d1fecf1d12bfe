"""The local issuer: one key a data folder, and tokens that its verifier takes."""

from __future__ import annotations

import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from poutama.demo.loader import make_demo
from poutama.demo.school import person_id
from poutama.edge.tokens import Authenticator
from poutama.errors import ConfigurationError, NotFoundError, UnauthenticatedError
from poutama.laptop.issuer import KEY_FILE, issue_token, local_verifier, open_key, token_for
from poutama.viewer import Viewer

PERSON = UUID(int=42)


async def viewer_of(home: Path, token: str) -> Viewer | None:
    return await Authenticator(local_verifier(home)).viewer_from_authorization(f"Bearer {token}")


async def test_what_is_issued_is_good(tmp_path: Path) -> None:
    assert await viewer_of(tmp_path, issue_token(tmp_path, PERSON)) == Viewer(PERSON)


async def test_a_token_ends_with_its_lifetime(tmp_path: Path) -> None:
    before = time.time()
    token = issue_token(tmp_path, PERSON, lifetime=timedelta(hours=1))
    verified = await local_verifier(tmp_path).verify(token, before)
    assert before - 1 <= verified.good_until - 3600 - 30 <= time.time()
    with pytest.raises(UnauthenticatedError, match="expired"):
        await local_verifier(tmp_path).verify(token, verified.good_until)


async def test_the_key_is_kept_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    home = tmp_path / "not" / "there" / "yet"
    token = issue_token(home, PERSON)
    key = home / KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert list(home.iterdir()) == [key]
    assert await viewer_of(home, token) == Viewer(PERSON)


def test_a_key_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    issue_token(tmp_path, PERSON)
    (tmp_path / KEY_FILE).chmod(0o644)
    issue_token(tmp_path, PERSON)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


async def test_another_folder_is_another_issuer(tmp_path: Path) -> None:
    token = issue_token(tmp_path / "a", PERSON)
    with pytest.raises(UnauthenticatedError, match="signature is wrong"):
        await viewer_of(tmp_path / "b", token)


def test_several_that_make_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: open_key(tmp_path).private_bytes_raw(), range(16)))
    assert len(keys) == 1


EC_KEY = generate_private_key(SECP256R1()).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)


@pytest.mark.parametrize("content", [b"", b"not a key", EC_KEY], ids=["empty", "garbage", "EC"])
def test_a_file_that_is_no_key_is_said_plainly(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"{KEY_FILE}: not .* move it away"):
        open_key(tmp_path)


def test_a_folder_that_cannot_be_used_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"Not a directory|File exists"):
        open_key(tmp_path / "file")


async def test_a_token_for_an_email_of_the_school(tmp_path: Path, database_url: str) -> None:
    await make_demo(database_url, students=1)
    token = await token_for(database_url, tmp_path, "student-0001@demo.example")
    assert await viewer_of(tmp_path, token) == Viewer(person_id("student-0001@demo.example"))


async def test_an_unknown_email_is_named(tmp_path: Path, database_url: str) -> None:
    with pytest.raises(NotFoundError, match=r"stranger@demo\.example.*poutama demo"):
        await token_for(database_url, tmp_path, "stranger@demo.example")
