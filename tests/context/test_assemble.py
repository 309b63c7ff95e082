from typing import Any

import pytest

from context import assemble as module
from context.assemble import Assembled, Assembler, ContextRequest
from context.render import SEPARATOR
from context.tokens import TokenCounters
from context.zones import ZoneAllocation
from memory.caller import SHARED, Caller, user_owner
from memory.engines.base import Filter
from memory.errors import Invalid, StoreUnavailable
from memory.markers import BLOCK_CLOSE, BLOCK_OPEN
from memory.service.drafts import MemoryDraft
from tests.support.services import Services

WHERE = Filter(tenant="default", namespaces=("default",))
DAY = 86_400_000


def a_request(query: str, **given: Any) -> ContextRequest:
    fields: dict[str, Any] = {"where": WHERE, "token_budget": 1000}
    return ContextRequest(query=query, **fields | given)


async def remember(services: Services, caller: Caller, *contents: str, **fields: Any) -> None:
    for content in contents:
        await services.remember.one(caller, MemoryDraft(content=content, **fields), "default")


def told(assembled: Assembled) -> list[str]:
    return [placed.content for placed in assembled.memories]


async def test_a_question_that_shares_no_word_finds_the_fact_it_needs(
    services: Services, caller: Caller, assembler: Assembler
) -> None:
    await remember(services, caller, "Is allergic to peanuts.", "Lives in Porto.", "Has a dog named Rex.")

    assembled = await assembler.assemble(a_request("what food should I avoid?"))

    assert "- Is allergic to peanuts.\n" in assembled.content


async def test_small_talk_brings_no_turns_of_old(services: Services, caller: Caller, assembler: Assembler) -> None:
    turns = ["The quarterly report is due on Friday.", "Nginx refuses to start.", "We repainted the kitchen."]
    await remember(services, caller, *turns, type="episodic", run_id="s")

    assembled = await assembler.assemble(a_request("good morning!"))

    assert assembled.content == ""


async def test_every_zone_is_used_as_the_document_says(
    services: Services, caller: Caller, assembler: Assembler
) -> None:
    await remember(services, caller, "Is allergic to peanuts.")
    await remember(services, caller, "Debugging a race condition.", type="working")
    services.clock.pass_(seconds=10 * 86_400)
    await remember(services, caller, "We talked about peanuts and cashews.", type="episodic", run_id="s")
    services.clock.pass_(seconds=2 * 86_400)

    assembled = await assembler.assemble(a_request("Am I allergic to peanuts?"))

    positions = {placed.content: placed.position for placed in assembled.memories}
    assert positions["Is allergic to peanuts."] == "critical"
    assert positions["Debugging a race condition."] == "recency"
    assert assembled.zones.critical_budget == 150
    assert assembled.zones.critical_used >= 8


async def test_the_block_and_its_separator_are_what_is_counted(
    services: Services, caller: Caller, assembler: Assembler, token_counters: TokenCounters
) -> None:
    await remember(services, caller, "Has a dog named Rex.")

    assembled = await assembler.assemble(a_request("What is my dog's name?", form="block"))

    assert assembled.content.startswith(BLOCK_OPEN)
    assert assembled.content.endswith(BLOCK_CLOSE)
    counter = token_counters.default
    assert assembled.token_count == counter.count(SEPARATOR + assembled.content)
    assert assembled.encoding == counter.encoding


async def test_every_memory_says_why_it_is_there(services: Services, caller: Caller, assembler: Assembler) -> None:
    await remember(services, caller, "Has a dog named Rex.")

    [placed] = (await assembler.assemble(a_request("What is my dog's name?"))).memories

    assert {"vector", "text"} <= placed.reasons.keys()
    assert placed.score == pytest.approx(min(sum(placed.reasons.values()), 1.0))


@pytest.mark.parametrize("form", ["context", "block"])
async def test_a_budget_of_nought_gives_nothing(
    services: Services, caller: Caller, assembler: Assembler, form: str
) -> None:
    await remember(services, caller, "Has a dog named Rex.")

    assembled = await assembler.assemble(a_request("dog", form=form, token_budget=0))

    assert (assembled.content, assembled.memories, assembled.token_count) == ("", [], 0)


async def test_a_system_prompt_beyond_the_budget_stands_alone(
    services: Services, caller: Caller, assembler: Assembler, token_counters: TokenCounters
) -> None:
    await remember(services, caller, "Has a dog named Rex.")
    prompt = "You are a very thorough assistant. " * 50

    assembled = await assembler.assemble(a_request("dog", system_prompt=prompt, token_budget=100))

    assert assembled.content == prompt
    assert assembled.memories == []
    assert assembled.token_count == token_counters.default.count(prompt)


async def test_only_what_the_filter_lets_through_goes_in(
    services: Services, caller: Caller, assembler: Assembler
) -> None:
    await remember(services, caller, "Ada has a dog.", user_id="ada")
    await remember(services, caller, "Bob has a dog.", user_id="bob")
    await remember(services, caller, "The office has a dog.")
    where = Filter(tenant="default", namespaces=("default",), owners=(user_owner("ada"), SHARED))

    assembled = await assembler.assemble(a_request("Who has a dog?", where=where))

    assert sorted(told(assembled)) == ["Ada has a dog.", "The office has a dog."]


async def test_a_time_in_the_query_brings_up_what_happened_then(
    services: Services, caller: Caller, assembler: Assembler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIME_PATIENCE", 30.0)
    for day in range(30):
        at = services.clock() - (day + 1) * DAY
        await remember(services, caller, f"Ate soup number {day}.", type="episodic", event_at=at)

    assembled = await assembler.assemble(a_request("What did I eat yesterday?", token_budget=60))

    best = max(assembled.memories, key=lambda placed: placed.score)
    assert best.content == "Ate soup number 0."
    assert "time" in best.reasons


async def test_a_threshold_of_the_callers_is_kept(services: Services, caller: Caller, assembler: Assembler) -> None:
    await remember(services, caller, "Is allergic to peanuts.", "Lives in Porto.", "Has a dog named Rex.")

    assembled = await assembler.assemble(a_request("Am I allergic to peanuts?", min_score=0.6))

    assert told(assembled) == ["Is allergic to peanuts."]


async def test_shares_that_do_not_sum_to_one_are_refused(assembler: Assembler) -> None:
    allocation = ZoneAllocation(critical=0.5, middle=0.1, recency=0.1)

    with pytest.raises(Invalid, match="zone_allocation"):
        await assembler.assemble(a_request("dog", zone_allocation=allocation))


async def test_the_steps_are_timed(services: Services, caller: Caller, assembler: Assembler) -> None:
    await remember(services, caller, "Has a dog named Rex.")

    timings = (await assembler.assemble(a_request("dog"))).timings

    assert {"search", "neighbours", "rank", "compose", "total"} <= timings.keys()
    assert timings["total"] >= timings["search"] > 0


async def test_an_engine_that_fails_is_said_to(services: Services, assembler: Assembler) -> None:
    await services.engine.__aexit__(None, None, None)

    with pytest.raises(StoreUnavailable):
        await assembler.assemble(a_request("dog"))
