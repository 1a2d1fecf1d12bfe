"""What every queue promises, held against ours in this process and SQS over moto's server."""

from __future__ import annotations

import asyncio

import pytest

from poutama.errors import ConfigurationError, PoutamaError, UnavailableError
from poutama.jobs.queue import Queue, QueueMessage
from poutama.jobs.sqs import SqsQueue
from poutama.settings import Settings
from tests.contract.queues import CREDENTIALS, REGION, OpenQueue, open_local, open_sqs

BODY = '{"job": "ā 🌱"}'


@pytest.fixture(params=["local", "sqs"])
def open_queue(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> OpenQueue:
    if request.param == "local":
        return open_local
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return open_sqs(request.getfixturevalue("aws_endpoint"))


async def receive_one(queue: Queue) -> QueueMessage:
    (message,) = await queue.receive(wait=10)
    return message


async def test_what_is_sent_is_handed_out_as_it_was(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        await inspected.queue.send(BODY)
        message = await receive_one(inspected.queue)
        assert (message.body, message.received) == (BODY, 1)


async def test_nothing_is_nothing(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        assert await inspected.queue.receive() == []


async def test_who_waits_is_told_at_once(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        waiting = asyncio.create_task(inspected.queue.receive(wait=20))
        await asyncio.sleep(0)
        await inspected.queue.send(BODY)
        async with asyncio.timeout(15):
            assert [message.body for message in await waiting] == [BODY]


async def test_a_message_is_one_worker_s_at_a_time(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        for number in range(7):
            await inspected.queue.send(str(number))
        received = await asyncio.gather(*(inspected.queue.receive(limit=3) for _ in range(4)))
        bodies = [message.body for messages in received for message in messages]
        assert sorted(bodies) == [str(number) for number in range(7)]
        assert max(map(len, received)) <= 3


async def test_what_is_deleted_is_gone(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        await inspected.queue.send(BODY)
        message = await receive_one(inspected.queue)
        await inspected.queue.delete(message)
        await inspected.queue.delete(message)
        await inspected.queue.retry(message, delay=0)
        assert await inspected.queue.receive() == []


async def test_a_message_that_is_not_deleted_comes_again(open_queue: OpenQueue) -> None:
    async with open_queue(visibility=1) as inspected:
        await inspected.queue.send(BODY)
        first = await receive_one(inspected.queue)
        second = await receive_one(inspected.queue)
        assert (second.id, second.body, second.received) == (first.id, first.body, 2)
        assert second.receipt != first.receipt


async def test_what_failed_comes_again_when_it_was_asked_to(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        await inspected.queue.send(BODY)
        await inspected.queue.retry(await receive_one(inspected.queue), delay=0)
        again = await receive_one(inspected.queue)
        assert again.received == 2
        await inspected.queue.retry(again, delay=1)
        assert await inspected.queue.receive() == []
        assert (await receive_one(inspected.queue)).received == 3


async def test_of_a_batch_only_what_failed_comes_again(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        for number in range(10):
            await inspected.queue.send(str(number))
        batch: list[QueueMessage] = []
        while len(batch) < 10:
            batch += await inspected.queue.receive(wait=10)
        for message in batch:
            if message.body == "4":
                await inspected.queue.retry(message, delay=0)
            else:
                await inspected.queue.delete(message)
        assert (await receive_one(inspected.queue)).body == "4"
        assert await inspected.queue.receive() == []


async def test_a_message_can_be_held_back(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        await inspected.queue.send("later", delay=1)
        await inspected.queue.send("now")
        assert (await receive_one(inspected.queue)).body == "now"
        assert await inspected.queue.receive() == []
        assert (await receive_one(inspected.queue)).body == "later"


async def test_what_is_handed_out_too_often_is_a_dead_letter(open_queue: OpenQueue) -> None:
    async with open_queue(max_received=2) as inspected:
        await inspected.queue.send(BODY)
        for _ in range(2):
            await inspected.queue.retry(await receive_one(inspected.queue), delay=0)
        assert await inspected.queue.receive(wait=1) == []
        assert [body for body, _ in await inspected.dead_letters()] == [BODY]


async def test_a_message_can_be_dead_lettered_with_its_reason(open_queue: OpenQueue) -> None:
    async with open_queue() as inspected:
        await inspected.queue.dead_letter(BODY, reason="It holds no people: ā.")
        assert await inspected.dead_letters() == [(BODY, "It holds no people: ā.")]
        assert await inspected.queue.receive() == []


# SQS alone


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


async def fail(queue: SqsQueue) -> PoutamaError:
    with pytest.raises(PoutamaError) as caught:
        await queue.send(BODY)
    await queue.close()
    return caught.value


@pytest.mark.usefixtures("_credentials")
async def test_a_queue_that_cannot_be_reached_is_unavailable(unused_tcp_port: int) -> None:
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    settings = Settings(aws_region=REGION, aws_endpoint=nowhere, queue_url=f"{nowhere}/1/q")
    assert isinstance(await fail(SqsQueue(settings)), UnavailableError)


@pytest.mark.usefixtures("_credentials")
async def test_a_queue_that_is_not_there_is_told_by_its_code(aws_endpoint: str) -> None:
    settings = Settings(
        aws_region=REGION, aws_endpoint=aws_endpoint, queue_url=f"{aws_endpoint}/1/nowhere"
    )
    error = await fail(SqsQueue(settings))
    assert isinstance(error, UnavailableError)
    assert "NonExistentQueue" in error.message or "QueueDoesNotExist" in error.message


def test_a_queue_needs_its_url() -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_QUEUE_URL"):
        SqsQueue(Settings())
