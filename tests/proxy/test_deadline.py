import asyncio
from contextlib import closing

import pytest

from proxy.deadline import Deadline


async def test_a_wait_that_takes_too_long_ends() -> None:
    with closing(Deadline(0.01)) as deadline, pytest.raises(TimeoutError), deadline:
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_every_wait_has_its_whole_time() -> None:
    with closing(Deadline(0.5)) as deadline:
        for _ in range(3):
            with deadline:
                await asyncio.sleep(0.2)
        with pytest.raises(TimeoutError), deadline:
            await asyncio.Event().wait()


async def test_what_lies_between_two_waits_does_not_count() -> None:
    with closing(Deadline(0.2)) as deadline:
        with deadline:
            pass
        await asyncio.sleep(0.3)
        with deadline:
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), deadline:
            await asyncio.Event().wait()


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    began = asyncio.Event()

    async def wait() -> None:
        with closing(Deadline(10)) as deadline, deadline:
            began.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(wait())
        await began.wait()
        task.cancel()
    assert task.cancelled()


async def test_it_works_within_a_task_that_is_being_cancelled() -> None:
    async def wait() -> str:
        with closing(Deadline(0.01)) as deadline:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                try:
                    with deadline:
                        await asyncio.Event().wait()
                except TimeoutError:
                    return "timed out"
        return "went on"

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
    assert task.result() == "timed out"
