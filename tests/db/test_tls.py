"""TLS to the database: verified unless a setting says otherwise, from files or from secret text."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from poutama.db.connection import Database
from poutama.errors import ConfigurationError, DeadlineExceededError, UnavailableError
from poutama.settings import Settings
from tests.db.certificates import Identity, Maker
from tests.db.proxy import FaultProxy

AUTHORITY = Identity.authority("test authority")
STRANGER = Identity.authority("another authority")
SERVER = AUTHORITY.issue("database", "127.0.0.1")
ELSEWHERE = AUTHORITY.issue("database", "127.0.0.2")
CLIENT = AUTHORITY.issue("poutama")


@asynccontextmanager
async def tls_server(url: str, identity: Identity, folder: Path) -> AsyncIterator[str]:
    """The server behind `url`, speaking TLS and asking for a certificate of our authority."""
    context = demanding_context(identity, folder)
    tasks: set[asyncio.Task[None]] = set()
    async with FaultProxy(url) as proxy:
        plain = urlsplit(proxy.proxied_url)

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await reader.readexactly(8)  # SSLRequest
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(context)
                await join((reader, writer), plain.port)
            writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}{plain.path}"
        finally:
            server.close()
            while pending := [task for task in tasks if not task.done()]:
                for task in pending:
                    task.cancel()
                await asyncio.wait(pending)


def demanding_context(identity: Identity, folder: Path) -> ssl.SSLContext:
    files = [folder / name for name in ("server.pem", "server.key", "ca.pem")]
    texts = (identity.pem, identity.key_pem, AUTHORITY.pem)
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files[2])
    context.load_cert_chain(files[0], files[1])
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def join(outer: tuple[asyncio.StreamReader, asyncio.StreamWriter], port: int | None) -> None:
    """Relay both ways until one side is done."""
    inner = await asyncio.open_connection("127.0.0.1", port)
    relays = [
        asyncio.create_task(relay(outer[0], inner[1])),
        asyncio.create_task(relay(inner[0], outer[1])),
    ]
    try:
        await asyncio.wait(relays, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in relays:
            task.cancel()
        inner[1].close()


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.CancelledError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def ask(url: str, seconds: float = 28.0, **settings: Any) -> None:
    database = Database(Settings(database_url=url, **settings))
    try:
        await database.read("SELECT 1", deadline=time.monotonic() + seconds)
    finally:
        await database.close()
        assert database.pool.open_connections == 0


OURS: dict[str, Any] = {"database_tls_cert": CLIENT.pem, "database_tls_key": CLIENT.key_pem}


async def test_secret_text_and_files_both_do(postgres_url: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {"database_tls_ca": AUTHORITY.pem, **OURS}
    files: dict[str, Any] = {}
    for name, text in names.items():
        (tmp_path / name).write_text(text)
        files[name] = str(tmp_path / name)
    in_one_line: dict[str, Any] = {name: text.replace("\n", "\\n") for name, text in names.items()}
    async with tls_server(postgres_url, SERVER, tmp_path) as url:
        for settings in (names, files, in_one_line):
            await ask(url, **settings)


async def test_the_url_may_name_the_files(postgres_url: str, tmp_path: Path) -> None:
    for name, text in (("ca", AUTHORITY.pem), ("cert", CLIENT.pem), ("key", CLIENT.key_pem)):
        (tmp_path / name).write_text(text)
    async with tls_server(postgres_url, SERVER, tmp_path) as url:
        await ask(
            f"{url}?sslmode=verify-full&sslrootcert={tmp_path / 'ca'}"
            f"&sslcert={tmp_path / 'cert'}&sslkey={tmp_path / 'key'}"
        )


@pytest.mark.parametrize(
    ("identity", "authority", "mode", "fits"),
    [
        (SERVER, AUTHORITY, "", True),
        (SERVER, STRANGER, "", False),
        (SERVER, STRANGER, "verify-ca", False),
        (SERVER, STRANGER, "require", True),
        (ELSEWHERE, AUTHORITY, "verify-full", False),
        (ELSEWHERE, AUTHORITY, "verify-ca", True),
    ],
    ids=["ours", "a stranger's", "a stranger's, verify-ca", "unverified", "elsewhere", "any host"],
)
async def test_a_certificate_is_believed_as_far_as_asked(
    identity: Identity,
    authority: Identity,
    mode: str,
    fits: bool,
    postgres_url: str,
    tmp_path: Path,
) -> None:
    settings: dict[str, Any] = {"database_tls": mode, "database_tls_ca": authority.pem, **OURS}
    async with tls_server(postgres_url, identity, tmp_path) as url:
        if fits:
            await ask(url, **settings)
        else:
            with pytest.raises(ConfigurationError, match="does not verify"):
                await ask(url, **settings)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contexts as they are by default since Python 3.13."""
    make = ssl.create_default_context

    def make_strict(*arguments: Any, **options: Any) -> ssl.SSLContext:
        context = make(*arguments, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", make_strict)


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("maker", [Maker.COCKROACH, Maker.OLD_COCKROACH, Maker.POSTGRESQL])
async def test_what_the_databases_own_tools_make_is_accepted(
    maker: Maker, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Identity.authority("a school's authority", maker)
    # PostgreSQL's manual names the host in the subject alone.
    by_name = maker is Maker.POSTGRESQL
    server = authority.issue("localhost", None if by_name else "127.0.0.1", maker)
    async with tls_server(postgres_url, server, tmp_path) as url:
        url = url.replace("127.0.0.1", "localhost") if by_name else url
        await ask(url, database_tls_ca=authority.pem, **OURS)
        # AND likewise where the machine trusts the authority, and no setting names it
        (tmp_path / "machine.pem").write_text(authority.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "machine.pem"))
        await ask(url, database_tls="verify-full", **OURS)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(ConfigurationError, match=r"does not verify: .*issuer"):
            await ask(url, database_tls="verify-full", **OURS)


async def test_a_client_without_a_certificate_is_not_let_in(
    postgres_url: str, tmp_path: Path
) -> None:
    async with tls_server(postgres_url, SERVER, tmp_path) as url:
        with pytest.raises((UnavailableError, DeadlineExceededError)):
            await ask(url, seconds=0.5, database_tls_ca=AUTHORITY.pem)


async def test_a_server_without_tls_is_not_spoken_to_in_plain(postgres_url: str) -> None:
    async with FaultProxy(postgres_url, counting_startup=True) as proxy:
        proxy.arm(-1, None)
        # The deadline, on a machine that is slow.
        with pytest.raises((UnavailableError, DeadlineExceededError)):
            await ask(proxy.proxied_url.partition("?")[0], seconds=0.3, database_tls="verify-full")
        assert proxy.messages == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"database_tls": "perhaps"}, "POUTAMA_DATABASE_TLS:"),
        ({"database_tls_ca": "no/such/file"}, "POUTAMA_DATABASE_TLS_CA"),
        ({"database_tls_ca": "-----BEGIN nonsense"}, "POUTAMA_DATABASE_TLS_CA"),
        ({**OURS, "database_tls_key": STRANGER.key_pem}, "POUTAMA_DATABASE_TLS_KEY"),
        ({**OURS, "database_tls_key": ""}, "POUTAMA_DATABASE_TLS_KEY"),
        ({**OURS, "database_tls_cert": "no/such/file"}, "POUTAMA_DATABASE_TLS_CERT"),
    ],
    ids=["mode", "no CA", "a broken CA", "another's key", "no key", "no certificate"],
)
def test_a_setting_that_cannot_be_used_is_named(settings: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        Database(Settings(database_url="postgresql://127.0.0.1/x", **settings))  # type: ignore[arg-type]
    assert "PRIVATE KEY" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "verified"),
    [
        ("postgresql://user@db.example/x", True),
        ("postgresql://user@db.example/x?sslmode=prefer", True),
        ("postgresql://user@127.0.0.1,db.example/x", True),
        ("postgresql://user@db.example/x?sslmode=disable", False),
        ("postgresql://user@127.0.0.1:26257/x", False),
        ("postgresql://user@[::1]:26257/x", False),
        ("postgresql://user@/x?host=/run/postgresql", False),
        ("postgresql://user@/x?host=db.example", True),
    ],
)
def test_verification_is_on_beyond_this_machine(url: str, verified: bool) -> None:
    tls = Database(Settings(database_url=url))._hosts._tls
    if verified:
        assert isinstance(tls, ssl.SSLContext)
        assert tls.check_hostname
        assert tls.verify_mode is ssl.CERT_REQUIRED
    else:
        assert tls is False
