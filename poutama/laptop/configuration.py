"""Settings on a laptop: read from the environment, checked, and shown to people.

Called by the command line. The plain `PORT` of `make up` is read here and nowhere else. Never
shows a secret: passwords and keys are masked.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from poutama.errors import ConfigurationError
from poutama.settings import PREFIX, Settings

MASK = "********"
# Whole values that are never shown; a URL loses only its password.
SECRETS = ("database_tls_key",)

PAGE_OPENING = """\
# Settings

Every setting is an environment variable, read once when a command or a function starts.
`poutama settings` shows the values in force. `PORT` is read as `POUTAMA_PORT` by `make up` when
that is not set.

This page is written by `poutama settings --markdown`.

| variable | default | |
|---|---|---|
"""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, `PORT` instead of `POUTAMA_PORT`.

    Raises:
        ConfigurationError: a value cannot be used; names the variable.
    """
    port = f"{PREFIX}PORT"
    if "PORT" not in environment or port in environment:
        return Settings.from_environment(environment)
    if not environment["PORT"].isdecimal():
        raise ConfigurationError("PORT: expected a whole number")
    return Settings.from_environment({**environment, port: environment["PORT"]})


def check_address(settings: Settings) -> None:
    """Refuse what the local server cannot or must not listen on.

    Raises:
        ConfigurationError: not a port, or an address that others could reach.
    """
    if not 0 <= settings.port <= 65535:
        raise ConfigurationError(f"port {settings.port}: expected a number from 0 to 65535")
    try:
        loopback = ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = settings.host == "localhost"
    if not loopback:
        raise ConfigurationError(
            f"POUTAMA_HOST: expected an address of this machine alone, such as 127.0.0.1;"
            f" got {settings.host}"
        )


def open_home(settings: Settings) -> Path:
    """The data folder, made if it is missing, and shown to be writable.

    Raises:
        ConfigurationError: it cannot be made or written.
    """
    home = Path(settings.home).expanduser().absolute()
    trial = home / ".writable"
    try:
        home.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"{home}: cannot be used as the data folder ({error.strerror}); choose another:"
            " POUTAMA_HOME=..."
        ) from error
    return home


def describe_settings(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Variable, default, value in force and help, in the order of `Settings`; secrets masked."""
    return [
        (
            PREFIX + item.name.upper(),
            _text(item.default),
            _shown(item.name, getattr(settings, item.name)),
            item.metadata["help"],
        )
        for item in fields(settings)
    ]


def render_settings_page() -> str:
    """The text of `docs/settings.md`."""
    rows = [
        f"| `{variable}` | {f'`{default}`' if default else ''} | {help_} |\n"
        for variable, default, _, help_ in describe_settings(Settings())
    ]
    return PAGE_OPENING + "".join(rows)


def _shown(name: str, value: object) -> str:
    text = _text(value)
    if name in SECRETS:
        return MASK if text else ""
    hidden = re.sub(r"(?<=://)([^:/@?]*):[^/?]*@", rf"\1:{MASK}@", text)
    return re.sub(r"(?<=[?&]password=)[^&]*", MASK, hidden)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
