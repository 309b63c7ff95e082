"""Log: append-only streams."""

import asyncio
import time

import pytest

from memory.engines.base import Append, Engine, Entry
from tests.contract.examples import HOSTILE, TENANT


async def write(engine: Engine, *entries: bytes, stream: str = "s", tenant: str = TENANT) -> None:
    await engine.log.append([Append(tenant=tenant, stream=stream, entry=entry) for entry in entries])


def texts(entries: list[Entry]) -> list[bytes]:
    return [entry.entry for entry in entries]


async def test_entries_are_read_in_the_order_of_their_appending(engine: Engine) -> None:
    await write(engine, b"one", b"\0two\xff")
    await write(engine, b"three")
    assert texts(await engine.log.read(TENANT, "s")) == [b"one", b"\0two\xff", b"three"]


async def test_the_newest_are_read_first_when_asked(engine: Engine) -> None:
    await write(engine, b"one", b"two", b"three")
    newest = await engine.log.read(TENANT, "s", newest_first=True, limit=2)
    assert texts(newest) == [b"three", b"two"]


async def test_an_empty_stream_has_no_entries(engine: Engine) -> None:
    assert await engine.log.read(TENANT, "s") == []


async def test_ids_rise_as_strings(engine: Engine) -> None:
    for _ in range(3):
        await write(engine, *(b"%d" % n for n in range(40)))
    ids = [entry.id for entry in await engine.log.read(TENANT, "s", limit=1000)]
    assert len(set(ids)) == 120
    assert ids == sorted(ids)


async def test_an_entry_tells_when_it_was_appended(engine: Engine) -> None:
    before = int(time.time() * 1000) - 50
    await write(engine, b"one")
    (entry,) = await engine.log.read(TENANT, "s")
    assert before <= entry.at <= time.time() * 1000 + 50


async def test_a_stream_is_read_on_from_an_id_in_either_direction(engine: Engine) -> None:
    await write(engine, *(b"%d" % n for n in range(10)))
    every = await engine.log.read(TENANT, "s")
    assert texts(await engine.log.read(TENANT, "s", after=every[6].id)) == [b"7", b"8", b"9"]
    assert texts(await engine.log.read(TENANT, "s", after=every[2].id, newest_first=True)) == [b"1", b"0"]
    assert await engine.log.read(TENANT, "s", after=every[9].id) == []
    assert await engine.log.read(TENANT, "s", after=every[0].id, newest_first=True) == []


async def test_paging_meets_every_entry_once(engine: Engine) -> None:
    await write(engine, *(b"%d" % n for n in range(25)))
    met: list[bytes] = []
    after = None
    while page := await engine.log.read(TENANT, "s", after=after, limit=4):
        met += texts(page)
        after = page[-1].id
    assert met == [b"%d" % n for n in range(25)]


async def test_streams_and_tenants_are_apart(engine: Engine) -> None:
    await write(engine, b"mine")
    await write(engine, b"other stream", stream="t")
    await write(engine, b"other tenant", tenant="other")
    assert texts(await engine.log.read(TENANT, "s")) == [b"mine"]
    assert texts(await engine.log.read(TENANT, "t")) == [b"other stream"]
    assert texts(await engine.log.read("other", "s")) == [b"other tenant"]
    assert await engine.log.read("other", "t") == []


async def test_one_append_writes_to_several_streams(engine: Engine) -> None:
    await engine.log.append([Append(tenant=TENANT, stream=name, entry=name.encode()) for name in ("a", "b", "a")])
    assert texts(await engine.log.read(TENANT, "a")) == [b"a", b"a"]
    assert texts(await engine.log.read(TENANT, "b")) == [b"b"]


async def test_a_stream_with_a_length_keeps_its_newest(engine: Engine) -> None:
    for n in range(600):
        await engine.log.append([Append(tenant=TENANT, stream="s", entry=b"%d" % n, max_length=20)])
    kept = texts(await engine.log.read(TENANT, "s", limit=1000))
    assert 20 <= len(kept) <= 300
    assert kept == [b"%d" % n for n in range(600 - len(kept), 600)]


async def test_erasing_streams_leaves_the_others(engine: Engine) -> None:
    for stream in ("a", "b", "c"):
        await write(engine, b"x", stream=stream)
    await engine.log.erase(TENANT, ["a", "b", "missing"])
    assert [texts(await engine.log.read(TENANT, stream)) for stream in ("a", "b", "c")] == [[], [], [b"x"]]
    await engine.log.erase(TENANT, [])
    assert texts(await engine.log.read(TENANT, "c")) == [b"x"]


async def test_erasing_a_tenant_takes_all_its_streams(engine: Engine) -> None:
    for stream in ("a", "b"):
        await write(engine, b"x", stream=stream)
        await write(engine, b"y", stream=stream, tenant=TENANT + ":a")
    await engine.log.erase(TENANT)
    assert [await engine.log.read(TENANT, stream) for stream in ("a", "b")] == [[], []]
    assert texts(await engine.log.read(TENANT + ":a", "a")) == [b"y"]


async def test_an_erased_stream_begins_again_with_higher_ids(engine: Engine) -> None:
    await write(engine, b"old")
    (old,) = await engine.log.read(TENANT, "s")
    await engine.log.erase(TENANT, ["s"])
    await write(engine, b"new")
    assert texts(await engine.log.read(TENANT, "s", after=old.id)) == [b"new"]


async def test_concurrent_appends_are_all_kept(engine: Engine, peer: Engine) -> None:
    await asyncio.gather(*(write(engine if n % 2 else peer, b"%d" % n) for n in range(100)))
    assert sorted(texts(await engine.log.read(TENANT, "s", limit=200)), key=int) == [b"%d" % n for n in range(100)]


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_string_names_a_stream_of_any_tenant(engine: Engine, name: str) -> None:
    await write(engine, b"mine", stream=name, tenant=name)
    await write(engine, b"near", stream=name + "a", tenant=name)
    await write(engine, b"near", stream=name, tenant=name + "a")
    assert texts(await engine.log.read(name, name)) == [b"mine"]
    await engine.log.erase(name, [name])
    assert await engine.log.read(name, name) == []
    assert texts(await engine.log.read(name, name + "a")) == [b"near"]
    await engine.log.erase(name)
    assert texts(await engine.log.read(name + "a", name)) == [b"near"]


@pytest.mark.parametrize("id", ["", "x", "-1", "f" * 16, "0" * 40, "(", "+", "🐟", "\0", *HOSTILE])
@pytest.mark.parametrize("newest_first", [False, True])
async def test_to_read_on_from_what_is_no_id_is_no_error(engine: Engine, id: str, newest_first: bool) -> None:
    await write(engine, b"a")
    assert texts(await engine.log.read(TENANT, "s", after=id, newest_first=newest_first)) in ([], [b"a"])
