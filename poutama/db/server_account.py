"""Who the private database server runs as.

PostgreSQL refuses to run as root, which is who one often is in a container. Then, and only then,
the server runs as the system's `nobody`, and the folders on the way to its program and its data
are opened for passing through (not for reading). Used by `db.embedded` alone; it never makes
users and never touches anything when the caller is an ordinary user.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from poutama.errors import ConfigurationError

NAME = "nobody"


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that change who a child runs as."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """The account of the server: `uid` and `gid` are None when it is simply the caller's own."""

    uid: int | None
    gid: int | None

    @property
    def identity(self) -> Identity:
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """Give `folder` to the account, and close it to everyone else."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)

    def open_way_to(self, path: Path) -> None:
        """Let the account pass through every folder above `path`.

        Raises:
            ConfigurationError: a folder above is closed and cannot be opened.
        """
        if self.uid is None:
            return
        for folder in path.resolve().parents:
            mode = folder.stat().st_mode
            if mode & stat.S_IXOTH:
                continue
            try:
                folder.chmod(mode | stat.S_IXOTH)
            except OSError as error:
                raise ConfigurationError(
                    f"{folder}: the database, which cannot run as root, cannot pass through it"
                ) from error

    def open_tree(self, root: Path) -> None:
        """Let the account read all of `root`: programs installed under a strict umask."""
        if self.uid is None or root.stat().st_mode & stat.S_IXOTH:
            return
        # The root comes last, because by it we know that all the rest is done.
        for path in (*root.rglob("*"), root):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def choose_account() -> ServerAccount:
    """The caller's own account, or `nobody` for root.

    Raises:
        ConfigurationError: the caller is root and the system has no `nobody`.
    """
    if os.geteuid() != 0:
        return ServerAccount(None, None)
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError as error:
        raise ConfigurationError(
            f"the database cannot run as root and there is no user `{NAME}`: use an ordinary user"
        ) from error
    return ServerAccount(entry.pw_uid, entry.pw_gid)
