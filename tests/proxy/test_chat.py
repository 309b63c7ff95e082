"""Chat completions, byte by byte: what goes upstream, what comes back, and what is said about it."""

import json
from typing import Any

import httpx
import pytest

from config.settings import Context, Limits
from tests.support.server import PATIENCE_MS, RemoraServer, outbox_emptied, settings_for
from tests.support.upstream import BODIES, STREAMS, FakeUpstream

JSON = {"Content-Type": "application/json"}
PATH = "/v1/chat/completions"
SKIP = {"X-Remora-Skip-Memory": "true", "X-Remora-Skip-Extract": "true"}


def asking(model: str = "echo", content: Any = "hi", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": content}], **fields}


async def remember(http: httpx.AsyncClient, content: str, **fields: Any) -> None:
    answer = await http.post("/v1/memories", json={"namespace": "default", "content": content, **fields})
    assert answer.status_code == 201, answer.text


# -------------------------------------------------------------------------------------------------- what goes upstream

ODD = b"""{ "stream":false , "messages" :[{"content":[{"type":"text","text":"hi \\u00e9\\/"},
 {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"input_audio","input_audio":{"data":"AA"}}],
 "role":"user","x":1.10, "x":2e1}], "model":"echo","stop":"\\n","seed":123456789012345678901234567890, "n":1E0,
 "tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","$defs":{}}}}],
 "response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{}}},"stream_options":null,"model":"echo"}"""


@pytest.mark.parametrize("headers", [SKIP, {"X-Remora-User": "nobody-knows"}, {"X-Remora-Token-Budget": "0"}])
async def test_with_nothing_injected_the_body_keeps_every_byte(
    http: httpx.AsyncClient, fake: FakeUpstream, headers: dict[str, str]
) -> None:
    answer = await http.post(PATH, content=ODD, headers=JSON | headers)
    assert answer.status_code == 200
    assert fake.last.body == ODD


async def test_injected_memory_leaves_all_other_bytes_alone(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    await remember(http, "Odd users live in Oslo.", user_id="odd")
    answer = await http.post(
        PATH, content=ODD, headers=JSON | {"X-Remora-User": "odd", "X-Remora-Position": "before_last"}
    )
    assert answer.headers["x-remora-memory"] == "used"
    before, _, after = ODD.partition(b'[{"content":')
    sent = fake.last.body
    assert sent.startswith(before + b'[{"role":"system","content":"')
    assert sent.endswith(b'"},{"content":' + after)
    assert b"Oslo" in sent


@pytest.mark.parametrize("position", ["system", "first_user", "before_last"])
async def test_memory_goes_where_it_is_asked_to(http: httpx.AsyncClient, fake: FakeUpstream, position: str) -> None:
    await remember(http, "Pia's boat is called Remora.", user_id="pia")
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "What is my boat called?"},
    ]
    headers = {"X-Remora-User": "pia", "X-Remora-Position": position}
    await http.post(PATH, json={"model": "echo", "messages": messages}, headers=headers)
    sent = fake.last.json["messages"]
    changed = [place for place, message in enumerate(sent) if "Remora" in message["content"]]
    match position:
        case "system":
            assert changed == [0]
            assert sent[0]["content"].startswith("Be kind.\n\n")
        case "first_user":
            assert changed == [1]
            assert sent[1]["content"].endswith("\n\nHello.")
        case _:
            assert changed == [3]
            assert sent[:3] + sent[4:] == messages


async def test_the_budget_in_the_header_is_kept(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    for number in range(20):
        await remember(
            http, f"Fact {number} about the long history of the town of Porto and its bridges.", user_id="bo"
        )
    body = asking(content="Tell me about Porto", user="bo")
    unbounded = await http.post(PATH, json=body)
    bounded = await http.post(PATH, json=body, headers={"X-MAIA-Token-Budget": "150"})
    assert int(unbounded.headers["x-remora-tokens-injected"]) > 150
    assert 0 < int(bounded.headers["x-remora-tokens-injected"]) <= 150
    assert "Fact" in fake.last.json["messages"][0]["content"]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model": "echo", "messages": [{"role": "user", "content": "\\ud83d"}]}',
        b'{"model": "echo", "temperature": NaN, "messages": []}',
        b'{"model": "echo", "user": ["odd"], "messages": [{"role": "user", "content": "hi"}]}',
        b'{"model": "echo", "user": "a/b", "messages": [{"role": "user", "content": "hi"}]}',
    ],
)
async def test_what_memory_cannot_work_with_goes_on_without_it(
    http: httpx.AsyncClient, fake: FakeUpstream, raw: bytes
) -> None:
    answer = await http.post(PATH, content=raw, headers=JSON)
    assert answer.status_code == 200
    assert answer.headers["x-remora-memory"] == "degraded"
    assert fake.last.body == raw


async def test_compression_is_not_asked_for(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    await http.post(PATH, json=asking(), headers={"Accept-Encoding": "br, gzip"})
    assert fake.last.header("accept-encoding") == "identity"


# ---------------------------------------------------------------------------------------------------- what comes back


@pytest.mark.parametrize("headers", [SKIP, {}], ids=["skipped", "with memory"])
@pytest.mark.parametrize("model", [name for name in STREAMS if name != "cut-clean"])
async def test_a_stream_keeps_every_byte(http: httpx.AsyncClient, model: str, headers: dict[str, str]) -> None:
    answer = await http.post(PATH, json=asking(model, stream=True), headers=headers)
    assert answer.content == b"".join(STREAMS[model])
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-request-id"] == "req_upstream"


@pytest.mark.parametrize("model", list(BODIES))
async def test_a_body_keeps_every_byte(http: httpx.AsyncClient, model: str) -> None:
    answer = await http.post(PATH, json=asking(model))
    assert answer.content == json.dumps(BODIES[model], indent=1).encode() + b"\n"
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_writes_that_split_characters_change_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=asking("split", stream=True))
    assert answer.content == b"".join(STREAMS["unicode"])


@pytest.mark.parametrize("stream", [False, True])
async def test_an_upstream_that_compresses_is_understood(http: httpx.AsyncClient, stream: bool) -> None:
    answer = await http.post(PATH, json=asking("gzip", stream=stream))
    expected = b"".join(STREAMS["plain"]) if stream else json.dumps(BODIES["plain"], indent=1).encode()
    assert answer.content == expected
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
async def test_an_upstreams_error_is_the_clients(http: httpx.AsyncClient, status: int, stream: bool) -> None:
    answer = await http.post(PATH, json=asking(f"status-{status}", stream=stream))
    assert answer.status_code == status
    assert answer.json() == {
        "error": {"message": f"upstream says {status}", "type": "some_type", "param": None, "code": "some_code"}
    }
    assert answer.headers["x-request-id"] == "req_upstream"
    if status == 429:
        assert answer.headers["retry-after"] == "7"
        assert answer.headers["x-ratelimit-remaining-tokens"] == "0"


# ------------------------------------------------------------------------------------------------- what is said of it


async def test_memory_used_is_told_in_headers_of_both_names(http: httpx.AsyncClient) -> None:
    await remember(http, "Uma plays the oboe.", user_id="uma")
    headers = (await http.post(PATH, json=asking(content="What do I play?", user="uma"))).headers
    assert headers["x-remora-memory"] == "used"
    assert headers["x-remora-memories-used"] == headers["x-maia-memories-used"] == "1"
    assert headers["x-remora-tokens-injected"] == headers["x-maia-tokens-injected"]
    assert int(headers["x-remora-tokens-injected"]) > 0
    assert 0 < float(headers["x-remora-overhead-ms"]) < 5000
    assert headers["x-remora-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"X-Remora-Skip-Memory": "true"}, "skipped"),
        ({"X-Remora-Token-Budget": "0"}, "skipped"),
        ({"X-Remora-User": "a-stranger"}, "empty"),
    ],
)
async def test_no_memory_is_told_too(http: httpx.AsyncClient, headers: dict[str, str], outcome: str) -> None:
    answer = await http.post(PATH, json=asking(), headers=headers)
    assert answer.headers["x-remora-memory"] == outcome
    assert answer.headers["x-remora-memories-used"] == "0"
    assert "x-maia-memories-used" not in answer.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_the_receipt_tells_the_same_and_why(http: httpx.AsyncClient, remora: RemoraServer, stream: bool) -> None:
    await remember(http, "Rex is Rita's dog.", user_id=f"rita-{stream}")
    answer = await http.post(PATH, json=asking(content="Who is Rex?", user=f"rita-{stream}", stream=stream))
    remora.run(outbox_emptied)
    receipt = (await http.get(f"/v1/receipts/{answer.headers['x-remora-request-id']}")).json()
    assert receipt["outcome"] == "used"
    assert receipt["token_count"] == int(answer.headers["x-remora-tokens-injected"])
    assert len(receipt["memories"]) == int(answer.headers["x-remora-memories-used"])
    assert receipt["learning"]["enqueued"] is True
    assert "Rex" not in json.dumps(receipt)


# -------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Remora-Token-Budget", "many"),
        ("X-MAIA-Skip-Memory", "maybe"),
        ("X-Remora-Position", "end"),
        ("X-Remora-Namespace", "a/b"),
        ("X-Remora-User", "%ff"),
    ],
)
async def test_a_bad_header_is_named(http: httpx.AsyncClient, fake: FakeUpstream, header: str, value: str) -> None:
    count = len(fake.requests)
    answer = await http.post(PATH, json=asking(), headers={header: value})
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["param"] == header
    assert set(error) == {"code", "message", "type", "param", "details"}
    assert len(fake.requests) == count


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b'{"messages": "hi"}', b'{"messages": [1]}', b"\xff"])
async def test_a_bad_body_is_a_400(http: httpx.AsyncClient, fake: FakeUpstream, raw: bytes) -> None:
    count = len(fake.requests)
    answer = await http.post(PATH, content=raw, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert len(fake.requests) == count


async def test_a_body_over_the_limit_is_a_413(http: httpx.AsyncClient, fake: FakeUpstream) -> None:
    count = len(fake.requests)
    answer = await http.post(PATH, json=asking(content="x" * 30_000_000))
    assert answer.status_code == 413
    assert answer.json()["error"]["details"] == {"limit": 25_000_000}
    assert len(fake.requests) == count


async def test_a_namespace_not_yet_known_is_made(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json=asking(), headers={"X-Remora-Namespace": "brand%20new"})
    assert answer.headers["x-remora-memory"] == "empty"
    names = [each["name"] for each in (await http.get("/v1/namespaces")).json()["namespaces"]]
    assert "brand new" in names


# ------------------------------------------------------------------------------------------------------------ limits


async def test_more_calls_than_allowed_are_turned_away_for_now(fake: FakeUpstream) -> None:
    with RemoraServer(settings_for(fake.url, limits=Limits(concurrency=1))) as server:
        async with httpx.AsyncClient(base_url=server.origin) as http:
            count = len(fake.requests)
            async with http.stream("POST", PATH, json=asking("slow-events", stream=True)):
                fake.wait_for(count + 1)
                refused = await http.post(PATH, json=asking())
                assert refused.status_code == 503
                assert refused.headers["retry-after"] == "1"
            assert fake.wait_for(count + 1).left.wait(5)
            assert (await http.post(PATH, json=asking())).status_code == 200


async def test_a_namespaces_budget_goes_before_the_servers(fake: FakeUpstream) -> None:
    with RemoraServer(settings_for(fake.url, context=Context(token_budget=0, deadline_ms=PATIENCE_MS))) as server:
        async with httpx.AsyncClient(base_url=server.origin) as http:
            await http.post("/v1/namespaces", json={"name": "rich", "config": {"token_budget": 500}})
            await remember(http, "Eve likes tea.", namespace="rich", user_id="eve")
            body = asking(content="What do I like?", user="eve")
            answers = [
                await http.post(PATH, json=body, headers=headers)
                for headers in (
                    {},
                    {"X-Remora-Namespace": "rich"},
                    {"X-Remora-Namespace": "rich", "X-Remora-Token-Budget": "0"},
                )
            ]
    assert [answer.headers["x-remora-memory"] for answer in answers] == ["skipped", "used", "skipped"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_without_a_key_a_call_that_a_web_page_may_send_unasked_is_refused(
    http: httpx.AsyncClient, content_type: str
) -> None:
    answer = await http.post(
        "/v1/chat/completions",
        content=b'{"model": "m", "messages": [{"role": "user", "content": "I live in Rome."}]}',
        headers={"Content-Type": content_type},
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "Content-Type"
