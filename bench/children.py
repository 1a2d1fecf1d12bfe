"""The processes of a measurement: the API, and one that asks for each side.

A child lives until its pipe is closed, so that none is left behind when the parent dies. Started
and stopped by `bench.environment`.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import uvloop

from bench.workload import Sample
from poutama.laptop.api import open_local_api
from poutama.server.serve import serve
from poutama.server.stop import StopRequest
from poutama.settings import Settings

START_SECONDS = 60.0
STOP_SECONDS = 10.0


class LoadSide(Protocol):
    """What can be asked to work for some seconds."""

    async def open(self) -> None: ...
    async def run(self, seconds: float) -> Sample: ...


class Child:
    """A process that was given one end of a pipe; a context manager that ends it."""

    def __init__(self, target: Callable[..., None], *args: object) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=target, args=(theirs, *args), daemon=True
        )
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def start_round(self, message: object) -> None:
        self._pipe.send(message)

    def hear(self, seconds: float) -> Any:
        """What the child says next.

        Raises:
            RuntimeError: it failed, has died or says nothing.
        """
        if not self._pipe.poll(seconds):
            raise RuntimeError(f"a process of the measurement was silent for {seconds:.0f} s")
        try:
            answer = self._pipe.recv()
        except EOFError as error:
            raise RuntimeError("a process of the measurement has died") from error
        if isinstance(answer, Exception):
            raise RuntimeError(str(answer)) from answer
        return answer


def start_api(settings: Settings, url: str, home: Path) -> Child:
    """Serve the API as `poutama up` does, on a port of its own; the child says its address.

    Budgets are off: one student asks for more than a school does.
    """
    settings = replace(settings, budget_capacity=0)
    return Child(_serve_api, settings, url, home)


def start_side(side: LoadSide) -> Child:
    """Let a side wait for numbers of seconds, and answer with samples."""
    return Child(_run_side, side)


def _serve_api(pipe: Connection, settings: Settings, url: str, home: Path) -> None:
    with StopRequest() as stop:
        serve(partial(open_local_api, settings, url, home), settings, stop, pipe.send)


def _run_side(pipe: Connection, side: LoadSide) -> None:
    # Ctrl-C is for the parent, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(side.open())
            pipe.send(None)
            while True:
                seconds = pipe.recv()
                pipe.send(runner.run(side.run(seconds)))
        except EOFError:
            return
        except Exception as error:
            pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))
