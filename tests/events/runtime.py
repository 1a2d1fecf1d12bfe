"""The Lambda service as a function sees it: the Runtime API, and processes that come and go.

`Function` runs a package with AWS's own runtime client (`awslambdaric`) and hands it events, one at
a time, as the service does: the process is started for the first, kept for the next, killed when it
takes too long, and replaced when it is gone. It sees the package, the client and the standard
library; nothing of the environment that the tests run in.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import importlib.util
import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

VERSION = "/2018-06-01/runtime"
# Decides how the client polls and encodes: as in the newest runtime, whatever runs the tests.
EXECUTION = "AWS_Lambda_python3.14"
CLIENT = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
HANG_SECONDS = 60.0


class FunctionError(Exception):
    """The handler raised, or the module could not be loaded."""

    def __init__(self, received: Mapping[str, Any]) -> None:
        super().__init__(f"{received.get('errorType')}: {received.get('errorMessage')}")


class ProcessEndedError(Exception):
    """The process ended while it had an event."""


class TimedOutError(Exception):
    """The process had an event for longer than it may, and was killed."""


@dataclass
class ReportedResult:
    """What a process has sent to the service."""

    kind: str
    body: Any


@dataclass
class Exchange:
    """Where one process fetches events and brings answers."""

    events: queue.Queue[tuple[str, float, Any] | None] = field(default_factory=queue.Queue)
    answers: queue.Queue[ReportedResult] = field(default_factory=queue.Queue)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    exchange: Exchange

    def do_GET(self) -> None:
        if not self.path.startswith(f"{VERSION}/invocation/next"):
            # restore/next: a snapshot was taken, and the process goes on from it.
            self._reply(200, b"{}")
            return
        event = self.exchange.events.get()
        if event is None:
            self.close_connection = True
            return
        request_id, deadline, content = event
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": (
                "arn:aws:lambda:ap-southeast-2:123456789012:function:test"
            ),
            "Lambda-Runtime-Trace-Id": "Root=1-6719c5a2-4d2f1f5b3f0a4d0e1b2c3d4e;Sampled=0",
        }
        self._reply(200, json.dumps(content).encode(), headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        kind = self.path.rpartition("/")[2]
        self.exchange.answers.put(ReportedResult(kind, json.loads(body) if body else None))
        self._reply(202, b'{"status":"OK"}')

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A process that was killed says no goodbye."""


def collect_client(folder: Path) -> Path:
    """What stands in /var/runtime: AWS's client and nothing else of the tests' environment."""
    folder.mkdir()
    for name in CLIENT:
        found = importlib.util.find_spec(name)
        assert found is not None, name
        assert found.origin is not None, name
        origin = Path(found.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, folder / origin.parent.name)
        else:
            shutil.copy(origin, folder)
    return folder


class Function:
    """A function with at most one environment."""

    def __init__(
        self,
        handler: str,
        *,
        task: Path,
        client: Path,
        settings: Mapping[str, str],
        log: Path,
        seconds: float = 30.0,
    ) -> None:
        """Deploy it; no process yet.

        Args:
            handler: `module.name`.
            task: the package, unpacked.
            client: as `collect_client` made it.
            settings: its environment variables.
            log: the file that all its processes write to.
            seconds: its time-out.
        """
        self.seconds = seconds
        self.settings = dict(settings)
        self.log = log
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._handler, self._task, self._client = handler, task, client
        self._exchange = Exchange()
        self._server: Server | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def invoke(self, event: object, *, meanwhile: Any = None) -> Any:
        """Hand over an event and wait for the answer.

        Args:
            event: what can be written as JSON.
            meanwhile: called once the event is on its way.

        Raises:
            FunctionError: the handler raised, or could not be loaded.
            ProcessEndedError: the process ended without an answer.
            TimedOutError: it did not answer in time, and was killed.
        """
        if self.process is None or self.process.poll() is not None:
            self._start()
        deadline = time.time() + self.seconds
        self._exchange.events.put((str(uuid4()), deadline, event))
        if meanwhile is not None:
            meanwhile()
        received = self._wait(deadline)
        if received.kind != "response":
            raise FunctionError(received.body)
        return received.body

    def end(self) -> None:
        """Throw the environment away, as the service does at any time."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._server is not None:
            self._exchange.events.put(None)
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def logged(self) -> str:
        """What its processes have written."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _start(self) -> None:
        self.end()
        self.starts += 1
        self._exchange = Exchange()
        handler = type("BoundHandler", (Handler,), {"exchange": self._exchange})
        self._server = Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        environment = {
            **self.settings,
            "AWS_EXECUTION_ENV": EXECUTION,
            "AWS_LAMBDA_FUNCTION_NAME": "test",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "LAMBDA_TASK_ROOT": str(self._task),
            "PYTHONDONTWRITEBYTECODE": "1",  # /var/task is read-only
            "PYTHONPATH": f"{self._task}:{self._client}",
            "TZ": ":UTC",
        }
        # -S: without the packages of this Python; its standard library is the runtime's.
        base = getattr(sys, "_base_executable", sys.executable)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [base, "-S", "-m", "awslambdaric", self._handler],
                cwd=self._task,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _wait(self, deadline: float) -> ReportedResult:
        assert self.process is not None
        while True:
            try:
                return self._exchange.answers.get(timeout=0.05)
            except queue.Empty:
                pass
            if (code := self.process.poll()) is not None and self._exchange.answers.empty():
                raise ProcessEndedError(f"it ended with {code}:\n{self.logged()[-4000:]}")
            # A process that is stopped is frozen, and its time with it.
            if time.time() > deadline:
                self.end()
                raise TimedOutError(f"longer than {self.seconds} s")
