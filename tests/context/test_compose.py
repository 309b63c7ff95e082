from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context.compose import EPISODE_FLOOR, SHARE_OF_BEST, Composed, compose
from context.render import SEPARATOR, Form, frame_tokens
from context.tokens import MARK, Encoding, TokenCounter
from context.zones import DEFAULT_ALLOCATION
from memory.markers import BLOCK_CLOSE, BLOCK_OPEN
from memory.model import Hit
from memory.retrieval.ranked import Ranked
from tests.context.texts import contents
from tests.support.encodings import bundled, counters
from tests.support.hits import a_hit, a_turn, ranked
from tests.support.services import START

any_counter = pytest.mark.parametrize(
    ("encoding", "counter"), counters(), ids=["bundled", "toy o200k_base", "toy cl100k_base"]
)


def composed(
    found: list[Ranked],
    budget: int,
    *,
    form: Form = "context",
    counter: TokenCounter | None = None,
    system_prompt: str | None = None,
    **given: Any,
) -> Composed:
    counter = counter or bundled()
    return compose(
        found,
        counter,
        token_budget=budget,
        budgets=DEFAULT_ALLOCATION.budgets(budget),
        frame=frame_tokens(counter.count, form, system_prompt),
        form=form,
        system_prompt=system_prompt,
        now=START,
        **given,
    )


@st.composite
def hits(draw: st.DrawFn) -> list[Ranked]:
    written = draw(st.lists(contents, max_size=12))
    found = []
    for number, content in enumerate(written):
        hit: Hit
        if draw(st.booleans()):
            hit = a_turn(number, content, draw(st.sampled_from(["a", "b"])), role=draw(st.sampled_from([None, "user"])))
        else:
            hit = a_hit(number, content, type=draw(st.sampled_from(["semantic", "working"])))
        found.append(ranked(hit, draw(st.floats(0, 1))))
    return sorted(found, key=lambda one: -one.score)


@any_counter
@given(
    found=hits(),
    budget=st.integers(0, 400),
    form=st.sampled_from(["context", "block"]),
    min_score=st.none() | st.just(0.0),
    facts_are_whole=st.booleans(),
)
def test_the_text_never_exceeds_the_budget_and_its_count_is_exact(
    encoding: Encoding,
    counter: TokenCounter,
    found: list[Ranked],
    budget: int,
    *,
    form: Form,
    min_score: float | None,
    facts_are_whole: bool,
) -> None:
    result = composed(found, budget, form=form, counter=counter, min_score=min_score, facts_are_whole=facts_are_whole)

    injected = result.content and (result.content if form == "context" else SEPARATOR + result.content)
    assert encoding.count(injected) == result.token_count
    assert result.token_count <= budget
    assert (result.content == "") == (result.memories == [])
    assert result.content.count(BLOCK_OPEN) == result.content.count(BLOCK_CLOSE) == (form == "block" and injected != "")


@any_counter
@given(
    found=hits(), budget=st.integers(0, 300), system_prompt=st.sampled_from(["Be brief.", "日本語で。\n", "x " * 50])
)
def test_the_system_prompt_counts_within_the_budget(
    encoding: Encoding, counter: TokenCounter, found: list[Ranked], budget: int, system_prompt: str
) -> None:
    result = composed(found, budget, counter=counter, system_prompt=system_prompt)

    assert result.content.startswith(system_prompt)
    assert encoding.count(result.content) == result.token_count
    assert result.token_count <= budget or (result.memories == [] and result.content == system_prompt)


@given(found=hits(), budget=st.integers(0, 300))
def test_the_same_input_gives_the_same_bytes(found: list[Ranked], budget: int) -> None:
    assert composed(found, budget) == composed(found, budget)


@given(found=hits(), budget=st.integers(60, 300))
def test_what_is_said_of_a_memory_is_what_stands_in_the_text(found: list[Ranked], budget: int) -> None:
    originals = {one.hit.id: one.hit.content for one in found}
    result = composed(found, budget, min_score=0.0)

    for placed in result.memories:
        if placed.truncated:
            assert placed.content.endswith(MARK)
            assert originals[placed.id].startswith(placed.content.removesuffix(MARK))
        else:
            assert placed.content == originals[placed.id]
        if "<" not in placed.content:
            assert " ".join(placed.content.split()) in " ".join(result.content.split())
    assert result.left_out or not any(placed.truncated for placed in result.memories)


def test_a_memory_longer_than_the_budget_is_cut_and_marked() -> None:
    result = composed([ranked(a_hit(1, "A very long story indeed. " * 200), 0.9)], 200)

    [placed] = result.memories
    assert placed.truncated
    assert result.left_out > 0
    assert f"{MARK}\n" in result.content
    assert 80 < result.token_count <= 200


def test_a_hit_brings_its_headings_cost_along() -> None:
    result = composed([ranked(a_turn(1, "Hello!"), 0.9), ranked(a_turn(2, "Hi!"), 0.8)], 500)

    zones = result.zones
    used = zones.critical_used + zones.middle_used + zones.recency_used
    assert used + frame_tokens(bundled().count, "context", None) == result.token_count
    assert used > sum(placed.token_count for placed in result.memories)


def test_a_budget_of_nought_gives_nothing() -> None:
    result = composed([ranked(a_hit(1, "Has a dog."), 0.9)], 0)

    assert (result.content, result.memories, result.token_count) == ("", [], 0)


@pytest.mark.parametrize("form", ["context", "block"])
def test_turns_far_below_the_best_memory_are_not_told(form: Form) -> None:
    floor = SHARE_OF_BEST[form]
    found = [
        ranked(a_turn(1, "Figs."), 1.0),
        ranked(a_turn(2, "Plums."), floor),
        ranked(a_turn(3, "Tea."), floor - 0.01),
    ]

    assert {one.id for one in composed(found, 500, form=form).memories} == {1, 2}


def test_turns_of_little_relevance_do_not_fill_the_budget() -> None:
    found = [ranked(a_turn(1, "Figs."), EPISODE_FLOOR), ranked(a_turn(2, "Plums."), EPISODE_FLOOR - 0.01)]

    result = composed(found, 500)

    assert [one.id for one in result.memories] == [1]
    assert not result.left_out


def test_nothing_goes_in_below_the_threshold_that_was_asked_for() -> None:
    found = [
        ranked(a_turn(2, "Plums."), 0.5),
        ranked(a_hit(1, "Figs."), 0.49),
        ranked(a_hit(3, "Tea.", type="working"), 0.2),
    ]

    assert [one.id for one in composed(found, 500, min_score=0.5, facts_are_whole=True).memories] == [2]


def test_a_threshold_of_nought_lets_every_turn_in() -> None:
    assert len(composed([ranked(a_turn(1, "Figs."), 0.0)], 500, min_score=0.0).memories) == 1


def test_a_threshold_of_the_callers_own_stands_alone() -> None:
    found = [ranked(a_turn(1, "Figs."), 1.0), ranked(a_turn(2, "Plums."), 0.1)]

    assert len(composed(found, 500, min_score=0.05).memories) == 2


def test_facts_far_below_the_best_memory_are_told() -> None:
    found = [ranked(a_turn(1, "Figs."), 1.0), ranked(a_hit(2, "Likes plums."), 0.12)]

    assert len(composed(found, 500).memories) == 2
