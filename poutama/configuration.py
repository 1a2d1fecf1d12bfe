"""Settings of a command: read from the environment, checked, and shown to people.

Called by the command line, and by what it starts on a machine: `make up`, `poutama serve`,
`poutama worker`. The plain `PORT` of `make up` is read here alone. Never shows a secret: passwords
and keys are masked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path

from poutama.errors import ConfigurationError
from poutama.settings import PREFIX, Settings

MASK = "********"
# Whole values that are never shown; a URL loses only its password.
SECRETS = ("database_tls_key",)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, `PORT` instead of `POUTAMA_PORT`.

    Raises:
        ConfigurationError: a value cannot be used; names the variable.
    """
    port = f"{PREFIX}PORT"
    if "PORT" not in environment or port in environment:
        return Settings.from_environment(environment)
    if not environment["PORT"].isdecimal():
        raise ConfigurationError(f"PORT: expected a whole number, got {environment['PORT'][:50]!r}")
    return Settings.from_environment({**environment, port: environment["PORT"]})


def find_misspelt(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each `POUTAMA_` variable that is not a setting, with the setting whose name it almost has.

    Others are left alone: they may be those of a feature.
    """
    known = [item.name.upper() for item in fields(Settings)]
    unknown = {name.removeprefix(PREFIX) for name in environment if name.startswith(PREFIX)}
    return [
        (f"{PREFIX}{name}", f"{PREFIX}{meant}")
        for name in sorted(unknown.difference(known))
        for meant in get_close_matches(name, known, n=1, cutoff=0.85)
    ]


def open_home(settings: Settings) -> Path:
    """The data folder, made if it is missing, and shown to be writable.

    Raises:
        ConfigurationError: it cannot be made or written.
    """
    home = Path(settings.home).expanduser().absolute()
    return open_folder(home, "as the data folder", "POUTAMA_HOME=...")


def open_folder(folder: Path, use: str = "for the output", option: str = "--output ...") -> Path:
    """The folder, made if it is missing, and shown to be writable.

    Raises:
        ConfigurationError: it cannot be made or written; `option` names another.
    """
    trial = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: cannot be used {use} ({error.strerror}); choose another: {option}"
        ) from error
    return folder


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


def _shown(name: str, value: object) -> str:
    text = _text(value)
    if name in SECRETS:
        return MASK if text else ""
    hidden = re.sub(r"(?<=://)([^:/@?]*):[^/?]*@", rf"\1:{MASK}@", text)
    return re.sub(r"(?<=[?&]password=)[^&]*", MASK, hidden)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
