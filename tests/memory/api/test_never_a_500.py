"""Whatever is sent, the answer is a success or an error in the document's shape that is the client's own."""

import json
from typing import Any

from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import AsyncTestClient

from memory.api.schemas import MemoryChanges, NewMemories, NewMemory, NewNamespace, SearchRequest

Client = AsyncTestClient[Any]

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["default", "semantic", "user", "2026-01-19T10:00:00Z", "2026-01-19", 0.5, 10]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLAUSIBLE: dict[str, Any] = {"namespace": "default", "content": "x", "memories": [{"content": "x"}], "name": "n"}
HUNDRED = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def bodies(*models: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of a model's fields with any values at all, or the plausible ones."""
    fields = sorted({name for model in models for name in model.__struct_fields__} | {"unknown"})
    plausible = {name: st.just(PLAUSIBLE[name]) for name in fields if name in PLAUSIBLE}
    return st.fixed_dictionaries(
        {name: value | VALUES for name, value in plausible.items()},
        optional={name: VALUES for name in fields if name not in plausible},
    )


def is_fine(answer: Response) -> None:
    if answer.is_success:
        return
    assert answer.status_code in {400, 404, 405, 409}, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert error["message"]


async def send(client: Client, method: str, path: str, body: object) -> Response:
    # httpx would refuse what json.dumps writes for a lone surrogate; a client in JavaScript sends it.
    content = json.dumps(body).encode()
    return await client.request(method, path, content=content, headers={"content-type": "application/json"})


@HUNDRED
@given(body=bodies(NewMemory) | VALUES)
async def test_creation(client: Client, body: object) -> None:
    is_fine(await send(client, "POST", "/v1/memories", body))


@HUNDRED
@given(body=bodies(NewMemories) | VALUES)
async def test_batch(client: Client, body: object) -> None:
    is_fine(await send(client, "POST", "/v1/memories/batch", body))


@HUNDRED
@given(body=bodies(SearchRequest) | VALUES)
async def test_search(client: Client, body: object) -> None:
    is_fine(await send(client, "POST", "/v1/memories/search", body))


@HUNDRED
@given(body=bodies(MemoryChanges) | VALUES)
async def test_update(client: Client, body: object) -> None:
    made = await client.post("/v1/memories", json={"namespace": "default", "content": "x"})
    is_fine(await send(client, "PUT", f"/v1/memories/{made.json()['id']}", body))


@HUNDRED
@given(body=bodies(NewNamespace) | VALUES)
async def test_namespace(client: Client, body: object) -> None:
    is_fine(await send(client, "POST", "/v1/namespaces", body))


@HUNDRED
@given(
    path=st.sampled_from(["/v1/memories", "/v1/namespaces", "/v1/namespaces/default/memories"]),
    query=st.dictionaries(
        st.sampled_from(["limit", "offset", "type", "tags", "namespace", "parent", "user_id", "source", "unknown"]),
        st.text(max_size=10) | st.integers().map(str),
    ),
)
async def test_lists(client: Client, path: str, query: dict[str, str]) -> None:
    is_fine(await client.get(path, params={name: value.encode("utf-8", "replace") for name, value in query.items()}))


@HUNDRED
@given(raw=st.binary(min_size=1, max_size=10))
async def test_paths_of_any_bytes(client: Client, raw: bytes) -> None:
    path = "".join(f"%{byte:02X}" for byte in raw)
    for root in ("memories", "namespaces"):
        is_fine(await client.get(f"/v1/{root}/{path}"))
        is_fine(await client.delete(f"/v1/{root}/{path}"))
