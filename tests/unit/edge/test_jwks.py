"""Keys of an issuer: fetched when needed, rotated, kept through outages, and never hammered."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from poutama.edge.issuers import LARGEST_DOCUMENT, Issuer
from poutama.edge.jwks import (
    FRESH_SECONDS,
    PAUSE_SECONDS,
    RETRY_SECONDS,
    STALE_SECONDS,
    KeySet,
    SigningKey,
    read_keys,
)
from poutama.errors import UnavailableError
from tests.unit.edge.issuer import (
    AUDIENCE,
    DISCOVERY_PATH,
    KEYS_PATH,
    IssuerServer,
    ec_key,
    ed_key,
    rsa_key,
    serve_issuer,
)

OLD, NEW, RSA, EC = ed_key(), ed_key(), rsa_key(), ec_key()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[IssuerServer]:
    with serve_issuer(OLD.published(kid="old")) as server:
        yield server


Make = Callable[..., KeySet]


@pytest.fixture
def make(server: IssuerServer, clock: Clock) -> Make:
    """A key set of the server's, `keys_only` without its discovery document."""

    def make(*, keys_only: bool = True, wait_seconds: float = 30.0) -> KeySet:
        jwks_uri = server.jwks_uri if keys_only else ""
        issuer = Issuer(server.url, frozenset({AUDIENCE}), jwks_uri)
        return KeySet(server.url, issuer.load_keys, wait_seconds=wait_seconds, clock=clock)

    return make


def names(found: object) -> list[str | None]:
    assert isinstance(found, list)
    return [key.kid for key in found]


def rotate(server: IssuerServer) -> None:
    server.keys = [NEW.published(kid="new")]


def break_down(server: IssuerServer) -> None:
    server.answers[KEYS_PATH] = (500, {}, b"")


async def settle(keys: KeySet) -> None:
    """Wait for a fetch that no request waits for."""
    if keys._fetching is not None:
        await keys._fetching


async def test_keys_are_fetched_with_the_first_token_and_kept(
    server: IssuerServer, make: Make, clock: Clock
) -> None:
    keys = make()
    assert server.asked == []
    for _ in range(3):
        assert names(await keys.find("old", "EdDSA")) == ["old"]
    clock.now += FRESH_SECONDS - 1
    await keys.find("old", "EdDSA")
    assert server.asked == [KEYS_PATH]


async def test_the_discovery_document_says_where_they_are(server: IssuerServer, make: Make) -> None:
    assert names(await make(keys_only=False).find("old", "EdDSA")) == ["old"]
    assert server.asked == [DISCOVERY_PATH, KEYS_PATH]


async def test_many_tokens_at_once_make_one_fetch(server: IssuerServer, make: Make) -> None:
    keys = make()
    server.gate.clear()
    tokens = [asyncio.create_task(keys.find("old", "EdDSA")) for _ in range(50)]
    assert await asyncio.to_thread(server.arrived.wait, 30)
    server.gate.set()
    assert [names(await token) for token in tokens] == [["old"]] * 50
    assert server.asked == [KEYS_PATH]


async def test_a_new_key_is_found_and_the_old_one_is_gone(
    server: IssuerServer, make: Make, clock: Clock
) -> None:
    keys = make()
    await keys.find("old", "EdDSA")
    rotate(server)
    clock.now += PAUSE_SECONDS
    assert names(await keys.find("new", "EdDSA")) == ["new"]
    assert await keys.find("old", "EdDSA") == []


async def test_a_withdrawn_key_is_taken_for_an_hour_at_most(
    server: IssuerServer, make: Make, clock: Clock
) -> None:
    keys = make()
    await keys.find("old", "EdDSA")
    rotate(server)
    clock.now += FRESH_SECONDS - 1
    assert names(await keys.find("old", "EdDSA")) == ["old"]
    clock.now += 1
    assert await keys.find("old", "EdDSA") == []


async def test_invented_names_fetch_no_more_than_once_in_a_while(
    server: IssuerServer, make: Make, clock: Clock
) -> None:
    keys = make()
    for number in range(200):
        assert await keys.find(f"invented-{number}", "EdDSA") == []
        assert await keys.find("old", "RS256") == []
    assert len(server.asked) == 1
    clock.now += PAUSE_SECONDS
    for number in range(200):
        await keys.find(f"invented-{number}", "EdDSA")
    assert len(server.asked) == 2
    assert names(await keys.find("old", "EdDSA")) == ["old"]


async def test_a_token_without_a_name_makes_no_fetch(
    server: IssuerServer, make: Make, clock: Clock
) -> None:
    keys = make()
    assert names(await keys.find(None, "EdDSA")) == ["old"]
    clock.now += PAUSE_SECONDS
    assert await keys.find(None, "RS256") == []
    server.keys.append(NEW.published(kid="new"))
    await keys.find("new", "EdDSA")
    assert await keys.find(None, "EdDSA") == []
    assert len(server.asked) == 2


async def test_old_keys_serve_for_a_day_while_the_issuer_is_down(
    server: IssuerServer, make: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keys = make()
    await keys.find("old", "EdDSA")
    break_down(server)
    clock.now += STALE_SECONDS - 1
    assert names(await keys.find("old", "EdDSA")) == ["old"]
    assert f"keys of {server.url}: answered with status 500" in caplog.text
    with pytest.raises(UnavailableError):
        await keys.find("new", "EdDSA")
    await settle(keys)
    clock.now += 1
    with pytest.raises(UnavailableError):
        await keys.find("old", "EdDSA")
    server.answers.clear()
    clock.now += RETRY_SECONDS
    assert names(await keys.find("old", "EdDSA")) == ["old"]


async def test_an_issuer_in_trouble_delays_no_request(
    server: IssuerServer, make: Make, clock: Clock
) -> None:
    keys = make()
    await keys.find("old", "EdDSA")
    break_down(server)
    clock.now += FRESH_SECONDS
    await keys.find("old", "EdDSA")
    server.answers.clear()
    rotate(server)
    server.gate.clear()
    clock.now += RETRY_SECONDS
    # The gate is closed: a request that waited for the issuer would wait for it to open.
    assert names(await keys.find("old", "EdDSA")) == ["old"]
    server.gate.set()
    await settle(keys)
    assert names(await keys.find("new", "EdDSA")) == ["new"]


async def test_failures_are_not_repeated_at_once(
    server: IssuerServer, make: Make, clock: Clock
) -> None:
    keys = make()
    break_down(server)
    for _ in range(20):
        with pytest.raises(UnavailableError, match="cannot be fetched"):
            await keys.find("old", "EdDSA")
    assert len(server.asked) == 1
    clock.now += RETRY_SECONDS
    with pytest.raises(UnavailableError):
        await keys.find("old", "EdDSA")
    assert len(server.asked) == 2


async def test_a_slow_issuer_is_not_waited_for_without_end(
    server: IssuerServer, make: Make
) -> None:
    keys = make(wait_seconds=0.01)
    server.gate.clear()
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await keys.find("old", "EdDSA")
    server.gate.set()
    await settle(keys)
    assert names(await keys.find("old", "EdDSA")) == ["old"]
    assert server.asked == [KEYS_PATH]


async def test_who_gives_up_does_not_end_the_fetch_of_others(
    server: IssuerServer, make: Make
) -> None:
    keys = make()
    server.gate.clear()
    first, second = (asyncio.create_task(keys.find("old", "EdDSA")) for _ in range(2))
    assert await asyncio.to_thread(server.arrived.wait, 30)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    server.gate.set()
    assert names(await second) == ["old"]


@pytest.mark.parametrize(
    ("status", "headers", "body", "words"),
    [
        (500, {}, b"", "status 500"),
        (404, {}, b"{}", "status 404"),
        (204, {}, b"", "JSON"),
        (200, {}, b"", "JSON"),
        (200, {}, b"<html>", "JSON"),
        (200, {}, b'{"keys":', "JSON"),
        (200, {}, b"\xff\xfe\xff", "JSON"),
        (200, {}, b"[" * 100_000, "JSON"),
        (200, {}, b"[]", "key set"),
        (200, {}, b"{}", "key set"),
        (200, {}, b'{"keys":{}}', "key set"),
        (200, {}, b'{"keys":[]}', "no key"),
        (200, {}, b'{"keys":[1,null,[],{}]}', "no key"),
        (200, {}, b" " * (LARGEST_DOCUMENT + 1), "more than 262144 bytes"),
        (200, {"Content-Length": "100"}, b'{"keys":[]}', "reached|less than"),
    ],
)
async def test_another_answer_is_a_failure_and_loses_no_key(
    server: IssuerServer,
    make: Make,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    status: int,
    headers: dict[str, str],
    body: bytes,
    words: str,
) -> None:
    keys = make()
    await keys.find("old", "EdDSA")
    server.answers[KEYS_PATH] = (status, headers, body)
    clock.now += FRESH_SECONDS
    assert names(await keys.find("old", "EdDSA")) == ["old"]
    assert any(word in caplog.text for word in words.split("|"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", [KEYS_PATH, DISCOVERY_PATH])
async def test_no_redirect_is_followed(
    server: IssuerServer, make: Make, status: int, path: str
) -> None:
    evil = json.dumps({"keys": [NEW.published(kid="new")]}).encode()
    server.answers["/evil"] = (200, {}, evil)
    server.answers[path] = (status, {"Location": f"{server.url}/evil"}, b"")
    with pytest.raises(UnavailableError):
        await make(keys_only=False).find("new", "EdDSA")
    assert "/evil" not in server.asked


async def test_a_fetch_that_never_ends_counts_as_failed(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    published = read_keys({"keys": [OLD.published(kid="old")]})

    def load() -> tuple[SigningKey, ...]:
        gate.wait(60)
        return published

    keys = KeySet("slow", load, wait_seconds=30, clock=clock)
    with monkeypatch.context() as patch:
        patch.setattr("poutama.edge.jwks.GIVE_UP_SECONDS", 0.01)
        with pytest.raises(UnavailableError):
            await keys.find("old", "EdDSA")
        assert keys._fetching is None
    gate.set()
    clock.now += RETRY_SECONDS
    assert names(await keys.find("old", "EdDSA")) == ["old"]


async def test_no_message_has_what_an_issuer_answered(
    server: IssuerServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers[KEYS_PATH] = (200, {}, b"s3cret")
    with caplog.at_level(logging.DEBUG), pytest.raises(UnavailableError) as caught:
        await make().find("old", "EdDSA")
    assert "s3cret" not in caplog.text + caught.value.message
