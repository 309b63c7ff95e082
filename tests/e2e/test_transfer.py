"""An import whose key ends meanwhile, at a real server."""

from collections.abc import Iterator

import httpx
import pytest

from config.settings import Secret
from memory.api import leave
from tests.support.server import RemoraServer, settings_for

OPERATOR = {"X-API-Key": "the operator's"}


def test_a_revoked_key_stops_an_import_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave, "CHECK_SECONDS", 0.0)
    with (
        RemoraServer(settings_for("http://127.0.0.1:9/v1", admin_key=Secret(OPERATOR["X-API-Key"]))) as remora,
        httpx.Client(base_url=remora.origin, headers=OPERATOR, timeout=20) as operator,
    ):
        keys = "/admin/tenants/default/keys"
        issued = operator.post(keys, json={"scopes": ["write"]}).raise_for_status().json()

        def body() -> Iterator[bytes]:
            yield b"".join(b'{"content": "memory %d"}\n' % place for place in range(200))
            while operator.get("/v1/memories").json()["total"] < 200:
                pass
            operator.delete(f"{keys}/{issued['id']}").raise_for_status()
            yield b"".join(b'{"content": "late %d"}\n' % place for place in range(200))

        headers = {"X-API-Key": issued["key"], "content-type": "application/x-ndjson"}
        answer = httpx.post(f"{remora.url}/memories/import", content=body(), headers=headers, timeout=20)
        assert answer.status_code == 401, answer.text
        assert answer.json()["error"]["details"]["imported"] == 200
        assert operator.get("/v1/memories").json()["total"] == 200
