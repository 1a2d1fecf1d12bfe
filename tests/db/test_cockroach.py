"""How a private CockroachDB node is started, found and stopped.

With a `cockroach` on PATH the node is real. Without one a script stands in for the program: what is
shown then is only the handling of its process, files and failures, not the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from poutama.db.cockroach import CockroachServer, find_cockroach, running_url
from poutama.db.postmaster import wait_until
from poutama.errors import ConfigurationError

STAND_IN = """\
#!/bin/sh
for word in "$@"; do
    case "$word" in
        --listening-url-file=*) url="${word#*=}" ;;
        --pid-file=*) pid="${word#*=}" ;;
        --listen-addr=*) port="${word##*:}" ;;
    esac
done
case "$1" in
    start-single-node)
        echo $$ > "$pid"
        [ "$port" != 0 ] || port=$$
        echo "postgresql://root@127.0.0.1:$port/defaultdb?sslmode=disable" > "$url"
        exec tail -f "$url" ;;
    sql) exit 0 ;;
esac
"""


def write_program(folder: Path, script: str) -> str:
    program = folder / "cockroach"
    program.write_text(script)
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def server(data_folder: Path) -> Iterator[CockroachServer]:
    program = find_cockroach() or write_program(data_folder, STAND_IN)
    server = CockroachServer(program, data_folder / "node", durable=False)
    yield server
    server.stop()


def test_it_starts_is_found_by_others_and_stops(server: CockroachServer) -> None:
    server.start()
    process = psutil.Process(server.pid)
    assert server.url.startswith("postgresql://root@127.0.0.1:")
    assert "/poutama?" in server.url
    assert running_url(server.folder) == server.url
    server.stop()
    assert not process.is_running()
    assert running_url(server.folder) is None


def test_one_folder_has_one_owner(server: CockroachServer) -> None:
    server.start()
    address = server.url
    with pytest.raises(ConfigurationError, match="in use by another Poutama"):
        CockroachServer("cockroach", server.folder).start()
    assert server.url == address


def test_what_a_killed_node_left_is_not_taken_for_a_node(server: CockroachServer) -> None:
    server.start()
    psutil.Process(server.pid).kill()
    psutil.Process(server.pid).wait()
    assert running_url(server.folder) is None
    server.stop()
    server.start()
    assert running_url(server.folder) == server.url


def test_one_that_is_killed_is_started_again_at_the_same_address(server: CockroachServer) -> None:
    server.start()
    url, first = server.url, server.pid
    psutil.Process(first).kill()
    assert wait_until(lambda: server.exit_code() is not None, 10)
    server.begin_restart()
    assert wait_until(server.check_ready, 60)
    assert server.url == url
    assert server.pid != first


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", STAND_IN.replace("exit 0", "exit 1")])
def test_a_node_that_does_not_start_or_answer_gives_one_line(
    data_folder: Path, script: str
) -> None:
    node = CockroachServer(write_program(data_folder, script), data_folder / "node")
    with pytest.raises(ConfigurationError, match=r"see .*server\.log") as caught:
        node.start()
    assert "\n" not in caught.value.message
    assert running_url(node.folder) is None
