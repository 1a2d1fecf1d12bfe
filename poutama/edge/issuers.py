"""Which issuers are trusted, and where their keys are: the setting `POUTAMA_ISSUERS`, read.

Called by `edge.oidc`. The local issuer cannot be named here: it has no https address.
Where an issuer says where its keys are: https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from poutama.edge.fetch import FetchError, fetch_json, is_loopback, is_secure
from poutama.edge.jwks import SigningKey, read_keys
from poutama.errors import ConfigurationError

TENANT = "{tenantid}"
FETCH_SECONDS = 10.0
LARGEST_DOCUMENT = 262_144

_VARIABLE = "POUTAMA_ISSUERS"
_TENANT_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MICROSOFT = re.compile(
    r"(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn"
    r"|sts\.windows\.net|[a-z0-9-]+\.ciamlogin\.com)"
)


@dataclass(frozen=True)
class Issuer:
    """One issuer that is trusted.

    Attributes:
        name: as its tokens have it in `iss`; `{tenantid}` stands for any Microsoft tenant.
        audiences: for whom its tokens may be meant: our client ids there.
        jwks_uri: where its keys are; empty when its discovery document says so.
    """

    name: str
    audiences: frozenset[str]
    jwks_uri: str = ""

    def is_named(self, iss: object, tid: object) -> bool:
        """Whether a token with this `iss` (and this `tid`, Microsoft's tenant) is one of its."""
        if self.pattern is None:
            return iss == self.name
        found = self.pattern.fullmatch(iss) if isinstance(iss, str) else None
        return found is not None and found[1] == tid

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        if TENANT not in self.name:
            return None
        before, _, after = self.name.partition(TENANT)
        return re.compile(f"{re.escape(before)}({_TENANT_ID}){re.escape(after)}")

    @cached_property
    def is_microsoft(self) -> bool:
        return _MICROSOFT.fullmatch(urlsplit(self.name).hostname or "") is not None

    def load_keys(self) -> tuple[SigningKey, ...]:
        """Fetch the keys. Blocks: `edge.jwks` calls it in a thread.

        Raises:
            FetchError: they are not to be had.
        """
        deadline = time.monotonic() + FETCH_SECONDS
        address = self.jwks_uri
        if not address:
            described = self._fetch(self._discovery, deadline)
            address = read_jwks_uri(described, self.name)
        return read_keys(self._fetch(address, deadline))

    @property
    def _discovery(self) -> str:
        # What Microsoft calls the tenant that has the keys of all.
        base = self.name.replace(TENANT, "common").rstrip("/")
        return f"{base}/.well-known/openid-configuration"

    def _fetch(self, address: str, deadline: float) -> Any:
        return fetch_json(address, deadline=deadline, max_bytes=LARGEST_DOCUMENT)


def read_jwks_uri(described: Any, name: str) -> str:
    """Where a discovery document says that the keys are.

    Raises:
        FetchError: it is none, or another issuer's.
    """
    if not isinstance(described, dict) or described.get("issuer") != name:
        raise FetchError("its discovery document describes another issuer")
    address = described.get("jwks_uri")
    if not isinstance(address, str):
        raise FetchError("its discovery document names no keys")
    if is_loopback(address) and not is_loopback(name):
        raise FetchError("its discovery document names keys on this machine")
    return address


def parse_issuers(text: str, *, loopback: bool = False) -> tuple[Issuer, ...]:
    """Read the setting: entries `ISSUER|AUDIENCE` or `ISSUER|AUDIENCE,AUDIENCE|KEYS`, by spaces.

    Args:
        text: the value of the setting.
        loopback: whether plain HTTP to this machine will do; tests alone say so.

    Raises:
        ConfigurationError: it cannot be read, or names none; the message says which and why.
    """
    issuers = tuple(_parse_issuer(entry, loopback=loopback) for entry in text.split())
    if not issuers:
        raise ConfigurationError(
            f"{_VARIABLE}: expected ISSUER|AUDIENCE, one or several, got nothing"
        )
    names = [issuer.name for issuer in issuers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(
                f"{_VARIABLE}: {name} is listed twice; put its audiences together, with commas"
            )
    return issuers


def _parse_issuer(entry: str, *, loopback: bool) -> Issuer:
    name, *rest = entry.split("|")
    if not 1 <= len(rest) <= 2 or not all(rest):
        raise ConfigurationError(
            f"{_VARIABLE}: expected ISSUER|AUDIENCE or ISSUER|AUDIENCE|KEYS, got {entry[:200]}"
        )
    audiences = rest[0].split(",")
    if not all(audiences):
        raise ConfigurationError(
            f"{_VARIABLE}: {name}: expected audiences between commas, got {rest[0][:200]}"
        )
    addresses = [name, *rest[1:]]
    for address in addresses:
        _check_address(address, loopback=loopback)
    if name.count(TENANT) > 1 or re.search(r"[{}]", name.replace(TENANT, "")):
        raise ConfigurationError(
            f"{_VARIABLE}: expected {TENANT} in braces, and only once, got {name[:200]}"
        )
    return Issuer(name, frozenset(audiences), *rest[1:])


def _check_address(address: str, *, loopback: bool) -> None:
    try:
        parts = urlsplit(address)
        good = is_secure(address) or (loopback and is_loopback(address))
        good = good and parts.port != 0 and TENANT not in parts.netloc
    except ValueError:
        good = False
    if not good or parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(f"{_VARIABLE}: expected an https:// address, got {address}")
