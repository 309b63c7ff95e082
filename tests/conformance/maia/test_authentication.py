"""The document's Authentication section."""

import httpx
import pytest

from tests.conformance.maia.shape import same_shape
from tests.conformance.maia.test_errors import PRINTED
from tests.support.operator import Operator, asking
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream

GUARDED = ["/v1/memories", "/v1/namespaces", "/v1/stats", "/metrics", "/admin/tenants", "/proxy/v1/models"]


@pytest.fixture
def anyone(operator: Operator) -> httpx.Client:
    """Without a key."""
    return operator.acting(None)


def test_the_key_in_x_api_key(anyone: httpx.Client, key: str) -> None:
    assert anyone.get("/v1/memories", headers={"X-API-Key": key}).status_code == 200


def test_the_key_as_bearer_token(anyone: httpx.Client, key: str) -> None:
    assert anyone.get("/v1/memories", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_the_key_in_the_query(anyone: httpx.Client, key: str) -> None:
    assert anyone.get(f"/v1/memories?api_key={key}").status_code == 200


@pytest.mark.parametrize("path", GUARDED)
def test_no_key_is_the_documents_error(anyone: httpx.Client, path: str) -> None:
    answer = anyone.get(path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    same_shape(answer.json(), PRINTED | {"error": PRINTED["error"] | {"details": {}}}, beyond={"type", "param"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("wrong", ["no-such-key", "remora_no-such-key", "the-operators-ke", "the-operators-key2"])
def test_a_wrong_key_is_the_documents_error(anyone: httpx.Client, path: str, wrong: str) -> None:
    for answer in (
        anyone.get(path, headers={"X-API-Key": wrong}),
        anyone.get(path, headers={"Authorization": f"Bearer {wrong}"}),
        anyone.get(path, params={"api_key": wrong}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
        assert wrong not in answer.text


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_need_no_key(anyone: httpx.Client, path: str) -> None:
    assert anyone.get(path).status_code == 200


def test_authentication_is_optional_until_a_key_is_configured(shared_upstream: FakeUpstream) -> None:
    with RemoraServer(settings_for(shared_upstream.url)) as server, asking(server.origin) as client:
        assert client.get("/v1/memories").status_code == 200
        assert client.post("/v1/memories", json={"namespace": "default", "content": "x"}).status_code == 201
        assert client.get("/admin/tenants").status_code == 403
