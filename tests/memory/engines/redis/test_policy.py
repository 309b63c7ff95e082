import pytest

from memory.engines.redis.policy import EVERYTHING, FRESH_SECONDS, Sizes


def sizes(**known: int) -> Sizes:
    made = Sizes()
    made.learn([EVERYTHING if name == "all" else name for name in known], [[size] for size in known.values()])
    return made


@pytest.mark.parametrize(
    ("matches", "total", "policy"),
    [
        (100, 10_000, "ADHOC_BF"),
        (10_000, 10_000, "BATCHES"),
        (1_000, 100_000, "ADHOC_BF"),
        (50_000, 100_000, "BATCHES"),
        (0, 100_000, "ADHOC_BF"),
        (100, 100, "ADHOC_BF"),
    ],
)
def test_the_policy_follows_from_how_much_the_filter_lets_through(matches: int, total: int, policy: str) -> None:
    assert sizes(all=total, f=matches).policy("f") == f" HYBRID_POLICY {policy}"


def test_a_filter_not_met_before_is_left_to_redis() -> None:
    assert sizes(all=100_000).policy("f") == ""


def test_what_was_counted_lately_is_not_counted_again() -> None:
    now = 0.0
    made = Sizes(lambda: now)
    assert made.unknown(["f"]) == ["f", EVERYTHING]
    made.learn(["f", EVERYTHING], [[1], [2]])
    assert made.unknown(["f", "g"]) == ["g"]
    now += FRESH_SECONDS + 1
    assert made.unknown(["f"]) == ["f", EVERYTHING]


def test_a_search_by_words_alone_counts_nothing() -> None:
    assert Sizes().unknown([]) == []
