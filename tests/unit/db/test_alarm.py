"""One timer for many deadlines: whoever waits too long is interrupted, and nobody else."""

from __future__ import annotations

import asyncio
import time

import pytest

from poutama.db.alarm import Alarm

FAR = 3600.0
NEAR = 0.02


def soon(seconds: float = NEAR) -> float:
    return time.monotonic() + seconds


async def wait_for_ever() -> None:
    await asyncio.get_running_loop().create_future()


@pytest.fixture
def wound(monkeypatch: pytest.MonkeyPatch) -> list[Alarm]:
    """Which alarms set a timer, in order."""
    found: list[Alarm] = []
    wind = Alarm._wind

    def count(alarm: Alarm) -> None:
        found.append(alarm)
        wind(alarm)

    monkeypatch.setattr(Alarm, "_wind", count)
    return found


async def test_who_waits_too_long_is_interrupted_and_can_go_on() -> None:
    alarm = Alarm()
    for _ in range(3):
        with pytest.raises(TimeoutError), alarm.set(soon()):
            await wait_for_ever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_deadline_already_past_is_told_before_anything_is_done() -> None:
    done = False
    with pytest.raises(TimeoutError), Alarm().set(time.monotonic()):
        done = True
    assert not done


async def test_many_deadlines_need_one_timer(wound: list[Alarm]) -> None:
    alarm = Alarm()
    for seconds in range(100):
        with alarm.set(soon(FAR + seconds)):
            await asyncio.sleep(0)
    assert wound == [alarm]
    alarm.cancel()


async def test_a_nearer_deadline_than_the_last_is_kept(wound: list[Alarm]) -> None:
    alarm = Alarm()
    with alarm.set(soon(FAR)):
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), alarm.set(soon()):
        await wait_for_ever()
    assert len(wound) == 2


async def test_the_timer_of_an_earlier_deadline_interrupts_nobody(wound: list[Alarm]) -> None:
    alarm = Alarm()
    with alarm.set(soon()):
        await asyncio.sleep(0)
    with alarm.set(soon(FAR)):
        await asyncio.sleep(3 * NEAR)
    assert len(wound) == 2, "it was moved to the deadline of whoever waits by then"
    alarm.cancel()


async def test_a_timer_that_goes_off_while_nobody_waits_does_nothing(
    wound: list[Alarm], caplog: pytest.LogCaptureFixture
) -> None:
    alarm = Alarm()
    with alarm.set(soon()):
        pass
    await asyncio.sleep(3 * NEAR)
    assert len(wound) == 1
    assert caplog.records == []
    with pytest.raises(TimeoutError), alarm.set(soon()):
        await wait_for_ever()


async def begin_to_wait(alarm: Alarm) -> asyncio.Task[None]:
    async def wait() -> None:
        with alarm.set(soon(FAR)):
            await wait_for_ever()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("rings", [False, True], ids=["long before", "at its deadline"])
async def test_a_task_that_is_cancelled_ends_as_cancelled(rings: bool) -> None:
    alarm = Alarm()
    task = await begin_to_wait(alarm)
    if rings:
        alarm._deadline = 0.0
        alarm._ring()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    alarm.cancel()


async def test_another_error_is_what_it_was() -> None:
    with pytest.raises(KeyError), Alarm().set(soon(FAR)) as _:
        raise KeyError
