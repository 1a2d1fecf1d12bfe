"""The socket that a server listens on, and what it says when there is none to be had.

Called by `laptop.up` and by the supervisor of `poutama serve`, which shares it with its workers.
"""

from __future__ import annotations

import errno
import socket

from poutama.errors import ConfigurationError
from poutama.settings import Settings

BACKLOG = 2048


def open_listener(settings: Settings) -> socket.socket:
    """Bind the address, without listening on it yet.

    Raises:
        ConfigurationError: the address is unknown, or the port is in use or may not be used.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
    except OSError as error:
        raise ConfigurationError(
            f"POUTAMA_HOST: expected an address or a name that leads to one, got {settings.host}"
            f" ({error.strerror})"
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    # Otherwise a port that was in use a minute ago counts as in use still.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _refused(settings, error) from error
    return listener


def listen(listener: socket.socket, settings: Settings) -> None:
    """Accept connections from here on: they wait until a server takes them.

    Raises:
        ConfigurationError: another server listens there already.
    """
    # Two sockets can be bound to one address until one of them listens.
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        raise _refused(settings, error) from error


def check_port(settings: Settings) -> None:
    """Report now, not after a minute of work, that the port is taken.

    Raises:
        ConfigurationError: as `open_listener`.
    """
    with open_listener(settings) as listener:
        listen(listener, settings)


def address_of(listener: socket.socket, scheme: str = "http") -> str:
    """The URL that leads to a listener, such as `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _refused(settings: Settings, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigurationError(f"POUTAMA_HOST: {settings.host} is not this machine's")
    reason = (
        "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
    )
    return ConfigurationError(
        f"port {settings.port} {reason}: choose another, for example"
        f" PORT={settings.port + 1} with `make up`, --port {settings.port + 1} with `poutama serve`"
    )
