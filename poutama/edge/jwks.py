"""The public keys of an issuer: fetched when needed, kept, and followed when they are rotated.

`edge.oidc` asks a `KeySet` for the key that a token names. However many tokens ask, one fetch is
under way at a time, and fetches keep a distance: no caller can make us flood an issuer by inventing
key ids. Keys outlive an issuer's outage for a day, and no longer.

The document: https://www.rfc-editor.org/rfc/rfc7517#section-5
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from poutama.edge.fetch import FetchError, run_in_thread
from poutama.errors import UnavailableError

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""All that a token may be signed with: every one has a public key to verify with."""

FRESH_SECONDS = 3_600.0
"""Age at which keys are fetched anew: so long can a key that was withdrawn still be taken."""
STALE_SECONDS = 86_400.0
"""Age up to which keys are used while the issuer does not answer."""
PAUSE_SECONDS = 30.0
"""Shortest time between two fetches, whatever tokens ask for."""
RETRY_SECONDS = 5.0
"""The same, after a fetch that failed."""
WAIT_SECONDS = 3.0
"""Longest time a request waits for a fetch."""
GIVE_UP_SECONDS = 20.0
"""Time after which a fetch counts as failed, whatever it is doing."""

_SMALLEST_RSA, _LARGEST_RSA = 2_048, 8_192
_CURVES = {"ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key as an issuer publishes it.

    Attributes:
        kid: its name; not every issuer gives one.
        algorithm: the only one it verifies.
        key: itself.
        issuer: whose tokens alone it may sign; Microsoft says so, where many share a set.
    """

    kid: str | None
    algorithm: str
    key: jwt.PyJWK
    issuer: str | None = None


class KeySet:
    """The keys of one issuer. Belongs to the event loop it is first used on."""

    def __init__(
        self,
        name: str,
        load: Callable[[], tuple[SigningKey, ...]],
        *,
        wait_seconds: float = WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetch nothing yet.

        Args:
            name: what the log calls the issuer.
            load: gets the keys, blocking; called in a thread, and raises `FetchError`.
            wait_seconds: longest time a request waits for `load`.
            clock: counts seconds; it may not go back.
        """
        self._name = name
        self._load = load
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._keys: tuple[SigningKey, ...] = ()
        self._fetched_at = -math.inf
        self._tried_at = -math.inf
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str) -> Sequence[SigningKey]:
        """The keys that a token may mean: one, as a rule.

        None when the issuer does not publish the key, or when a token names none and there is more
        than one.

        Raises:
            UnavailableError: the issuer's keys cannot be had just now.
        """
        if self._age >= FRESH_SECONDS:
            fetching = self._fetch()
            # An issuer known to be in trouble delays no request while the old keys serve.
            if not self._failed or self._age >= STALE_SECONDS:
                await self._wait(fetching)
        found = self._pick(kid, algorithm)
        if not found and kid is not None:
            await self._wait(self._fetch())
            found = self._pick(kid, algorithm)
        # Without the issuer it is unknown whether a key that we do not have is a new one.
        in_doubt = not found and (self._failed or self._fetching is not None)
        if in_doubt or self._age >= STALE_SECONDS:
            raise UnavailableError("The keys of the token's issuer cannot be fetched; try again.")
        return found

    @property
    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _pick(self, kid: str | None, algorithm: str) -> list[SigningKey]:
        fit = [key for key in self._keys if key.algorithm == algorithm]
        if kid is None:
            return fit if len(fit) == 1 else []
        return [key for key in fit if key.kid == kid]

    def _fetch(self) -> asyncio.Task[None] | None:
        """The fetch that is under way, or a new one if enough time has passed since the last."""
        if self._fetching is None:
            now = self._clock()
            if now - self._tried_at < (RETRY_SECONDS if self._failed else PAUSE_SECONDS):
                return None
            self._tried_at = now
            self._fetching = asyncio.create_task(self._replace_keys(now))
        return self._fetching

    async def _wait(self, fetching: asyncio.Task[None] | None) -> None:
        # Neither our time limit nor our cancellation ends a fetch that others wait for.
        if fetching is not None:
            await asyncio.wait([fetching], timeout=self._wait_seconds)

    async def _replace_keys(self, now: float) -> None:
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                keys = await run_in_thread(self._load)
        except Exception as error:  # whatever it is, the keys at hand are still good
            reason = error if isinstance(error, FetchError) else type(error).__name__
            logger.warning("keys of %s: %s", self._name, reason)
            self._failed = True
        else:
            self._keys, self._fetched_at, self._failed = keys, now, False
        finally:
            self._fetching = None


def read_keys(document: Any) -> tuple[SigningKey, ...]:
    """The keys of a set that can verify a token here; the others are passed over.

    Raises:
        FetchError: there is none.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise FetchError("answered with something else than a key set")
    keys = tuple(key for entry in entries if (key := _read_key(entry)) is not None)
    if not keys:
        raise FetchError("publishes no key that can be used here")
    return keys


def _read_key(entry: Any) -> SigningKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    if entry.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return None
    kid, issuer = entry.get("kid"), entry.get("issuer")
    try:
        if "verify" not in entry.get("key_ops", ("verify",)):
            return None
        # Takes the algorithm from `alg`, or else from the kind of key: RS256, ES256, EdDSA, ...
        key = jwt.PyJWK(entry)
    except Exception:  # many kinds, of two libraries; one odd key must not lose us the others
        return None
    if not _fits(entry, key):
        return None
    return SigningKey(
        kid if isinstance(kid, str) else None,
        key.algorithm_name,
        key,
        issuer if isinstance(issuer, str) else None,
    )


def _fits(entry: dict[str, Any], key: jwt.PyJWK) -> bool:
    """Whether a key is public, strong enough, and of the kind that its algorithm is for.

    PyJWT has seen to it that the kind of key and the family of the algorithm go together.
    """
    algorithm = key.algorithm_name
    if algorithm not in ALGORITHMS or "d" in entry:
        return False
    if key.key_type == "RSA":
        return bool(_SMALLEST_RSA <= key.key.key_size <= _LARGEST_RSA)
    return _CURVES.get(algorithm) == entry.get("crv")
