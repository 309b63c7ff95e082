"""What the search keeps in memory between queries: matrices and how common words are."""

from collections.abc import AsyncIterator

import apsw
import numpy as np
import pytest

from memory.engines.base import Filter, SearchQuery, Written
from memory.engines.sqlite.database import Database
from memory.engines.sqlite.engine import SqliteEngine
from memory.engines.sqlite.fulltext import TextQueries
from memory.engines.sqlite.scopes import Scope, scopes_for
from memory.engines.sqlite.vectors import Candidates, Matrices
from tests.contract.examples import TENANT, a_memory, a_record, a_vector, given
from tests.contract.stores import SPEC

ALL = Filter(tenant=TENANT)


@pytest.fixture
async def engine() -> AsyncIterator[SqliteEngine]:
    async with SqliteEngine(None, embedding=SPEC) as entered:
        yield entered


def database_of(engine: SqliteEngine) -> Database:
    return engine._database


async def compared(engine: SqliteEngine, matrices: Matrices, where: Filter = ALL) -> Candidates:
    return await database_of(engine).read(
        lambda connection: matrices.compare(connection, scopes_for(where), a_vector("q"))
    )


async def test_a_matrix_follows_inserts_and_replaced_vectors(engine: SqliteEngine) -> None:
    matrices = Matrices(SPEC.dimension)
    expected = {}
    for id in range(40):
        record = a_record(id)
        await given(engine, record)
        expected[id] = float(record.vector @ a_vector("q"))
        if id % 3 == 0:
            vector = a_vector(f"new {id}")
            assert await engine.memories.replace(a_memory(id, version=2), expected=1, vector=vector) is Written.DONE
            expected[id] = float(vector @ a_vector("q"))
        found = await compared(engine, matrices)
        newest = dict(zip(found.memories.tolist(), found.cosines.tolist(), strict=True))
        assert sorted(newest.values()) == pytest.approx(sorted(expected.values()), abs=1e-5)


async def test_a_matrix_that_is_full_forgets_what_was_deleted(engine: SqliteEngine) -> None:
    matrices = Matrices(SPEC.dimension)
    await given(engine, *(a_record(id) for id in range(100)))
    assert len((await compared(engine, matrices)).memories) == 100
    await engine.memories.delete(TENANT, range(100))
    await given(engine, *(a_record(id) for id in range(200, 300)))
    assert len((await compared(engine, matrices)).memories) == 100


async def test_matrices_beyond_the_bound_are_forgotten_oldest_first(engine: SqliteEngine) -> None:
    await given(engine, *(a_record(id, namespace=f"n{id % 4}") for id in range(400)))
    matrices = Matrices(SPEC.dimension, cache_bytes=12_000)
    for n in (0, 1, 2, 3, 0):
        found = await compared(engine, matrices, Filter(tenant=TENANT, namespaces=(f"n{n}",)))
        assert len(found.memories) == 100
        assert sum(matrix.bytes for matrix in matrices._matrices.values()) <= 12_000
    assert list(matrices._matrices) == scopes_for(Filter(tenant=TENANT, namespaces=("n3", "n0")))


async def test_large_matrices_are_multiplied_in_slices_without_a_gap(engine: SqliteEngine) -> None:
    vectors = np.random.default_rng(1).standard_normal((3, SPEC.dimension)).astype(np.float32)
    matrices = Matrices(SPEC.dimension)
    count = 262_144 // SPEC.dimension + 5
    await database_of(engine).write(lambda connection: _fill(connection, count, vectors))
    scope = Scope("in_tenant", 1)
    found = await database_of(engine).read(lambda connection: matrices.compare(connection, [scope], a_vector("q")))
    expected = [float(vectors[n % 3] @ a_vector("q")) for n in range(count)]
    np.testing.assert_allclose(found.cosines, expected, atol=1e-5)


def _fill(
    connection: apsw.Connection, count: int, vectors: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
) -> None:
    connection.executemany(
        "INSERT INTO vectors VALUES (?1, ?1, 0, 1, 1, 1, 1, ?2)",
        [(n + 1, vectors[n % 3].tobytes()) for n in range(count)],
    )


async def expression(engine: SqliteEngine, text: str) -> str | None:
    return await database_of(engine).read(
        lambda connection: TextQueries().expression(connection, scopes_for(ALL), text)
    )


async def test_every_word_counts_in_a_small_store(engine: SqliteEngine) -> None:
    await given(engine, *(a_record(id, "the usual words") for id in range(20)))
    taken = await expression(engine, "the usual words of others")
    assert taken is not None
    assert taken.endswith('content : ("the" OR "usual" OR "words" OR "of" OR "others")')


async def test_the_commonest_words_stay_out_in_a_large_store_and_the_rarest_never_do(engine: SqliteEngine) -> None:
    await given(engine, *(a_record(id, f"the usual words {id}") for id in range(1500)))
    await given(engine, a_record(2000, "the running zebra"))
    taken = await expression(engine, "the usual zebras run")
    assert taken is not None
    assert taken.endswith('content : ("run" OR "zebras")')
    assert await expression(engine, "the") is not None
    hits = await engine.memories.search(ALL, SearchQuery(text="the usual zebras run"))
    assert [hit.id for hit in hits] == [2000]


async def test_a_question_without_words_has_no_expression(engine: SqliteEngine) -> None:
    assert await expression(engine, "?!") is None
