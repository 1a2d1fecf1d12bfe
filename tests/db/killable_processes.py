"""Processes that are killed in the middle of their work, one after the other, made in no time.

A test that kills a worker at each of fifty points would spend most of its time importing the worker
fifty times. `python -m tests.db.killable_processes MODULE` imports it once, and forks for every
line of arguments that it reads; it prints how each of its children ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class KillableProcesses:
    """Processes that run the `main` of one module."""

    process: asyncio.subprocess.Process

    async def die(self, *arguments: object) -> bool:
        """Run one; False if it came to the end of its work before it was killed.

        Raises:
            AssertionError: it failed.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = json.dumps([str(each) for each in arguments])
        self.process.stdin.write(f"{line}\n".encode())
        code = int(await self.process.stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code != 0


@asynccontextmanager
async def open_processes(module: str) -> AsyncIterator[KillableProcesses]:
    """Import the module in a process of its own, while the block runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.db.killable_processes", module),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield KillableProcesses(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def serve(main: Callable[[list[str]], None]) -> None:
    """Fork for every line of arguments."""
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            run(main, json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(main: Callable[[list[str]], None], arguments: list[str]) -> NoReturn:
    """Be the child: what it prints is not the server's."""
    os.dup2(2, 1)
    code = 1
    try:
        main(arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(import_module(sys.argv[1]).main)
