import pytest

from tests.bench import scale
from tests.bench.learning import run as run_learning
from tests.bench.learning import table
from tests.bench.scale import Case


@pytest.mark.parametrize("namespaces", [1, 3])
async def test_a_row_for_each_engine(monkeypatch: pytest.MonkeyPatch, redis_url: str, namespaces: int) -> None:
    monkeypatch.setattr(scale, "ROUNDS", 1)
    monkeypatch.setattr(scale, "QUESTIONS", 2)
    told: list[str] = []
    await scale.run([Case(engine, 60, namespaces) for engine in ("redis", "sqlite")], told.append)
    _, redis, sqlite = told
    assert redis.startswith(f"| redis | 60 | {namespaces} | held |")
    assert sqlite.startswith(f"| sqlite | 60 | {namespaces} | held |")


async def test_a_large_scope_is_the_indexs() -> None:
    assert Case("redis", 100_000, 1).path == "index"
    assert Case("redis", 100, 1, may_hold=False).path == "index"


async def test_everything_that_was_said_is_learned() -> None:
    [result] = await run_learning(["sqlite"], 16)
    assert result.memories >= 16
    assert result.ratio > 0
    assert table([result]).count("\n") == 3
