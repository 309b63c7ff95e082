import asyncio
from collections.abc import Awaitable, Callable

import pytest

from admin.lookups import ABSENT_SECONDS, DEADLINE_SECONDS, Lookups
from config.supervisor import Supervisor
from memory.errors import StoreUnavailable
from tests.support.services import SetClock

FRESH, STALE = 60.0, 900.0


class Shelf:
    """A store of one value for every key, which counts how often it is asked."""

    def __init__(self) -> None:
        self.value: str | None = "found"
        self.down = False
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def load(self, _key: str) -> str | None:
        self.asked += 1
        await self.open.wait()
        if self.down:
            raise StoreUnavailable("down")
        return self.value


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def lookups(shelf: Shelf, supervisor: Supervisor, clock: SetClock) -> Lookups[str, str]:
    return lookups_over(shelf.load, supervisor, clock)


def lookups_over(
    load: Callable[[str], Awaitable[str | None]], supervisor: Supervisor, clock: SetClock, *, size: int = 10
) -> Lookups[str, str]:
    return Lookups(load, supervisor, fresh_seconds=FRESH, stale_seconds=STALE, size=size, timer=clock.seconds)


async def started(work: Awaitable[str | None]) -> "asyncio.Task[str | None]":
    """Begun, and waiting for the store."""
    task = asyncio.ensure_future(work)  # noqa: TID251 - a test waits for it itself
    await asyncio.sleep(0)
    return task


async def test_what_was_found_is_believed_until_it_is_no_longer_fresh(
    lookups: Lookups[str, str], shelf: Shelf, clock: SetClock
) -> None:
    await lookups.get("key")
    shelf.value = "changed"

    clock.pass_(seconds=FRESH - 0.001)
    assert await lookups.get("key") == "found"
    clock.pass_(ms=1)
    assert await lookups.get("key") == "changed"
    assert shelf.asked == 2


async def test_an_old_finding_stands_in_while_the_store_is_down_and_no_longer_than_it_may(
    lookups: Lookups[str, str], shelf: Shelf, clock: SetClock
) -> None:
    await lookups.get("key")
    shelf.down = True

    clock.pass_(seconds=STALE - 1)
    assert await lookups.get("key") == "found"
    clock.pass_(seconds=1)
    with pytest.raises(StoreUnavailable):
        await lookups.get("key")


async def test_an_old_finding_stands_in_for_a_store_that_does_not_answer_in_time(
    lookups: Lookups[str, str], shelf: Shelf, clock: SetClock
) -> None:
    await lookups.get("key")
    shelf.open.clear()
    clock.pass_(seconds=FRESH)

    assert await asyncio.gather(*(lookups.get("key") for _ in range(5))) == ["found"] * 5
    assert shelf.asked == 2


async def test_a_lookup_that_was_not_waited_for_is_believed_when_it_comes(
    lookups: Lookups[str, str], shelf: Shelf, supervisor: Supervisor, clock: SetClock
) -> None:
    await lookups.get("key")
    shelf.open.clear()
    shelf.value = "changed"
    clock.pass_(seconds=FRESH)
    assert await lookups.get("key") == "found"
    shelf.open.set()

    assert await lookups.sure("key") == "changed"
    assert shelf.asked == 2


async def test_what_has_to_be_sure_is_fresh_or_unavailable(
    lookups: Lookups[str, str], shelf: Shelf, clock: SetClock
) -> None:
    assert await lookups.sure("key") == "found"
    shelf.down = True

    clock.pass_(seconds=FRESH - 0.001)
    assert await lookups.sure("key") == "found"
    clock.pass_(ms=1)
    with pytest.raises(StoreUnavailable):
        await lookups.sure("key")


async def test_once_the_store_answers_again_it_is_believed(
    lookups: Lookups[str, str], shelf: Shelf, clock: SetClock
) -> None:
    await lookups.get("key")
    shelf.down = True
    clock.pass_(seconds=FRESH)
    await lookups.get("key")

    shelf.down, shelf.value = False, None
    assert await lookups.get("key") is None


async def test_what_is_not_known_is_unavailable_while_the_store_is_down(
    lookups: Lookups[str, str], shelf: Shelf
) -> None:
    shelf.down = True

    with pytest.raises(StoreUnavailable):
        await lookups.get("key")


async def test_a_substitute_stands_in_for_what_is_not_known(lookups: Lookups[str, str], shelf: Shelf) -> None:
    shelf.down = True
    assert await lookups.get("key", otherwise="else") == "else"

    shelf.down = False
    assert await lookups.get("key", otherwise="else") == "found"


async def test_a_substitute_never_stands_in_for_a_store_that_is_slow(lookups: Lookups[str, str], shelf: Shelf) -> None:
    shelf.open.clear()
    asked = await started(lookups.get("key", otherwise="else"))
    await asyncio.wait([asked], timeout=2 * DEADLINE_SECONDS)
    assert not asked.done()
    shelf.open.set()

    assert await asked == "found"


async def test_that_there_is_nothing_is_believed_for_a_moment_only(
    lookups: Lookups[str, str], shelf: Shelf, clock: SetClock
) -> None:
    shelf.value = None
    assert await lookups.get("key") is None
    shelf.value = "found"
    assert await lookups.get("key") is None

    clock.pass_(seconds=ABSENT_SECONDS)
    assert await lookups.get("key") == "found"


async def test_made_up_keys_push_out_no_real_ones(supervisor: Supervisor, clock: SetClock) -> None:
    asked = []

    async def load(key: str) -> str | None:
        asked.append(key)
        return "found" if key == "real" else None

    lookups = lookups_over(load, supervisor, clock, size=3)
    await lookups.get("real")
    for number in range(10):
        await lookups.get(f"made up {number}")
    await lookups.get("real")

    assert asked.count("real") == 1


async def test_lookups_of_one_key_at_the_same_time_are_one(lookups: Lookups[str, str], shelf: Shelf) -> None:
    assert await asyncio.gather(*(lookups.get("key") for _ in range(100))) == ["found"] * 100
    assert shelf.asked == 1


async def test_a_failed_lookup_fails_for_all_who_waited_for_it(lookups: Lookups[str, str], shelf: Shelf) -> None:
    shelf.open.clear()
    waiting = [await started(lookups.get("key")) for _ in range(10)]
    shelf.down = True
    shelf.open.set()

    told = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(error, StoreUnavailable) for error in told)
    assert shelf.asked == 1


async def test_a_lookup_goes_on_when_its_asker_leaves(lookups: Lookups[str, str], shelf: Shelf) -> None:
    shelf.open.clear()
    first, second, third = [await started(lookups.get("key")) for _ in range(3)]
    first.cancel()
    await asyncio.wait([first])
    shelf.open.set()

    assert [await second, await third] == ["found", "found"]
    assert first.cancelled()
    assert shelf.asked == 1


async def test_one_who_waits_for_anothers_lookup_may_leave(lookups: Lookups[str, str], shelf: Shelf) -> None:
    shelf.open.clear()
    first, second = [await started(lookups.get("key")) for _ in range(2)]
    second.cancel()
    await asyncio.wait([second])
    shelf.open.set()

    assert second.cancelled()
    assert await first == "found"


async def test_what_is_forgotten_is_looked_up_anew(lookups: Lookups[str, str], shelf: Shelf) -> None:
    await lookups.get("key")
    shelf.value = None
    lookups.forget("key")

    assert await lookups.get("key") is None


async def test_a_lookup_under_way_when_it_is_forgotten_is_not_kept(lookups: Lookups[str, str], shelf: Shelf) -> None:
    shelf.open.clear()
    under_way = await started(lookups.get("key"))
    lookups.forget("key")
    shelf.open.set()
    await under_way
    shelf.value = "changed"

    assert await lookups.get("key") == "changed"


async def test_what_was_learned_needs_no_lookup(lookups: Lookups[str, str], shelf: Shelf) -> None:
    shelf.value = None
    await lookups.get("key")
    lookups.learn("key", "written")

    assert await lookups.get("key") == "written"
    assert shelf.asked == 1
