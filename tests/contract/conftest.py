"""What the adapters are held against: the real thing on this machine, or moto where that is AWS.

| fixture | scope | gives |
|---|---|---|
| `aws_endpoint` | session | address of a moto server: S3, SQS |
| `desk` | function | a server over a folder of files |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from poutama.store.directory import DirectoryStore
from tests.contract.file_server import FileServer
from tests.contract.serving import serve_files


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    # moto leaves its socket open, and that is a warning.
    assert server._server is not None
    server._server.server_close()


@pytest.fixture
def file_server(tmp_path: Path) -> Iterator[FileServer]:
    store = DirectoryStore(tmp_path, b"secret")
    with ExitStack() as server, httpx.Client(timeout=30) as client:
        server.enter_context(serve_files(store))
        yield FileServer(tmp_path, store, client, server.close)
