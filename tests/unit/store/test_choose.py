"""Which store the settings name, and the secret of the folder's."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from poutama.errors import ConfigurationError
from poutama.settings import Settings
from poutama.store.choose import open_directory, open_store
from poutama.store.directory import DirectoryStore
from poutama.store.s3 import S3Store

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


def sign(store: DirectoryStore | S3Store) -> str:
    return store.sign_download("a/b", person=UUID(int=1), name="c", media_type="d/e", seconds=1000)


def test_without_a_bucket_it_is_a_folder_of_the_home(tmp_path: Path) -> None:
    store = open_store(Settings(), {}, tmp_path)

    assert isinstance(store, DirectoryStore)
    assert (tmp_path / "files" / "objects").is_dir()


@pytest.mark.parametrize(
    ("settings", "environment", "address"),
    [
        ({"aws_region": "eu-west-1"}, {}, "https://bucket.s3.eu-west-1.amazonaws.com/a/b?"),
        ({}, {"AWS_REGION": "us-east-1"}, "https://bucket.s3.us-east-1.amazonaws.com/a/b?"),
        ({}, {"AWS_DEFAULT_REGION": "cn-north-1"},
         "https://bucket.s3.cn-north-1.amazonaws.com.cn/a/b?"),
        ({"store_bucket": "a.bucket"}, {"AWS_REGION": "eu-west-1"},
         "https://s3.eu-west-1.amazonaws.com/a.bucket/a/b?"),
        ({"aws_endpoint": "http://127.0.0.1:9000/"}, {"AWS_REGION": "eu-west-1"},
         "http://127.0.0.1:9000/bucket/a/b?"),
    ],
)  # fmt: skip
def test_with_a_bucket_it_is_s3_and_the_home_is_left_alone(
    tmp_path: Path, settings: dict[str, Any], environment: dict[str, str], address: str
) -> None:
    input = replace(Settings(store_bucket="bucket"), **settings)
    store = open_store(input, {**KEYS, **environment}, tmp_path)

    assert isinstance(store, S3Store)
    assert sign(store).startswith(address)
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_is_somewhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_AWS_REGION"):
        open_store(Settings(store_bucket="bucket"), KEYS, tmp_path)


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the SDK would find on a developer's machine is out of sight."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.mark.usefixtures("no_credentials")
def test_credentials_are_looked_for_where_the_sdk_looks(tmp_path: Path) -> None:
    (tmp_path / "AWS_SHARED_CREDENTIALS_FILE").write_text(
        "[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = x\n"
    )
    store = S3Store(Settings(store_bucket="bucket", aws_region="eu-west-1"), {})

    assert "Credential=AKIDPROFILE%2F" in sign(store)


@pytest.mark.usefixtures("no_credentials")
def test_no_address_is_signed_without_credentials() -> None:
    store = S3Store(Settings(store_bucket="bucket", aws_region="eu-west-1"), {})

    with pytest.raises(ConfigurationError, match="credentials"):
        sign(store)


def test_signing_loads_no_sdk() -> None:
    """It would be most of a function's start, and of its size."""
    program = (
        "import sys; from uuid import UUID;"
        "from poutama.store.s3 import S3Store; from poutama.settings import Settings;"
        f"store = S3Store(Settings(store_bucket='b', aws_region='r'), {KEYS});"
        "store.sign_download('a/b', person=UUID(int=1), name='c', media_type='d/e', seconds=9);"
        "store.sign_upload('a/b', media_type='d/e', size=1, sha256='00' * 32, seconds=9);"
        "print([name for name in sys.modules if name.split('.')[0] in ('botocore', 'boto3')])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "[]"


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        stores = list(threads.map(open_directory, [tmp_path] * 8))

    secret = tmp_path / "files" / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_bytes()) == 32
    query = sign(stores[0]).partition("?")[2]
    for store in stores:
        assert store.url_signer.read_download("a/b", query).media_type == "d/e"


def test_no_two_folders_have_the_same_secret(tmp_path: Path) -> None:
    for name in "ab":
        open_directory(tmp_path / name)

    assert (tmp_path / "a/files/secret").read_bytes() != (tmp_path / "b/files/secret").read_bytes()
