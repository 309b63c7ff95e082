from collections.abc import AsyncIterator

import numpy as np
import pytest
import tenacity

from config.settings import Secret
from memory.embedding import openai
from memory.embedding.openai import OpenAIEmbedder, open_openai
from memory.errors import EmbedderUnavailable
from tests.memory.embedding.endpoint import DIMENSION, Answer, Behaviour, Endpoint, embeddings, serve


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "_WAIT", tenacity.wait_none())


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with serve() as endpoint:
        yield endpoint


@pytest.fixture
async def embedder(endpoint: Endpoint) -> AsyncIterator[OpenAIEmbedder]:
    async with open_openai(endpoint.url, "m", Secret("sk-1"), timeout=5) as embedder:
        endpoint.requests.clear()
        yield embedder


def status(code: int) -> Behaviour:
    return lambda _: (code, b'{"error": {"message": "no"}}')


async def test_opening_asks_for_the_dimension(endpoint: Endpoint) -> None:
    async with open_openai(endpoint.url + "/", "some-model", Secret("sk-1"), timeout=5) as embedder:
        assert embedder.spec.dimension == DIMENSION
        assert embedder.spec.name == "some-model"
    assert endpoint.paths == ["/v1/embeddings"]
    assert endpoint.headers[0][b"authorization"] == b"Bearer sk-1"
    assert endpoint.requests[0]["model"] == "some-model"


async def test_without_a_key_none_is_sent(endpoint: Endpoint) -> None:
    async with open_openai(endpoint.url, "m", None, timeout=5):
        assert b"authorization" not in endpoint.headers[0]


async def test_vectors_come_in_the_order_of_the_texts_and_at_length_one(embedder: OpenAIEmbedder) -> None:
    x, y = await embedder.embed(["x", "y"])

    assert x.tolist() == [1, 0, 0]
    assert y.tolist() == [0, 1, 0]
    assert x.dtype == np.float32


async def test_many_texts_go_in_batches(endpoint: Endpoint, embedder: OpenAIEmbedder) -> None:
    vectors = await embedder.embed(["y" if i % 2 else "x" for i in range(130)])

    assert sorted(len(request["input"]) for request in endpoint.requests) == [2, 64, 64]
    assert [vector[1] for vector in vectors] == [i % 2 for i in range(130)]


async def test_blank_texts_are_not_sent(endpoint: Endpoint, embedder: OpenAIEmbedder) -> None:
    vectors = await embedder.embed(["", "y", " \n"])

    assert [request["input"] for request in endpoint.requests] == [["y"]]
    assert [float(np.linalg.norm(vector)) for vector in vectors] == [1, 1, 1]
    assert vectors[1].tolist() == [0, 1, 0]


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_passing_failure_is_tried_again(endpoint: Endpoint, embedder: OpenAIEmbedder, code: int) -> None:
    endpoint.behaviours += [status(code), status(code)]

    [y] = await embedder.embed(["y"])

    assert y.tolist() == [0, 1, 0]
    assert len(endpoint.requests) == 3


async def test_a_lasting_failure_is_given_up(endpoint: Endpoint, embedder: OpenAIEmbedder) -> None:
    endpoint.behaviours += [status(503)] * 10

    with pytest.raises(EmbedderUnavailable, match="503"):
        await embedder.embed(["y"])

    assert len(endpoint.requests) == 3


async def test_a_refusal_is_not_tried_again(endpoint: Endpoint, embedder: OpenAIEmbedder) -> None:
    endpoint.behaviours.append(status(401))

    with pytest.raises(EmbedderUnavailable, match="401"):
        await embedder.embed(["y"])

    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b"{}", b'{"data": []}', b'{"data": [{"index": 0, "embedding": []}]}', b'{"data": "\xff"}'],
    ids=["no JSON", "no data", "too few", "no numbers", "no UTF-8"],
)
async def test_an_answer_that_is_no_embedding_is_unavailability(
    endpoint: Endpoint, embedder: OpenAIEmbedder, answer: bytes
) -> None:
    endpoint.behaviours.append(lambda _: (200, answer))

    with pytest.raises(EmbedderUnavailable):
        await embedder.embed(["y"])


async def test_another_dimension_than_at_the_start_is_refused(endpoint: Endpoint, embedder: OpenAIEmbedder) -> None:
    def longer(texts: list[str]) -> Answer:
        code, answer = embeddings(texts)
        return code, answer.replace(b"[0.0, 2.0, 0.0]", b"[0.0, 2.0, 0.0, 1.0]")

    endpoint.behaviours.append(longer)

    with pytest.raises(EmbedderUnavailable, match="dimension"):
        await embedder.embed(["y"])


async def test_an_endpoint_that_does_not_answer_in_time_is_unavailable(endpoint: Endpoint) -> None:
    async with open_openai(endpoint.url, "m", None, timeout=0.05) as embedder:
        endpoint.gate.clear()
        with pytest.raises(EmbedderUnavailable, match="Timeout"):
            await embedder.embed(["y"])
        endpoint.gate.set()


async def test_a_refused_connection_is_unavailability(endpoint: Endpoint) -> None:
    with pytest.raises(EmbedderUnavailable, match="can't be reached"):
        async with open_openai("http://127.0.0.1:1/v1", "m", None, timeout=5):
            pass
