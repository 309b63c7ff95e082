import asyncio
from collections.abc import Sequence

import pytest

from config.settings import Retrieval
from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import EmbeddingSpec, Filter, Vector
from memory.errors import EmbedderUnavailable, Invalid, StoreUnavailable
from memory.retrieval.ranked import Ranked, Steer
from memory.service.drafts import MemoryDraft
from memory.service.recall import Recall
from tests.support.services import START, Services

WHERE = Filter(tenant="default")
DAY = 86_400_000


class RemoteEmbedder:
    """The bundled model as if it were far away: it answers when `answers` is set, and fails with `failure`."""

    immediate = False

    def __init__(self, model: BundledEmbedder) -> None:
        self._model = model
        self.answers = asyncio.Event()
        self.failure: EmbedderUnavailable | None = None

    @property
    def spec(self) -> EmbeddingSpec:
        return self._model.spec

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure
        return await self._model.embed(texts)


@pytest.fixture
def recall(services: Services, embedder: BundledEmbedder) -> Recall:
    return Recall(services.engine.memories, embedder, Retrieval(), services.clock)


@pytest.fixture
def remote(embedder: BundledEmbedder) -> RemoteEmbedder:
    return RemoteEmbedder(embedder)


@pytest.fixture
def remote_recall(services: Services, remote: RemoteEmbedder) -> Recall:
    return Recall(services.engine.memories, remote, Retrieval(), services.clock)


async def remember(services: Services, caller: Caller, *contents: str) -> None:
    for content in contents:
        await services.remember.one(caller, MemoryDraft(content=content), "default")


async def converse(services: Services, caller: Caller, *turns: str, run_id: str = "session") -> None:
    for content in turns:
        draft = MemoryDraft(content=content, type="episodic", run_id=run_id)
        await services.remember.one(caller, draft, "default")


def told(found: Sequence[Ranked]) -> list[str]:
    return [one.hit.content for one in found]


async def test_a_match_by_words_and_one_by_meaning_are_both_found(
    services: Services, caller: Caller, recall: Recall
) -> None:
    await remember(services, caller, "The kitten sleeps all day.", "The invoice 4711 is overdue.", "Berlin is cold.")

    assert told(await recall.search(WHERE, "invoice 4711"))[0] == "The invoice 4711 is overdue."
    assert told(await recall.search(WHERE, "young cat"))[0] == "The kitten sleeps all day."


async def test_the_turns_around_a_match_come_along(services: Services, caller: Caller, recall: Recall) -> None:
    small_talk = [f"Well, number {number}." for number in range(60)]
    await converse(services, caller, *small_talk, "Which nuts are you allergic to?", "Hazel, sadly.", *small_talk)

    found = await recall.search(WHERE, "nuts allergic", limit=5)

    assert {"Which nuts are you allergic to?", "Hazel, sadly."} <= set(told(found)[:3])


async def test_at_most_so_many_are_returned_as_asked_for(services: Services, caller: Caller, recall: Recall) -> None:
    await remember(services, caller, *(f"peanut number {number}" for number in range(9)))

    assert len(await recall.search(WHERE, "peanut", limit=4)) == 4


async def test_facts_come_whatever_the_query(services: Services, caller: Caller, recall: Recall) -> None:
    turns = [f"The weather in week {number} was fine." for number in range(70)]
    await converse(services, caller, *turns)
    await remember(services, caller, "Is allergic to peanuts.")

    found = await recall.find(WHERE, "weather fine week", facts=3)

    assert "Is allergic to peanuts." in told(found.ranked)


@pytest.mark.parametrize("query", ["", "   "])
async def test_without_a_query_the_facts_come_newest_first(
    services: Services, caller: Caller, recall: Recall, query: str
) -> None:
    for content in ("one", "two", "three"):
        await remember(services, caller, content)
        services.clock.pass_(ms=1)

    found = await recall.find(WHERE, query, facts=2)

    assert told(found.ranked) == ["three", "two"]


async def test_the_filter_holds_for_neighbours_too(services: Services, caller: Caller, recall: Recall) -> None:
    for content, role in (("Which nuts are you allergic to?", "user"), ("Hazel, sadly.", "assistant")):
        draft = MemoryDraft(content=content, type="episodic", run_id="s", tags=[role])
        await services.remember.one(caller, draft, "default")

    found = await recall.search(Filter(tenant="default", tags=("user",)), "nuts allergic")

    assert told(found) == ["Which nuts are you allergic to?"]


async def test_what_happened_in_the_time_named_is_found_among_many(
    services: Services, caller: Caller, recall: Recall
) -> None:
    for day in range(80):
        draft = MemoryDraft(content=f"Ate soup number {day}.", type="episodic", event_at=START + day * DAY)
        await services.remember.one(caller, draft, "default")

    steer = Steer(happened=(START + 7 * DAY, START + 7 * DAY))
    found = await recall.find(WHERE, "what did I eat", steer=steer)

    assert told(found.ranked)[0] == "Ate soup number 7."
    assert len(found.ranked) > 10


async def test_the_name_of_a_speaker_does_not_stand_for_what_was_said(
    services: Services, caller: Caller, recall: Recall
) -> None:
    for content in ("Maren: You too.", "Maren: Bye!", "Maren: Our puppy is called Biscuit."):
        await services.remember.one(caller, MemoryDraft(content=content, type="episodic"), "default")
    found = await recall.find(WHERE, "What is Maren's dog called?")
    near = {one.hit.content: one.hit.dense for one in found.ranked}
    assert max(near, key=lambda content: near[content] or 0.0) == "Maren: Our puppy is called Biscuit."


async def test_weights_are_overridden_for_one_search(services: Services, caller: Caller, recall: Recall) -> None:
    await remember(services, caller, "The kitten sleeps all day.", "young at heart")

    by_words = await recall.search(WHERE, "young cat", weights={"vector_weight": 0.0})
    no_words = dict.fromkeys(("text_weight", "words_weight", "session_weight"), 0.0)
    by_meaning = await recall.search(WHERE, "young cat", weights=no_words)

    assert told(by_words)[0] == "young at heart"
    assert told(by_meaning)[0] == "The kitten sleeps all day."


async def test_a_weight_that_does_not_exist_is_refused(recall: Recall) -> None:
    with pytest.raises(Invalid, match="no_weight"):
        await recall.search(WHERE, "anything", weights={"no_weight": 1.0})


async def test_a_remote_embedder_adds_its_leg(
    services: Services, caller: Caller, remote: RemoteEmbedder, remote_recall: Recall, recall: Recall
) -> None:
    await remember(services, caller, "The kitten sleeps all day.", "The invoice 4711 is overdue.")
    remote.answers.set()

    found = await remote_recall.find(WHERE, "young cat invoice")

    assert found.degraded is None
    assert told(found.ranked) == told((await recall.find(WHERE, "young cat invoice")).ranked)


async def test_a_remote_embedder_that_is_too_slow_leaves_the_words(
    services: Services, caller: Caller, remote_recall: Recall
) -> None:
    await remember(services, caller, "The kitten sleeps all day.", "The invoice 4711 is overdue.")

    found = await remote_recall.find(WHERE, "young cat invoice", patience=0.01)

    assert told(found.ranked) == ["The invoice 4711 is overdue."]
    assert found.degraded is not None
    assert "deadline" in found.degraded


async def test_a_remote_embedder_that_fails_leaves_the_words(
    services: Services, caller: Caller, remote: RemoteEmbedder, remote_recall: Recall
) -> None:
    await remember(services, caller, "The kitten sleeps all day.", "The invoice 4711 is overdue.")
    remote.answers.set()
    remote.failure = EmbedderUnavailable("the embedder is down")

    found = await remote_recall.find(WHERE, "young cat invoice")

    assert told(found.ranked) == ["The invoice 4711 is overdue."]
    assert found.degraded == "the embedder is down"


async def test_facts_come_without_the_embedder(services: Services, caller: Caller, remote_recall: Recall) -> None:
    await remember(services, caller, "Is allergic to peanuts.")

    found = await remote_recall.find(WHERE, "what shall we cook", facts=3, patience=0.01)

    assert told(found.ranked) == ["Is allergic to peanuts."]


async def test_an_engine_that_fails_is_told_as_it_is(
    services: Services, remote: RemoteEmbedder, remote_recall: Recall
) -> None:
    remote.answers.set()
    await services.engine.__aexit__(None, None, None)

    with pytest.raises(StoreUnavailable):
        await remote_recall.find(WHERE, "anything")
