"""What the adapters are held against: the real thing on this machine, or moto where that is AWS.

| fixture | scope | gives |
|---|---|---|
| `aws_endpoint` | session | address of a moto server: S3, SQS |
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer


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
