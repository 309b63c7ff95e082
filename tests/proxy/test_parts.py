import httpx

from config.settings import Worker
from tests.support.server import RemoraServer, settings_for
from tests.support.upstream import FakeUpstream


def test_ready_tells_what_waits_to_be_learned(fake: FakeUpstream) -> None:
    said = {"model": "echo", "user": "ana", "messages": [{"role": "user", "content": "I live in Bergen."}]}
    with RemoraServer(settings_for(fake.url, worker=Worker(inside=False))) as server:
        assert server.get("/ready")["checks"]["learning"] == "ok"
        httpx.post(f"{server.url}/chat/completions", json=said).raise_for_status()
        told = server.get("/ready")
    assert told["status"] == "ready"
    assert told["checks"]["learning"].startswith("ok: 1 jobs are due, the oldest for ")
