import asyncio
import logging

import pytest

from config.supervisor import Supervisor, stop_if_cancelled


async def test_leaving_waits_for_draining_work() -> None:
    done = asyncio.Event()
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    async with Supervisor() as supervisor:
        supervisor.start(work(), name="work", drain=True)
        asyncio.get_running_loop().call_soon(gate.set)

    assert done.is_set()


async def test_leaving_cancels_endless_work_and_work_past_the_deadline() -> None:
    async with Supervisor(drain_seconds=0.01) as supervisor:
        endless = supervisor.start(asyncio.Event().wait(), name="endless")
        late = supervisor.start(asyncio.Event().wait(), name="late", drain=True)

    assert endless.cancelled()
    assert late.cancelled()


async def test_failing_work_is_logged_by_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        async with Supervisor() as supervisor:
            supervisor.start(fail(), name="sweeper", drain=True)

    assert "sweeper" in caplog.text


async def test_joining_raises_what_the_work_raised() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async with Supervisor() as supervisor:
        supervisor.start(fail(), name="sweeper", drain=True)
        with pytest.raises(ValueError, match="broken"):
            await supervisor.join()


async def test_work_whose_cancellation_was_swallowed_can_still_end() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        while True:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                begun.clear()
            stop_if_cancelled()

    async with asyncio.timeout(5), Supervisor() as supervisor:
        task = supervisor.start(work(), name="work")
        await begun.wait()

    assert task.cancelled()
    assert not begun.is_set()
