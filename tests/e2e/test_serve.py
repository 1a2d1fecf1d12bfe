"""`poutama serve` as a team runs it: real processes, TLS, proxies, SIGTERM, and its refusals."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.db.certificates import Identity
from tests.e2e.api_client import ApiClient, upload, wait_until
from tests.e2e.serve_process import ServeProcess, run_serve, settings_for, start
from tests.events.cloud import SignIns, open_sign_ins
from tests.events.conftest import fill
from tests.unit.features.photos import photo

ASK = b'{"query": "{ me { name } }"}'


@pytest.fixture(scope="module")
def sign_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignIns]:
    with open_sign_ins(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def environment(
    make_database: Callable[[], str],
    sign_ins: SignIns,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    url = make_database()
    fill(url)
    return settings_for(url, tmp_path_factory.mktemp("home"), sign_ins)


@contextmanager
def serve(
    environment: dict[str, str], tmp_path: Path, *words: str, **settings: str
) -> Iterator[ServeProcess]:
    with start({**environment, **settings}, tmp_path / "log", "serve", *words) as served:
        served.wait_until_ready()
        yield served


class HalfSent:
    """A request that the server has begun to answer, and whose body is half sent."""

    def __init__(self, address: str, token: str) -> None:
        where = urlsplit(address)
        assert where.port is not None
        self.connection = socket.create_connection(("127.0.0.1", where.port), timeout=60)
        self.connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
            % (token.encode(), len(ASK))
        )
        # Sent by the application, which waits for the body from here on.
        assert self.connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        self.connection.sendall(ASK[:9])

    def finish(self, *, whole: bool = True) -> bytes:
        """Send the rest; returns the answer to the connection's end, or what comes first."""
        self.connection.sendall(ASK[9:])
        return self.read() if whole else self.connection.recv(65536)

    def read(self) -> bytes:
        answer = b""
        while piece := self.connection.recv(65536):
            answer += piece
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()


def is_refused(address: str) -> bool:
    where = urlsplit(address)
    try:
        socket.create_connection((where.hostname, where.port), timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


def test_people_of_the_issuers_are_answered_and_local_tokens_are_not(
    environment: dict[str, str], sign_ins: SignIns, tmp_path: Path
) -> None:
    with serve(environment, tmp_path) as served:
        api_client = ApiClient(served.address, sign_ins.token())
        assert api_client.ask("{ me { name } }")["name"]
        local = tmp_path / "local"
        with start({**environment, "POUTAMA_HOME": str(local)}, tmp_path / "token", "token",
                   "student-0001@demo.example") as issued:  # fmt: skip
            assert issued.process.stdout is not None
            token = issued.process.stdout.read().strip()
        answer = httpx.post(
            f"{served.address}/graphql",
            content=ASK,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        assert token.count(".") == 2
        assert answer.status_code == 401
        assert httpx.get(f"{served.address}/graphiql").status_code == 404
        assert served.end(signal.SIGTERM) == 0
    assert served.logged() == ""


def test_two_workers_answer_and_one_that_dies_is_replaced(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, "--workers", "2") as served:
        first, second = served.workers()
        # Either answers while the other cannot.
        for stopped in (first, second):
            stopped.suspend()
            assert httpx.get(f"{served.address}/healthz", timeout=60).status_code == 200
            stopped.resume()
        first.kill()
        wait_until(served.workers, lambda them: len(them) == 2 and first not in them)
        assert httpx.get(f"{served.address}/healthz", timeout=60).status_code == 200
        assert served.end(signal.SIGTERM) == 0
        assert is_refused(served.address)
    assert "a process ended (killed by SIGKILL)" in served.logged()
    assert not second.is_running()


def test_what_a_feature_prints_is_logged_and_stops_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # GIVEN a feature of another package that prints more than a pipe holds
    metadata = tmp_path / "poutama_loud-1.dist-info"
    metadata.mkdir()
    metadata.joinpath("METADATA").write_text(
        "Metadata-Version: 2.1\nName: poutama-loud\nVersion: 1"
    )
    metadata.joinpath("entry_points.txt").write_text("[poutama.features]\nloud = loud:FEATURE\n")
    tmp_path.joinpath("loud.py").write_text(
        "from poutama.feature import Feature\n"
        "print('LOUD ' * 50_000)\n"
        "FEATURE = Feature(name='loud', package='json', api=1)\n"
    )

    # WHEN it is served
    with serve(environment, tmp_path, PYTHONPATH=str(tmp_path)) as served:
        # THEN it becomes ready, and ends
        assert httpx.get(f"{served.address}/healthz").status_code == 200
        assert "LOUD LOUD" in served.logged()
        assert served.end(signal.SIGTERM) == 0


def test_workers_do_not_outlive_a_supervisor_that_is_killed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, "--workers", "2") as served:
        workers = served.workers()
        served.process.kill()
        _, alive = psutil.wait_procs(workers, timeout=60)
    assert (len(workers), alive) == (2, [])


def test_a_request_under_way_is_answered_while_the_server_drains(
    environment: dict[str, str], sign_ins: SignIns, tmp_path: Path
) -> None:
    with (
        serve(environment, tmp_path, POUTAMA_DRAIN_SECONDS="600") as served,
        HalfSent(served.address, sign_ins.token()) as request,
    ):
        served.process.terminate()
        # First load balancers see it, and requests are still answered.
        health = wait_until(
            lambda: httpx.get(f"{served.address}/healthz"), lambda seen: seen.status_code != 200
        )
        assert (health.status_code, health.json()) == (503, {"status": "stopping"})
        assert ApiClient(served.address, sign_ins.token()).ask("{ me { name } }")["name"]
        answer = request.finish(whole=False)
        assert answer.startswith(b"HTTP/1.1 200 ")


def test_after_the_drain_nothing_is_accepted_and_what_is_under_way_is_finished(
    environment: dict[str, str], sign_ins: SignIns, tmp_path: Path
) -> None:
    with (
        serve(environment, tmp_path) as served,
        HalfSent(served.address, sign_ins.token()) as request,
    ):
        served.process.terminate()
        wait_until(lambda: is_refused(served.address), bool)
        assert served.process.poll() is None
        answer = request.finish()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"name"' in answer
        assert served.end() == 0


def test_what_takes_too_long_is_cut_off_and_told(
    environment: dict[str, str], sign_ins: SignIns, tmp_path: Path
) -> None:
    with (
        serve(environment, tmp_path, POUTAMA_STOP_SECONDS="0.2") as served,
        HalfSent(served.address, sign_ins.token()) as request,
    ):
        assert served.end(signal.SIGTERM) == 0
        assert request.read().startswith(b"HTTP/1.1 503 ")
    assert "Traceback" not in served.logged()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(
    environment: dict[str, str], sign_ins: SignIns, tmp_path: Path, number: signal.Signals
) -> None:
    patient = {"POUTAMA_STOP_SECONDS": "600", "POUTAMA_DRAIN_SECONDS": "600"}
    with (
        serve(environment, tmp_path, **patient) as served,
        HalfSent(served.address, sign_ins.token()),
    ):
        served.process.send_signal(number)
        wait_until(
            lambda: httpx.get(f"{served.address}/healthz"), lambda seen: seen.status_code == 503
        )
        assert served.end(number) == 0
    assert "Traceback" not in served.logged()


def test_it_can_be_stopped_while_it_starts(environment: dict[str, str], tmp_path: Path) -> None:
    with start(environment, tmp_path / "log", "serve") as served:
        wait_until(served.workers, lambda them: len(them) == 1)
        workers = served.workers()
        assert served.end(signal.SIGTERM) == 0
        assert not [each for each in workers if each.is_running()]
    assert "Traceback" not in served.logged()


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A certificate for this machine, its key, and who vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Identity.authority("a school's authority")
    issued = authority.issue("a school", "127.0.0.1")
    paths = (folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    for path, text in zip(paths, (issued.pem, issued.key_pem, authority.pem), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_tls_is_spoken_and_nothing_else(
    environment: dict[str, str],
    sign_ins: SignIns,
    tmp_path: Path,
    identity: tuple[Path, Path, Path],
) -> None:
    certificate, key, authority = identity
    words = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with serve(environment, tmp_path, *words) as served:
        assert served.address.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(authority))
        with httpx.Client(verify=context) as client:
            answer = client.post(
                f"{served.address}/graphql",
                content=ASK,
                headers={
                    "Authorization": f"Bearer {sign_ins.token()}",
                    "Content-Type": "application/json",
                },
            )
        assert "name" in answer.json()["data"]["me"]
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        with pytest.raises(httpx.TransportError):
            httpx.get(served.address.replace("https", "http"))
        assert served.end(signal.SIGTERM) == 0
    assert "Traceback" not in served.logged()


@pytest.mark.parametrize(
    ("proxies", "client"), [("", "http 127.0.0.1"), ("127.0.0.0/8, ::1", "https 203.0.113.7")]
)
def test_only_a_trusted_proxy_says_who_the_client_is(
    environment: dict[str, str], tmp_path: Path, proxies: str, client: str
) -> None:
    scheme, address = client.split()
    settings = {"POUTAMA_TRUSTED_PROXIES": proxies, "POUTAMA_ACCESS_LOG": "yes"}
    with serve(environment, tmp_path, **settings) as served:
        forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
        answer = httpx.get(f"{served.address}/healthz?secret=1", headers=forwarded)
        assert ("strict-transport-security" in answer.headers) is (scheme == "https")
        httpx.get(f"{served.address}/a%0Ab")
        assert served.end(signal.SIGTERM) == 0
    # On a slow machine the log also has that the database is waited for.
    first, second = [line for line in served.logged().splitlines() if " GET " in line]
    assert f" {address} {scheme} GET /healthz 200 " in first
    assert "GET /a\\nb 404 " in second
    assert "secret" not in served.logged()


def test_without_a_queue_a_worker_finds_jobs_in_the_database(
    environment: dict[str, str], sign_ins: SignIns, tmp_path: Path
) -> None:
    with (
        serve(environment, tmp_path, POUTAMA_PUBLIC_URL="") as served,
        start(environment, tmp_path / "worker", "worker") as worker,
    ):
        worker.wait_until_ready()
        student = ApiClient(served.address, sign_ins.token())
        _, evidence = student.attach(photo())
        assert evidence["state"] == "READY"
        job = student.wait_for(student.export())
        assert job["state"] == "SUCCEEDED"
        assert httpx.get(job["resultUrl"]).status_code == 200
        assert worker.end(signal.SIGTERM) == 0
        assert served.end(signal.SIGTERM) == 0
    # The use of a signed address is logged, and nothing else.
    (line,) = served.logged().splitlines()
    assert " file: GET people/" in line
    assert "signature" not in line


def test_files_are_signed_for_the_address_that_clients_use(
    environment: dict[str, str], sign_ins: SignIns, tmp_path: Path
) -> None:
    with serve(environment, tmp_path, POUTAMA_PUBLIC_URL="https://api.learn.example/") as served:
        added = ApiClient(served.address, sign_ins.token()).announce(b"x")
        assert added["uploadForm"]["url"] == "https://api.learn.example/files"
        form = {**added["uploadForm"], "url": f"{served.address}/files"}
        assert upload(form, b"x").status_code in (204, 400)


def complaint(environment: dict[str, str], *words: str, **settings: str) -> str:
    result = run_serve({**environment, **settings}, *words)
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.strip().removeprefix("poutama: ")


def test_a_port_in_use_is_one_line(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert complaint(environment, "--port", port).startswith(f"port {port} is in use")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"POUTAMA_DATABASE_URL": ""}, "POUTAMA_DATABASE_URL: expected the URL of a database"),
        ({"POUTAMA_DATABASE_URL": "nonsense"}, ""),
        ({"POUTAMA_ISSUERS": ""}, "POUTAMA_ISSUERS"),
        ({"POUTAMA_WORKERS": "0"}, "POUTAMA_WORKERS: expected 1 or more, got 0"),
        ({"POUTAMA_PORT": "70000"}, "port: expected a number from 0 to 65535, got 70000"),
        ({"POUTAMA_HOST": "203.0.113.7"}, "POUTAMA_HOST: 203.0.113.7 is not this machine's"),
        (
            {"POUTAMA_HOST": "not a host"},
            "POUTAMA_HOST: expected an address or a name that leads to one, got not a host",
        ),
        ({"POUTAMA_TRUSTED_PROXIES": "*"}, "POUTAMA_TRUSTED_PROXIES: expected addresses"),
        ({"POUTAMA_PUBLIC_URL": "learn.example"}, "POUTAMA_PUBLIC_URL: expected an address"),
        (
            {"POUTAMA_TLS_CERT": "/nowhere/cert.pem"},
            "POUTAMA_TLS_KEY: expected a PEM file, because POUTAMA_TLS_CERT is set",
        ),
        (
            {"POUTAMA_TLS_KEY": "/nowhere/key.pem"},
            "POUTAMA_TLS_CERT: expected a PEM file, because POUTAMA_TLS_KEY is set",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_setting_that_cannot_be_used_is_one_line(
    environment: dict[str, str], settings: dict[str, str], expected: str
) -> None:
    assert complaint(environment, **settings).startswith(expected)


def test_a_certificate_that_cannot_be_used_is_one_line(
    environment: dict[str, str], tmp_path: Path, identity: tuple[Path, Path, Path]
) -> None:
    certificate, key, _ = identity
    stranger = tmp_path / "stranger.pem"
    stranger.write_text(Identity.authority("a stranger").key_pem, encoding="utf-8")
    words = ("--tls-cert", str(certificate), "--tls-key")

    assert complaint(environment, *words, str(stranger)) == (
        f"POUTAMA_TLS_KEY: {stranger} is not the key of the certificate {certificate}"
    )
    assert complaint(environment, *words, f"{key}.not") == (
        f"POUTAMA_TLS_KEY: {key}.not: No such file or directory"
    )
