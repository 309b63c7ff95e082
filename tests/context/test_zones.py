import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from context.entry import Entry, Group, Position
from context.zones import DEFAULT_ALLOCATION, RECENT_MS, Selection, ZoneAllocation, position_of, select
from memory.errors import Invalid
from tests.support.hits import a_hit, ranked

NOW = 1_750_000_000_000
LONG_AGO = NOW - 30 * RECENT_MS
FACT_FLOOR = 0.1
A_DAY: Group = (0, "default", "u:ada", "one")
ANOTHER: Group = (0, "default", "u:ada", "two")
ZONES: tuple[Position, ...] = ("critical", "middle", "recency")


def an_entry(id: int, score: float = 0.5, tokens: int = 10, group: Group = A_DAY, **given: Any) -> Entry:
    fields: dict[str, Any] = {"type": "episodic", "happened_at": LONG_AGO} | given
    hit = a_hit(id, **fields)
    one = ranked(hit, score)
    return Entry(one, position_of(one, NOW), hit.content, "", tokens, group if hit.type == "episodic" else None)


def shorten(entry: Entry, limit: int) -> Entry | None:
    return structs.replace(entry, token_count=min(entry.token_count, limit), truncated=True) if limit > 0 else None


def choose(entries: list[Entry], budget: int = 1000, **given: Any) -> Selection:
    usual: dict[str, Any] = {
        "budgets": DEFAULT_ALLOCATION.budgets(budget),
        "available": budget,
        "heading": lambda _: 0,
        "shorten": shorten,
        "fact_floor": FACT_FLOOR,
    }
    best_first = sorted(entries, key=lambda one: (one.score, one.id), reverse=True)
    return select(best_first, **usual | given)


def chosen(selection: Selection) -> dict[int, Position]:
    return {one.id: one.position for one in selection.placed}


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
    ("entry", "position"),
    [
        (an_entry(1, 0.7), "critical"),
        (an_entry(1, 0.69), "middle"),
        (an_entry(1, 0.3, happened_at=NOW - RECENT_MS), "recency"),
        (an_entry(1, 0.3, happened_at=NOW - RECENT_MS - 1), "middle"),
        (an_entry(1, 0.29, happened_at=NOW), "middle"),
        (an_entry(1, 0.9, happened_at=NOW), "critical"),
        (an_entry(1, 0.9, type="working"), "recency"),
        (an_entry(1, 0.0, type="working", happened_at=LONG_AGO), "recency"),
    ],
)
def test_the_document_decides_the_position(entry: Entry, position: Position) -> None:
    assert position_of(entry.ranked, NOW) == position


def test_tokens_that_a_zone_leaves_go_to_the_others() -> None:
    selection = choose([an_entry(id, 0.5, 100) for id in range(10)])

    assert len(selection.placed) == 10
    assert selection.stats.middle_used == 1000
    assert selection.stats.middle_budget == 650
    assert not selection.left_out


def test_what_finds_no_room_in_its_zone_comes_first_for_the_rest() -> None:
    entries = [an_entry(1, 0.95, 100), an_entry(2, 0.9, 100), an_entry(3, 0.6, 450), an_entry(4, 0.5, 400)]

    selection = choose(entries)

    assert chosen(selection) == {1: "critical", 2: "critical", 3: "middle", 4: "middle"}
    assert selection.stats.critical_used == 200
    assert selection.stats.critical_budget == 150
    assert [one.id for one in selection.placed if one.truncated] == [4]


def test_the_recency_zone_is_reserved_for_what_is_recent() -> None:
    entries = [
        an_entry(1, 0.6, 400),
        an_entry(2, 0.5, 400),
        an_entry(3, 0.4, 150),
        an_entry(4, 0.3, 150, happened_at=NOW),
    ]

    assert chosen(choose(entries, shorten=lambda *_: None)) == {1: "middle", 2: "middle", 4: "recency"}


def test_the_best_goes_in_even_where_its_zone_is_too_small_for_it() -> None:
    entries = [an_entry(1, 0.65, 30, happened_at=NOW), an_entry(2, 0.6, 30), an_entry(3, 0.5, 30)]

    assert set(chosen(choose(entries, budget=64))) == {1, 2}


def test_a_smaller_memory_is_tried_where_a_bigger_does_not_fit() -> None:
    entries = [an_entry(1, 0.6, 480), an_entry(2, 0.5, 490), an_entry(3, 0.4, 500), an_entry(4, 0.3, 30)]

    selection = choose(entries, shorten=lambda *_: None)

    assert set(chosen(selection)) == {1, 2, 4}
    assert selection.left_out


def test_the_last_room_goes_to_a_beginning() -> None:
    entries = [an_entry(1, 0.6, 480), an_entry(2, 0.5, 490), an_entry(3, 0.4, 500)]

    selection = choose(entries)

    cut = next(one for one in selection.placed if one.truncated)
    assert (cut.id, cut.token_count) == (3, 30)


def test_one_memory_takes_half_of_the_budget_at_most() -> None:
    selection = choose([an_entry(1, 0.9, 5000), an_entry(2, 0.5, 100)])

    assert [(one.id, one.token_count, one.truncated) for one in selection.placed] == [
        (1, 500, True),
        (2, 100, False),
    ]


def test_a_small_memory_of_facts_goes_in_whole_whatever_it_scores() -> None:
    facts = [an_entry(id, 0.01 * id, 10, type="semantic") for id in range(15)]

    assert len(choose(facts, facts_are_whole=True).placed) == 15


def test_facts_compete_where_they_do_not_fit_the_critical_zone() -> None:
    facts = [an_entry(id, 0.02 * id, 11, type="semantic") for id in range(15)]

    selection = choose(facts, facts_are_whole=True)

    assert set(chosen(selection)) == {fact.id for fact in facts if fact.score >= FACT_FLOOR}


def test_a_heading_is_paid_for_once() -> None:
    entries = [an_entry(id, 0.5, 10) for id in range(3)]

    assert choose(entries, heading=lambda _: 5).stats.middle_used == 35


def test_what_is_placed_comes_by_zone_and_then_by_score() -> None:
    entries = [
        an_entry(1, 0.4, happened_at=NOW),
        an_entry(2, 0.5),
        an_entry(3, 0.9),
        an_entry(4, 0.6),
    ]

    assert [one.id for one in choose(entries).placed] == [3, 4, 2, 1]


entries = st.builds(
    an_entry,
    id=st.integers(0, 1_000_000),
    score=st.floats(0, 1),
    tokens=st.integers(1, 300),
    group=st.sampled_from([A_DAY, ANOTHER]),
    type=st.sampled_from(["semantic", "episodic", "working", "procedural"]),
    happened_at=st.sampled_from([NOW, LONG_AGO]),
)


def tokens(entries: list[Entry]) -> int:
    return sum(one.token_count for one in entries)


def cost(placed: list[Entry]) -> int:
    return tokens(placed) + 7 * len({one.group for one in placed} - {None})


@given(
    found=st.lists(entries, max_size=40, unique_by=lambda one: one.id),
    budget=st.integers(0, 1500),
    frame=st.integers(0, 100),
    shares=st.tuples(st.integers(0, 100), st.integers(0, 100)).filter(lambda pair: sum(pair) <= 100),
    fact_floor=st.floats(0, 1),
    facts_are_whole=st.booleans(),
)
def test_the_budget_holds_and_the_sums_are_right(
    found: list[Entry],
    budget: int,
    frame: int,
    shares: tuple[int, int],
    *,
    fact_floor: float,
    facts_are_whole: bool,
) -> None:
    critical, middle = shares[0] / 100, shares[1] / 100
    allocation = ZoneAllocation(critical=critical, middle=middle, recency=1 - critical - middle)
    budgets = allocation.budgets(budget)

    selection = choose(
        found,
        budgets=budgets,
        available=budget - frame,
        heading=lambda _: 7,
        fact_floor=fact_floor,
        facts_are_whole=facts_are_whole,
    )

    stats = structs.asdict(selection.stats)
    used = sum(stats[f"{zone}_used"] for zone in ZONES)
    assert used == cost(selection.placed)
    assert used <= max(budget - frame, 0)
    assert [stats[f"{zone}_budget"] for zone in ZONES] == list(budgets.values())
    assert len(chosen(selection)) == len(selection.placed)
    by_zone = [(ZONES.index(one.position), -one.score, -one.id) for one in selection.placed]
    assert by_zone == sorted(by_zone)
    in_want = [
        one
        for one in found
        if one.group or one.score >= fact_floor or one.id in chosen(selection) or not facts_are_whole
    ]
    assert selection.left_out == tokens(in_want) - tokens(selection.placed)


@given(budget=st.integers(0, 1_000_000), critical=st.floats(0, 1))
def test_zone_budgets_never_exceed_the_whole(budget: int, critical: float) -> None:
    budgets = ZoneAllocation(critical=critical, middle=1 - critical, recency=0.0).budgets(budget)

    assert sum(budgets.values()) <= budget
    assert budgets["critical"] == math.floor(critical * budget + 1e-9)
