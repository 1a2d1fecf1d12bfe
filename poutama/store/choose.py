"""Chooses the store that the settings name. Called where the resources are opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_bytes, token_hex

from poutama.settings import Settings
from poutama.store.directory import DirectoryStore
from poutama.store.objects import ObjectStore
from poutama.store.s3 import S3Store

FOLDER = "files"
SECRET = "secret"  # noqa: S105  the name of a file


def open_store(settings: Settings, environment: Mapping[str, str], home: Path) -> ObjectStore:
    """The bucket of `store_bucket`; without one, a folder in `home`.

    Args:
        settings: `store_bucket`, `aws_region`, `aws_endpoint`.
        environment: where credentials for AWS are; not read for a folder.
        home: the data folder; not touched for a bucket.

    Raises:
        ConfigurationError: the bucket's region is not known.
    """
    if settings.store_bucket:
        return S3Store(settings, environment)
    return open_directory(home)


def open_directory(home: Path) -> DirectoryStore:
    """The folder's store; its secret is made once, for its owner's eyes only."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return DirectoryStore(folder, _open_secret(folder / SECRET))


def _open_secret(path: Path) -> bytes:
    if not path.exists():
        # Linked into place: of two processes that begin together, both use the first one's.
        trial = path.with_name(f".{SECRET}-{token_hex(8)}")
        handle = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(token_bytes(32))
        try:
            path.hardlink_to(trial)
        except FileExistsError:
            pass
        finally:
            trial.unlink()
    return path.read_bytes()
