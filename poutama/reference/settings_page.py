"""The page docs/settings.md: every setting with its default and its help.

Called by `commands.pages` and `poutama settings --markdown`; reads the table of `Settings`, never
the environment.
"""

from __future__ import annotations

from poutama.configuration import describe_settings
from poutama.settings import Settings

OPENING = """\
# Settings

Every setting is an environment variable, read once when a command or a function starts.
`poutama settings` shows the values in force. `PORT` is read as `POUTAMA_PORT` by `make up` when
that is not set.

This page is generated from the table of settings: `make docs`.

| variable | default | |
|---|---|---|
"""


def render_settings_page() -> str:
    """The text of `docs/settings.md`."""
    rows = [
        f"| `{variable}` | {f'`{default}`' if default else ''} | {help_} |\n"
        for variable, default, _, help_ in describe_settings(Settings())
    ]
    return OPENING + "".join(rows)
