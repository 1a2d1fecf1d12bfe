"""Stops and starts database nodes: the embedded server, or those of a cluster, by command.

`chaos.run` takes one away, waits, gives it back and waits until it is there again, before it
takes the next. Servers that are not ours are touched only by the commands that the operator gave;
without any, no node is stopped.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from poutama.db.embedded import EmbeddedServer
from poutama.errors import ConfigurationError

COMMAND_SECONDS = 180.0
"""Longest time for one command, and for a node to be ready again."""
POLL_SECONDS = 0.5


class Outage(StrEnum):
    """How a node is stopped."""

    KILL = "kill"
    """SIGKILL, or a command to that effect: it ends no session first."""
    DRAIN = "drain"
    """SIGTERM, or a command to that effect: it ends its sessions and stops."""


class Nodes(Protocol):
    """The nodes that a run may stop."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def actions(self) -> tuple[Outage, ...]: ...
    async def stop_node(self, name: str, action: Outage) -> None:
        """Returns when the node is gone, or has its signal to go."""

    async def start_node(self, name: str) -> None:
        """Returns when the node is ready again."""


class EmbeddedNode:
    """The private server of this run."""

    names = ("postgresql",)
    actions = (Outage.KILL, Outage.DRAIN)

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server

    async def stop_node(self, name: str, action: Outage) -> None:
        del name  # there is only one
        stop = self._server.kill if action is Outage.KILL else self._server.stop
        await _finish(stop)

    async def start_node(self, name: str) -> None:
        del name
        await _finish(self._server.start)


async def _finish(work: Callable[[], None]) -> None:
    """Run it in a thread to its end, even when cancelled: half a start is not a state to leave."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


@dataclass(frozen=True, slots=True)
class Commands:
    """Shell commands; `{node}` stands for the node's name. An empty one is not run."""

    kill: str = ""
    drain: str = ""
    restart: str = ""
    ready: str = ""
    """Succeeds when the node is ready again; tried until it does."""


class CommandNodes:
    """Nodes that commands stop and start."""

    def __init__(self, names: tuple[str, ...], commands: Commands) -> None:
        """Nodes of these names.

        Raises:
            ConfigurationError: there are nodes without a command, or commands without a node.
        """
        commands_of = {Outage.KILL: commands.kill, Outage.DRAIN: commands.drain}
        self._taking = {action: command for action, command in commands_of.items() if command}
        self._commands = commands
        self.names = names
        self.actions = tuple(self._taking)
        if bool(names) != bool(self._taking):
            raise ConfigurationError(
                "--node goes with --kill-command or --drain-command, or both: give all or none"
            )

    async def stop_node(self, name: str, action: Outage) -> None:
        """Run the command.

        Raises:
            ConfigurationError: it failed.
        """
        await self._run(self._taking[action], name)

    async def start_node(self, name: str) -> None:
        """Run the restart command if there is one, then the ready command until it succeeds.

        Raises:
            ConfigurationError: the first failed, or the second did for too long.
        """
        if self._commands.restart:
            await self._run(self._commands.restart, name)
        if not self._commands.ready:
            return
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                # Another program's state: no event of ours reports it.
                while await _run_command(self._commands.ready, name) != 0:  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            raise ConfigurationError(
                f"{name}: the ready command did not succeed within {COMMAND_SECONDS:g} s"
            ) from error

    async def _run(self, command: str, name: str) -> None:
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                status = await _run_command(command, name)
        except TimeoutError as error:
            raise ConfigurationError(
                f"{name}: `{command}` did not end within {COMMAND_SECONDS:g} s"
            ) from error
        if status != 0:
            raise ConfigurationError(
                f"{name}: `{command}` failed with status {status}; run it by hand to see why"
            )


async def _run_command(command: str, name: str) -> int:
    """The exit status; its output would spoil the live view, and is dropped."""
    process = await asyncio.create_subprocess_shell(
        command.replace("{node}", shlex.quote(name)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
