"""What a quota or a rule of a namespace keeps from being learned shows on the call's receipt, and the call goes on."""

import httpx

from tests.support.server import RemoraServer


def test_a_full_namespace_lets_the_call_through_and_its_receipt_tells_what_was_not_learned(
    remora: RemoraServer,
) -> None:
    with httpx.Client(base_url=remora.origin, timeout=30) as http:
        made = http.post("/v1/namespaces", json={"name": "small", "config": {"max_memories": 1}})
        assert made.status_code == 201
        call = {"model": "echo", "messages": [{"role": "user", "content": "I live in Porto."}]}

        answer = http.post("/v1/chat/completions", json=call, headers={"X-Remora-Namespace": "small"})
        remora.learned()

        assert answer.status_code == 200
        learning = http.get(f"/v1/receipts/{answer.headers['x-remora-request-id']}").json()["learning"]
        assert learning == {
            "enqueued": True,
            "reason": None,
            "refused": ["the namespace holds its maximum of 1 memories"],
        }
        assert http.get("/v1/namespaces/small").json()["stats"]["memory_count"] == 1
