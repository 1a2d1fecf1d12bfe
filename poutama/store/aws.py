"""AWS as the S3 store sees it: credentials, the SDK's client, and its errors in our words.

The SDK, botocore, is loaded when something is first sent; signing needs it only where the
environment has no credentials. No message has a secret in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any, Literal, TypeAlias

from poutama.errors import ConfigurationError, NotFoundError, PoutamaError, UnavailableError
from poutama.settings import Settings
from poutama.store.sigv4 import Credentials

AddressingStyle: TypeAlias = Literal["path", "virtual"]

_ABSENT = {"NoSuchKey", "404", "NotFound"}
_BEYOND = {"InvalidRange", "416"}
_BUSY = {"SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "Throttling", "OperationAborted"}


class StoreRefusedError(PoutamaError):
    """The store refused what was asked of it."""


class RangeBeyondError(PoutamaError):
    """The range begins beyond the end of the object."""


class AwsClient:
    """One S3 client, made when it is first needed; for any number of threads."""

    def __init__(
        self, environment: Mapping[str, str], *, region: str, endpoint: str, style: AddressingStyle
    ) -> None:
        """Hold what the client will need.

        Args:
            environment: where functions find their credentials; without any, the SDK looks where
                it always does.
            region: of the bucket.
            endpoint: what answers in place of AWS; empty for AWS.
            style: `path` or `virtual`: where an address has the bucket's name.
        """
        self._configured = _read_credentials(environment)
        self._region = region
        self._endpoint = endpoint
        self._style = style
        self._lock = Lock()
        # The SDK's own; it is not there to name their types by.
        self._session: Any = None
        self._opened: Any = None

    def credentials(self) -> Credentials:
        """Return the credentials; call it each time, since the SDK renews temporary ones.

        Raises:
            ConfigurationError: there are no credentials.
        """
        if self._configured is not None:
            return self._configured
        with self._lock:
            found = self._open_session().get_credentials()
            if found is None:
                raise ConfigurationError("no AWS credentials: set AWS_ACCESS_KEY_ID or a profile")
            frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")

    def open(self) -> Any:
        """The SDK's client."""
        with self._lock:
            if self._opened is None:
                # heavy: 0.4 s, and only requests that move files need it.
                from botocore.config import Config

                config = Config(
                    signature_version="s3v4",
                    connect_timeout=5,
                    read_timeout=30,
                    retries={"mode": "standard", "total_max_attempts": 4},
                    s3={"addressing_style": self._style},
                )
                self._opened = self._open_session().create_client(
                    "s3",
                    region_name=self._region,
                    endpoint_url=self._endpoint or None,
                    config=config,
                )
            return self._opened

    def close(self) -> None:
        """Close connections."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _open_session(self) -> Any:
        if self._session is None:
            # heavy: as above.
            from botocore.session import get_session

            self._session = get_session()
            if self._configured is not None:
                self._session.set_credentials(
                    self._configured.access_key,
                    self._configured.secret_key,
                    self._configured.token or None,
                )
        return self._session


@contextmanager
def translate_errors(operation: str) -> Iterator[None]:
    """Turn the SDK's errors into ours; their messages have the operation and AWS's code."""
    # heavy: needed only by requests that move files.
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise refusal(operation, code, status) from error
    except (
        exceptions.HTTPClientError,
        exceptions.ConnectionError,
        exceptions.IncompleteReadError,
    ) as error:
        raise _unavailable() from error
    except exceptions.BotoCoreError as error:
        raise StoreRefusedError(f"S3 {operation}: {type(error).__name__}") from error


def refusal(operation: str, code: str, status: int) -> PoutamaError:
    """The error for a code of AWS's."""
    if code in _ABSENT:
        return NotFoundError("File not found.")
    if code in _BEYOND:
        return RangeBeyondError()
    if status >= 500 or status == 429 or code in _BUSY:
        return _unavailable()
    return StoreRefusedError(f"S3 {operation}: {code or status}")


def read_region(settings: Settings, environment: Mapping[str, str]) -> str:
    """Where the bucket is.

    Raises:
        ConfigurationError: none is set.
    """
    region = (
        settings.aws_region
        or environment.get("AWS_REGION", "")
        or environment.get("AWS_DEFAULT_REGION", "")
    )
    if not region:
        raise ConfigurationError(
            "POUTAMA_AWS_REGION: expected the region of the bucket, got nothing"
        )
    return region


def _unavailable() -> UnavailableError:
    return UnavailableError("The files cannot be reached just now; try again.")


def _read_credentials(environment: Mapping[str, str]) -> Credentials | None:
    access_key = environment.get("AWS_ACCESS_KEY_ID", "")
    secret_key = environment.get("AWS_SECRET_ACCESS_KEY", "")
    if not access_key or not secret_key:
        return None
    return Credentials(access_key, secret_key, environment.get("AWS_SESSION_TOKEN", ""))
