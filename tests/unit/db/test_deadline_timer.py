"""One timer for many deadlines: only a task past its own deadline is interrupted."""

from __future__ import annotations

import asyncio
import time

import pytest

from poutama.db.deadline_timer import DeadlineTimer

FAR = 3600.0
NEAR = 0.02


def soon(seconds: float = NEAR) -> float:
    return time.monotonic() + seconds


async def wait_for_ever() -> None:
    await asyncio.get_running_loop().create_future()


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> list[DeadlineTimer]:
    """Which timers set a timer, in order."""
    found: list[DeadlineTimer] = []
    arm = DeadlineTimer._arm

    def count(timer: DeadlineTimer) -> None:
        found.append(timer)
        arm(timer)

    monkeypatch.setattr(DeadlineTimer, "_arm", count)
    return found


async def test_a_task_past_its_deadline_is_interrupted_and_can_go_on() -> None:
    timer = DeadlineTimer()
    for _ in range(3):
        with pytest.raises(TimeoutError), timer.set(soon()):
            await wait_for_ever()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_deadline_already_past_raises_before_anything_is_done() -> None:
    done = False
    with pytest.raises(TimeoutError), DeadlineTimer().set(time.monotonic()):
        done = True
    assert not done


async def test_many_deadlines_need_one_timer(armed: list[DeadlineTimer]) -> None:
    timer = DeadlineTimer()
    for seconds in range(100):
        with timer.set(soon(FAR + seconds)):
            await asyncio.sleep(0)
    assert armed == [timer]
    timer.cancel()


async def test_a_nearer_deadline_than_the_last_is_kept(armed: list[DeadlineTimer]) -> None:
    timer = DeadlineTimer()
    with timer.set(soon(FAR)):
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), timer.set(soon()):
        await wait_for_ever()
    assert len(armed) == 2


async def test_a_timer_for_an_earlier_deadline_does_nothing(
    armed: list[DeadlineTimer],
) -> None:
    timer = DeadlineTimer()
    with timer.set(soon()):
        await asyncio.sleep(0)
    with timer.set(soon(FAR)):
        await asyncio.sleep(3 * NEAR)
    assert len(armed) == 2, "it was moved to the deadline of the current block"
    timer.cancel()


async def test_a_timer_that_fires_outside_a_block_does_nothing(
    armed: list[DeadlineTimer], caplog: pytest.LogCaptureFixture
) -> None:
    timer = DeadlineTimer()
    with timer.set(soon()):
        pass
    await asyncio.sleep(3 * NEAR)
    assert len(armed) == 1
    assert caplog.records == []
    with pytest.raises(TimeoutError), timer.set(soon()):
        await wait_for_ever()


async def begin_to_wait(timer: DeadlineTimer) -> asyncio.Task[None]:
    async def wait() -> None:
        with timer.set(soon(FAR)):
            await wait_for_ever()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("fires", [False, True], ids=["long before", "at its deadline"])
async def test_a_task_that_is_cancelled_ends_as_cancelled(fires: bool) -> None:
    timer = DeadlineTimer()
    task = await begin_to_wait(timer)
    if fires:
        timer._deadline = 0.0
        timer._fire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    timer.cancel()


async def test_another_error_is_what_it_was() -> None:
    with pytest.raises(KeyError), DeadlineTimer().set(soon(FAR)) as _:
        raise KeyError
