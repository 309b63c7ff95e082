import sys

import pytest

from config.settings import load
from memory.embedding.factory import open_embedder
from memory.errors import Misconfigured
from tests.memory.embedding.endpoint import serve


async def test_the_bundled_embedder_needs_nothing() -> None:
    async with open_embedder(load({})) as embedder:
        assert embedder.immediate
        assert len(await embedder.embed(["a"])) == 1


async def test_an_openai_embedder_speaks_to_the_upstream_with_its_key_unless_told_otherwise() -> None:
    async with serve() as endpoint:
        environ = {
            "REMORA_EMBEDDER": "openai",
            "REMORA_UPSTREAM_BASE_URL": endpoint.url,
            "REMORA_UPSTREAM_API_KEY": "sk-upstream",
        }
        async with open_embedder(load(environ)) as embedder:
            assert not embedder.immediate
            await embedder.embed(["a"])
            await embedder.embed(["a"])
    assert [request["input"] for request in endpoint.requests] == [["dimension"], ["a"]]
    assert endpoint.requests[0]["model"] == "text-embedding-3-small"
    assert endpoint.headers[0][b"authorization"] == b"Bearer sk-upstream"


async def test_the_upstreams_key_is_not_sent_to_another_endpoint() -> None:
    async with serve() as endpoint:
        environ = {
            "REMORA_EMBEDDER": "openai",
            "REMORA_EMBEDDER_BASE_URL": endpoint.url,
            "REMORA_UPSTREAM_API_KEY": "sk-upstream",
        }
        async with open_embedder(load(environ)):
            assert b"authorization" not in endpoint.headers[0]


async def test_fastembed_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastembed", None)

    with pytest.raises(Misconfigured, match=r"remora\[fastembed\]"):
        async with open_embedder(load({"REMORA_EMBEDDER": "fastembed"})):
            pass


async def test_fastembed_with_an_unknown_model_names_it() -> None:
    pytest.importorskip("fastembed")
    with pytest.raises(Misconfigured, match="no/such-model"):
        async with open_embedder(load({"REMORA_EMBEDDER": "fastembed", "REMORA_EMBEDDER_MODEL": "no/such-model"})):
            pass
