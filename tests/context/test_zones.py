import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from context.zones import (
    DEFAULT_ALLOCATION,
    EPISODE_FLOOR,
    FACT_FLOOR,
    RECENT_MS,
    Item,
    Placement,
    Position,
    Selection,
    ZoneAllocation,
    position_of,
    select,
)
from memory.errors import Invalid

NOW = 1_750_000_000_000
LONG_AGO = NOW - 30 * RECENT_MS
ZONES: tuple[Position, ...] = ("critical", "middle", "recency")


def an_item(id: int, score: float = 0.5, tokens: int = 10, **given: Any) -> Item:
    fields: dict[str, Any] = {"type": "episodic", "happened_at": LONG_AGO} | given
    return Item(id=id, score=score, tokens=tokens, **fields)


def shorten(item: Item, limit: int) -> Item | None:
    return structs.replace(item, tokens=min(item.tokens, limit)) if limit > 0 else None


def choose(items: list[Item], budget: int = 1000, **given: Any) -> Selection:
    usual: dict[str, Any] = {
        "budgets": DEFAULT_ALLOCATION.budgets(budget),
        "available": budget,
        "now": NOW,
        "shorten": shorten,
    }
    return select(items, **usual | given)


def chosen(selection: Selection) -> dict[int, Position]:
    return {placement.item.id: placement.position for placement in selection.placements}


def test_budgets_are_shares_rounded_down() -> None:
    assert DEFAULT_ALLOCATION.budgets(2000) == {"critical": 300, "middle": 1300, "recency": 400}
    assert ZoneAllocation(critical=0.29, middle=0.71, recency=0).budgets(100)["critical"] == 29
    assert DEFAULT_ALLOCATION.budgets(7) == {"critical": 1, "middle": 4, "recency": 1}


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (0.1, 0.1, 0.1), (0.0, 0.0, 0.0)])
def test_shares_that_do_not_sum_to_one_are_refused(shares: tuple[float, float, float]) -> None:
    allocation = ZoneAllocation(critical=shares[0], middle=shares[1], recency=shares[2])

    with pytest.raises(Invalid) as caught:
        allocation.budgets(1000)
    assert caught.value.details["field"] == "zone_allocation"


@pytest.mark.parametrize(
    ("item", "position"),
    [
        (an_item(1, 0.7), "critical"),
        (an_item(1, 0.69), "middle"),
        (an_item(1, 0.3, happened_at=NOW - RECENT_MS), "recency"),
        (an_item(1, 0.3, happened_at=NOW - RECENT_MS - 1), "middle"),
        (an_item(1, 0.29, happened_at=NOW), "middle"),
        (an_item(1, 0.9, happened_at=NOW), "critical"),
        (an_item(1, 0.9, type="working"), "recency"),
        (an_item(1, 0.0, type="working", happened_at=LONG_AGO), "recency"),
    ],
)
def test_the_document_decides_the_position(item: Item, position: Position) -> None:
    assert position_of(item, NOW) == position


def test_tokens_that_a_zone_leaves_go_to_the_others() -> None:
    selection = choose([an_item(id, 0.5, 100) for id in range(10)])

    assert len(selection.placements) == 10
    assert selection.stats.middle_used == 1000
    assert selection.stats.middle_budget == 650
    assert not selection.left_out


def test_what_finds_no_room_in_its_zone_comes_first_for_the_rest() -> None:
    items = [an_item(1, 0.95, 100), an_item(2, 0.9, 100), an_item(3, 0.6, 450), an_item(4, 0.5, 400)]

    selection = choose(items)

    assert chosen(selection) == {1: "critical", 2: "critical", 3: "middle", 4: "middle"}
    assert selection.stats.critical_used == 200
    assert selection.stats.critical_budget == 150
    assert [placement.item.id for placement in selection.placements if placement.truncated] == [4]


def test_the_recency_zone_is_reserved_for_what_is_recent() -> None:
    items = [an_item(1, 0.6, 400), an_item(2, 0.5, 400), an_item(3, 0.4, 150), an_item(4, 0.3, 150, happened_at=NOW)]

    assert chosen(choose(items, shorten=lambda *_: None)) == {1: "middle", 2: "middle", 4: "recency"}


def test_the_best_goes_in_even_where_its_zone_is_too_small_for_it() -> None:
    items = [an_item(1, 0.65, 30, happened_at=NOW), an_item(2, 0.6, 30), an_item(3, 0.5, 30)]

    assert set(chosen(choose(items, budget=64))) == {1, 2}


def test_a_smaller_memory_is_tried_where_a_bigger_does_not_fit() -> None:
    items = [an_item(1, 0.6, 480), an_item(2, 0.5, 490), an_item(3, 0.4, 500), an_item(4, 0.3, 30)]

    selection = choose(items, shorten=lambda *_: None)

    assert set(chosen(selection)) == {1, 2, 4}
    assert selection.left_out


def test_the_last_room_goes_to_a_beginning() -> None:
    items = [an_item(1, 0.6, 480), an_item(2, 0.5, 490), an_item(3, 0.4, 500)]

    selection = choose(items)

    cut = next(placement for placement in selection.placements if placement.truncated)
    assert (cut.item.id, cut.item.tokens) == (3, 30)


def test_one_memory_takes_half_of_the_budget_at_most() -> None:
    selection = choose([an_item(1, 0.9, 5000), an_item(2, 0.5, 100)])

    assert [(one.item.id, one.item.tokens, one.truncated) for one in selection.placements] == [
        (1, 500, True),
        (2, 100, False),
    ]


def test_a_small_memory_of_facts_goes_in_whole_whatever_it_scores() -> None:
    facts = [an_item(id, 0.01 * id, 10, type="semantic") for id in range(15)]

    assert len(choose(facts, facts_are_whole=True).placements) == 15


def test_facts_compete_where_they_do_not_fit_the_critical_zone() -> None:
    facts = [an_item(id, 0.02 * id, 11, type="semantic") for id in range(15)]

    selection = choose(facts, facts_are_whole=True)

    assert set(chosen(selection)) == {item.id for item in facts if item.score >= FACT_FLOOR}


def test_nothing_goes_in_below_the_threshold_that_was_asked_for() -> None:
    items = [an_item(1, 0.49, type="semantic"), an_item(2, 0.5), an_item(3, 0.2, type="working")]

    assert set(chosen(choose(items, min_score=0.5, facts_are_whole=True))) == {2}


def test_turns_of_little_relevance_do_not_fill_the_budget() -> None:
    items = [an_item(1, EPISODE_FLOOR), an_item(2, EPISODE_FLOOR - 0.01)]

    selection = choose(items)

    assert set(chosen(selection)) == {1}
    assert not selection.left_out


def test_a_threshold_of_nought_lets_every_turn_in() -> None:
    assert len(choose([an_item(1, 0.0)], min_score=0.0).placements) == 1


def test_a_heading_is_paid_for_once() -> None:
    items = [an_item(id, 0.5, 10, group="session", heading=5) for id in range(3)]

    assert choose(items).stats.middle_used == 35


def test_placements_come_by_zone_and_then_by_score() -> None:
    items = [
        an_item(1, 0.4, happened_at=NOW),
        an_item(2, 0.5),
        an_item(3, 0.9),
        an_item(4, 0.6),
    ]

    assert [placement.item.id for placement in choose(items).placements] == [3, 4, 2, 1]


items = st.builds(
    Item,
    id=st.integers(0, 1_000_000),
    score=st.floats(0, 1),
    type=st.sampled_from(["semantic", "episodic", "working", "procedural"]),
    happened_at=st.sampled_from([NOW, LONG_AGO]),
    tokens=st.integers(1, 300),
    group=st.sampled_from([None, "one", "two"]),
    heading=st.sampled_from([0, 7]),
).map(lambda item: structs.replace(item, heading=0 if item.group is None else 7))


def cost(placements: list[Placement]) -> int:
    groups = {placement.item.group for placement in placements} - {None}
    return sum(placement.item.tokens for placement in placements) + 7 * len(groups)


@given(
    found=st.lists(items, max_size=40, unique_by=lambda item: item.id),
    budget=st.integers(0, 1500),
    frame=st.integers(0, 100),
    shares=st.tuples(st.integers(0, 100), st.integers(0, 100)).filter(lambda pair: sum(pair) <= 100),
    min_score=st.none() | st.floats(0, 1),
    facts_are_whole=st.booleans(),
)
def test_the_budget_holds_and_the_sums_are_right(
    found: list[Item],
    budget: int,
    frame: int,
    shares: tuple[int, int],
    *,
    min_score: float | None,
    facts_are_whole: bool,
) -> None:
    critical, middle = shares[0] / 100, shares[1] / 100
    allocation = ZoneAllocation(critical=critical, middle=middle, recency=1 - critical - middle)
    budgets = allocation.budgets(budget)

    selection = choose(
        found,
        budgets=budgets,
        available=budget - frame,
        min_score=min_score,
        facts_are_whole=facts_are_whole,
    )

    stats = structs.asdict(selection.stats)
    used = sum(stats[f"{zone}_used"] for zone in ZONES)
    assert used == cost(selection.placements)
    assert used <= max(budget - frame, 0)
    assert [stats[f"{zone}_budget"] for zone in ZONES] == list(budgets.values())
    assert len({placement.item.id for placement in selection.placements}) == len(selection.placements)
    for placement in selection.placements:
        assert placement.item.score >= (min_score or 0)
    assert selection == choose(
        list(reversed(found)),
        budgets=budgets,
        available=budget - frame,
        min_score=min_score,
        facts_are_whole=facts_are_whole,
    )


@given(budget=st.integers(0, 1_000_000), critical=st.floats(0, 1))
def test_zone_budgets_never_exceed_the_whole(budget: int, critical: float) -> None:
    budgets = ZoneAllocation(critical=critical, middle=1 - critical, recency=0.0).budgets(budget)

    assert sum(budgets.values()) <= budget
    assert budgets["critical"] == math.floor(critical * budget + 1e-9)
