import pytest

from memory.caller import Caller
from memory.engines.base import Filter
from memory.service import search as module
from memory.service.drafts import MemoryDraft
from tests.support.services import Services

WHERE = Filter(tenant="default")


async def remember(services: Services, caller: Caller, *contents: str) -> None:
    for content in contents:
        await services.remember.one(caller, MemoryDraft(content=content), "default")
        services.clock.pass_(seconds=60)


async def test_the_best_comes_first(services: Services, caller: Caller) -> None:
    await remember(services, caller, "allergic to peanuts", "drives a red car", "works in Porto")

    found = await services.search.find(caller, WHERE, "peanuts", limit=2)

    assert found.results[0][0].content == "allergic to peanuts"
    scores = [score for _, score in found.results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


async def test_without_a_query_the_newest_comes_first(services: Services, caller: Caller) -> None:
    await remember(services, caller, "one", "two", "three")

    for query in (None, "", "  "):
        found = await services.search.find(caller, WHERE, query, limit=2)
        assert [(memory.content, score) for memory, score in found.results] == [("three", 1.0), ("two", 1.0)]
        assert (found.total, found.has_more) == (3, True)
        rest = await services.search.find(caller, WHERE, query, offset=2, limit=2)
        assert [memory.content for memory, _ in rest.results] == ["one"]
        assert not rest.has_more


async def test_pages_of_a_ranked_list_follow_each_other(services: Services, caller: Caller) -> None:
    await remember(services, caller, *(f"peanut number {n}" for n in range(7)))
    whole = await services.search.find(caller, WHERE, "peanut", limit=10)

    pages = [await services.search.find(caller, WHERE, "peanut", offset=at, limit=3) for at in (0, 3, 6)]

    assert [memory.id for page in pages for memory, _ in page.results] == [memory.id for memory, _ in whole.results]
    assert [page.has_more for page in pages] == [True, True, False]
    assert {page.total for page in pages} == {7}


async def test_a_ranked_list_ends_at_its_depth(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RANKED_DEPTH", 5)
    monkeypatch.setattr(module, "_DEPTHS", (2, 5))
    await remember(services, caller, *(f"peanut number {n}" for n in range(7)))

    page = await services.search.find(caller, WHERE, "peanut", offset=3, limit=3)
    beyond = await services.search.find(caller, WHERE, "peanut", offset=5, limit=3)

    assert len(page.results) == 2
    assert not page.has_more
    assert page.total == 7
    assert beyond.results == []
    assert not beyond.has_more


async def test_equal_texts_leave_no_page_short(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DEPTHS", (64, 1000))
    drafts = [MemoryDraft(content=f"peanut number {n % 3}") for n in range(99)]
    drafts += [MemoryDraft(content=f"almond number {n}") for n in range(3)]
    await services.remember.write(caller, drafts, "default")

    page = await services.search.find(caller, WHERE, "peanut number", limit=4)

    assert len({memory.content for memory, _ in page.results}) == 4
    assert page.has_more
