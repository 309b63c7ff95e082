"""`GET /v1/memories/export` and `POST /v1/memories/import`, on both engines."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st

from memory import ids
from memory.api import leave
from memory.api.leave import Authority
from memory.api.lines import AHEAD_MS, LONGEST, memory_line, memory_of, read_line, split_lines
from memory.api.transfer import MAX_FAILURES, _lines
from memory.caller import Caller
from memory.embedding.bundled import BundledEmbedder
from memory.engines.base import Engine, Filter, Record
from memory.engines.redis.engine import RedisEngine
from memory.errors import Forbidden, Invalid, RemoraError, StoreUnavailable, Unauthenticated
from memory.model import Link, Memory, content_hash
from tests.support.native import Knowing, native_app
from tests.support.redis_server import RedisServer
from tests.support.services import START, Services, a_caller, services_over

EXPORT, IMPORT = "/v1/memories/export", "/v1/memories/import"
LINES = {"content-type": "application/x-ndjson"}

HOSTILE = (
    "Zoë said: 「寿司」 😀\n\0 “quoted” * | : \\ end",
    '"}\n{"content":"injected"}\r\n',
    "lines\u2028\u2029\x85\x0b\x0c\x1c",
    "e\u0301 é \ufeff \u202e right to left",
    "</script><!-- {{ }} ${x} %00 &amp;",
    "\U0010ffff\uffff",
    "x" * 10_240,
    "\x01" * 10_240,
)


def an_id(at: int) -> int:
    return (at - ids.EPOCH_MS) << 12


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
name = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=20).filter(
    lambda given: given not in (".", "..")
)
number = st.integers(0, ids.LARGEST)
time = st.integers(-62_135_596_800_000, 253_402_300_799_999)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
metadata = st.dictionaries(text, scalars | st.lists(scalars, max_size=3), max_size=4)
memories = st.builds(
    Memory,
    id=st.integers(0, an_id(START + AHEAD_MS)),
    version=st.integers(1, ids.LARGEST),
    tenant=st.just("default"),
    namespace=name,
    content=text,
    type=st.sampled_from(["semantic", "episodic", "working", "structured", "procedural"]),
    user_id=st.none() | name,
    run_id=st.none() | name,
    credential=st.none() | name,
    seq=st.none() | st.integers(1, 1_000_000_000),
    metadata=metadata,
    tags=st.lists(name, max_size=3),
    source=st.sampled_from(["user", "extracted", "inferred", "imported"]),
    confidence=st.floats(0, 1),
    importance=st.floats(0, 1),
    state=st.sampled_from(["active", "paused", "archived"]),
    slot=st.none() | name,
    source_ids=st.lists(number, max_size=3),
    links=st.lists(st.builds(Link, number, name), max_size=3),
    superseded_by=st.none() | number,
    created_at=time,
    updated_at=time,
    accessed_at=time,
    derived_at=st.none() | time,
    event_at=st.none() | time,
    access_count=number,
    search_count=number,
)


@pytest.fixture
def services(either_engine: Engine, embedder: BundledEmbedder) -> Services:
    return services_over(either_engine, embedder)


@asynccontextmanager
async def acting(
    services: Services, caller: Caller, authority: Authority | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    # Litestar's own client would run it on another event loop than the engine's.
    transport = httpx.ASGITransport(native_app(services, caller, authority=authority))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.content.endswith(b"\n")
    return [json.loads(line) for line in answer.content.split(b"\n")[:-1]]


async def bring(client: httpx.AsyncClient, *lines: Any, **query: str) -> Any:
    body = b"".join((line if isinstance(line, bytes) else msgspec.json.encode(line)) + b"\n" for line in lines)
    answer = await client.post(IMPORT, content=body, headers=LINES, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(answer: Any) -> tuple[int, int, int]:
    return answer["imported"], answer["skipped"], answer["failed"]


async def everything(services: Services, tenant: str) -> list[Memory]:
    where = Filter(tenant=tenant, current=False)
    return [memory async for batch in services.engine.memories.scan(where) for memory in batch]


async def store(services: Services, count: int, *, tenant: str = "default") -> None:
    [vector] = await services.embedder.embed(["likes tea"])
    times: dict[str, Any] = dict.fromkeys(("created_at", "updated_at", "accessed_at"), START)
    made = (
        Memory(id=id, tenant=tenant, namespace="default", content=f"memory {id}", token_count=2, **times)
        for id in range(1, count + 1)
    )
    await services.engine.memories.insert([Record(memory=memory, vector=vector) for memory in made])


async def test_what_is_exported_comes_back_to_the_byte_in_another_tenant(services: Services) -> None:
    hostile = [
        Memory(
            id=an_id(START) - place,
            version=place + 1,
            tenant="default",
            namespace="n:*|\"'\\ 😀",
            content=content,
            content_hash=content_hash(content),
            type="episodic",
            user_id="ü{}*",
            run_id="session: 1",
            seq=place + 1,
            metadata={"": [None, {"\n": content[:100]}], "n": 0.1 + 0.2, "i": 2**63 - 1},
            tags=["a,b", "|"],
            categories=["*"],
            state="archived",
            source_ids=[0, 2**53 - 1],
            links=[Link(5, "b/c")],
            superseded_by=7,
            created_at=START + 1,
            updated_at=START + 2,
            accessed_at=START + 3,
            event_at=-1,
            token_count=len(content.split()),
        )
        for place, content in enumerate(HOSTILE)
    ]
    vectors = await services.embedder.embed(list(HOSTILE))
    await services.engine.memories.insert(
        [Record(memory=memory, vector=vector) for memory, vector in zip(hostile, vectors, strict=True)]
    )
    async with acting(services, a_caller()) as client:
        exported = await client.get(EXPORT)
    async with acting(services, a_caller(tenant="other")) as client:
        answer = await client.post(IMPORT, content=exported.content, headers=LINES)
        again = await client.get(EXPORT)
    assert answer.json() == {
        "imported": len(HOSTILE),
        "skipped": 0,
        "failed": 0,
        "failures": [],
        "last_line": len(HOSTILE) + 1,
    }
    assert again.content == exported.content
    mine = [msgspec.structs.replace(memory, tenant="other") for memory in await everything(services, "default")]
    assert await everything(services, "other") == mine


@given(memories)
def test_a_line_says_all_of_a_memory(memory: Memory) -> None:
    line = memory_line(memory, None)
    assert line.count(b"\n") == 1
    read = memory_of(read_line(line), tenant="default", namespace="?", user_id="?", now=START)
    if memory.user_id is None and memory.credential is None:
        assert read.user_id == "?"
        read.user_id = None
    assert read == memory


def test_an_id_from_the_future_is_refused() -> None:
    line = read_line(b'{"content": "x", "id": "%s"}' % ids.spell(an_id(START + AHEAD_MS + 1)).encode())
    with pytest.raises(Invalid, match="lies in the future") as refused:
        memory_of(line, tenant="default", namespace="default", user_id=None, now=START)
    assert refused.value.details["field"] == "id"


@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(1, 40), min_size=1))
async def test_lines_are_found_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    body = b"\n".join(lines)

    async def chunks() -> AsyncIterator[bytes]:
        at, turn = 0, 0
        while at < len(body):
            size = cuts[turn % len(cuts)]
            yield body[at : at + size]
            at, turn = at + size, turn + 1

    found = [pair async for pair in split_lines(chunks())]
    assert found == [(place, line) for place, line in enumerate(lines, 1) if line.strip()]


async def test_the_first_line_says_what_it_is_and_whose(services: Services) -> None:
    await store(services, 1)
    async with acting(services, a_caller()) as client:
        header, line = lines_of(await client.get(EXPORT))
        assert header == {"format": "remora-memories", "version": 1}
        assert line == {
            "content": "memory 1",
            "id": ids.spell(1),
            "namespace": "default",
            "created_at": "2026-01-19T10:00:00Z",
            "updated_at": "2026-01-19T10:00:00Z",
            "accessed_at": "2026-01-19T10:00:00Z",
            "token_count": 2,
            "confidence": 1.0,
            "importance": 0.5,
        }
        [header] = lines_of(await client.get(EXPORT, params={"namespace": "default", "user_id": "ada"}))
        assert header == {"format": "remora-memories", "version": 1, "namespace": "default", "user_id": "ada"}


async def test_an_export_goes_on_after_the_last_id_had(services: Services) -> None:
    await store(services, 1234)
    async with acting(services, a_caller()) as client:
        whole = (await client.get(EXPORT)).content
        begun = (await client.get(EXPORT, params={"limit": "321"})).content
        last = json.loads(begun.splitlines()[-1])["id"]
        rest = (await client.get(EXPORT, params={"after": last})).content
    assert begun.count(b"\n") == 322
    assert begun + rest == whole
    assert whole.count(b"\n") == 1235


@pytest.mark.parametrize("count", [1, 99, 100, 101, 500, 501, 700])
async def test_a_limit_is_kept_to_the_line(services: Services, count: int) -> None:
    await store(services, 600)
    async with acting(services, a_caller()) as client:
        lines = lines_of(await client.get(EXPORT, params={"limit": str(count)}))
    assert [line["id"] for line in lines[1:]] == [ids.spell(id) for id in range(1, min(count, 600) + 1)]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"namespace": "nowhere"}, 404),
        ({"after": "7"}, 400),
        ({"after": "mem_ilou0000000"}, 400),
        ({"limit": "0"}, 400),
        ({"include": "everything"}, 400),
    ],
)
async def test_a_bad_export_is_an_error_and_not_a_line(services: Services, query: dict[str, str], status: int) -> None:
    async with acting(services, a_caller()) as client:
        answer = await client.get(EXPORT, params=query)
    assert answer.status_code == status
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize(("method", "path", "scope"), [("GET", EXPORT, "write"), ("POST", IMPORT, "read")])
async def test_a_key_needs_the_scope(services: Services, method: str, path: str, scope: str) -> None:
    async with acting(services, a_caller(scopes=frozenset([scope]))) as client:
        answer = await client.request(method, path, content=b"", headers=LINES)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_embeddings_are_taken_over_from_the_same_embedder_and_made_anew_else(services: Services) -> None:
    await store(services, 1)  # its vector is another text's
    async with acting(services, a_caller()) as client:
        header, line = lines_of(await client.get(EXPORT, params={"include": "embedding"}))
        spec = services.embedder.spec
        assert header["embedder"] == {"name": spec.name, "dimension": spec.dimension}
        assert len(line["embedding"]) == spec.dimension
        foreign = header | {"embedder": {"name": "another", "dimension": spec.dimension}}
        longer = line | {"id": ids.spell(4), "embedding": [2 * number for number in line["embedding"]]}
        huge = line | {"id": ids.spell(5), "embedding": [1e300] * spec.dimension}
        kept, made = line | {"id": ids.spell(2)}, line | {"id": ids.spell(3)}
        assert told(await bring(client, made, header, kept, longer, huge)) == (4, 0, 0)
        assert told(await bring(client, foreign, line | {"id": ids.spell(6)})) == (1, 0, 0)
    stored = await services.engine.memories.vectors("default", range(1, 7))
    [right] = await services.embedder.embed([line["content"]])
    original = stored[0]
    assert original is not None
    alike = [None if vector is None else bool(abs(vector - original).max() < 1e-6) for vector in stored]
    assert alike == [True, True, False, False, False, False]
    assert all(vector is not None and (vector == right).all() for vector in stored[2:])


async def test_lines_with_a_content_alone_are_memories_and_the_same_ones_the_next_time(services: Services) -> None:
    lines = [
        {"content": "likes tea"},
        {"content": "likes tea", "user_id": "bob"},
        {"content": "likes tea", "created_at": "2026-01-19T10:00:00Z"},
        {"content": "Hi!", "type": "episodic", "run_id": "monday", "role": "user"},
        {"content": "Hello.", "type": "episodic", "run_id": "monday", "role": "assistant"},
        {"content": "likes tea", "metadata": {"a": 1, "b": 2}},
        {"content": "likes tea", "metadata": {"b": 2, "a": 1}},
    ]
    async with acting(services, a_caller()) as client:
        query = {"namespace": "notes", "user_id": "ada"}
        assert told(await bring(client, *lines, **query)) == (6, 1, 0)
        assert told(await bring(client, *lines, {"content": "new"}, **query)) == (1, 7, 0)
        assert told(await bring(client, lines[0], **query | {"user_id": "eve"})) == (1, 0, 0)
    stored = await everything(services, "default")
    assert {memory.namespace for memory in stored} == {"notes"}
    assert sorted(str(memory.user_id) for memory in stored) == ["ada"] * 6 + ["bob", "eve"]
    assert [memory.content for memory in sorted(stored, key=lambda one: one.seq or 99)[:2]] == ["Hi!", "Hello."]
    assert max(memory.id for memory in stored) < 2**47  # below every id that is made now
    assert {memory.created_at for memory in stored} > {START}


async def test_bad_lines_are_told_by_number_field_and_rule_and_stop_nothing(services: Services) -> None:
    good = {"content": "likes tea"}
    lines: list[Any] = [
        good,
        {"contents": "likes tea"},
        b"no JSON",
        b'{"content": "\xff"}',
        b'{"content": "' + LONGEST * b"x" + b'"}',
        b"",
        {"content": "x", "id": "7"},
        {"content": "x", "links": [{"target": "mem_", "kind": "of"}]},
        {"content": "x", "created_at": "yesterday"},
        {"content": "x", "state": "deleted"},
        {"content": "x", "confidence": 2},
        {"content": "x", "seq": 0},
        b"[" * 100_000,
        {"error": {"code": "unavailable", "message": "the store does not answer", "details": {}}},
        b'\xef\xbb\xbf{"content": "after a byte order mark"}',
        {"content": "plays chess"},
    ]
    async with acting(services, a_caller()) as client:
        answer = await bring(client, *lines)
    assert told(answer) == (2, 0, 13)
    assert answer["last_line"] == 16
    failures = {one["line"]: one["error"] for one in answer["failures"]}
    assert list(failures) == [2, 3, 4, 5, *range(7, 16)]
    fields = {line: error["details"].get("field") for line, error in failures.items()}
    assert fields[2] == "contents"
    assert (fields[7], fields[8], fields[9]) == ("id", "links[0].target", "created_at")
    assert (fields[10], fields[11], fields[12]) == ("state", "confidence", "seq")
    assert failures[5]["code"] == "payload_too_large"
    assert "broke off" in failures[14]["message"]


async def test_only_the_first_hundred_failures_are_told_one_by_one(services: Services) -> None:
    async with acting(services, a_caller()) as client:
        answer = await bring(client, *({"content": " "} for _ in range(MAX_FAILURES + 50)))
    assert told(answer) == (0, 0, MAX_FAILURES + 50)
    assert [one["line"] for one in answer["failures"]] == list(range(1, MAX_FAILURES + 1))


async def test_a_later_format_ends_the_import_and_what_was_done_is_told(services: Services) -> None:
    lines = [b'{"content": "likes tea"}'] * 250 + [b'{"format": "remora-memories", "version": 2}']
    async with acting(services, a_caller()) as client:
        answer = await client.post(IMPORT, content=b"\n".join(lines) + b"\n", headers=LINES)
    assert answer.status_code == 400
    details = answer.json()["error"]["details"]
    assert (details["imported"], details["skipped"], details["last_line"]) == (1, 199, 251)


async def test_a_body_larger_than_others_may_be_is_read(services: Services) -> None:
    def body() -> Callable[[], AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            for place in range(400):  # the application of these tests takes 2 MB of anything else
                yield b'{"content": "memory %d", "metadata": {"filler": "%s"}}\n' % (place, b"x" * 10_000)

        return chunks

    async with acting(services, a_caller()) as client:
        answer = await client.post(IMPORT, content=body()(), headers=LINES)
    assert told(answer.json()) == (400, 0, 0)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_what_a_web_page_may_send_unasked_is_refused(services: Services, content_type: str) -> None:
    async with acting(services, a_caller()) as client:
        answer = await client.post(IMPORT, content=b'{"content": "x"}', headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


async def test_a_compressed_body_is_refused_by_the_name_of_its_header(services: Services) -> None:
    async with acting(services, a_caller()) as client:
        body, zipped = b'{"content": "x"}', {"content-encoding": "gzip"}
        answer = await client.post(IMPORT, content=gzip.compress(body), headers=LINES | zipped)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (415, "unsupported_media_type")
        assert error["details"] == {"field": "Content-Encoding"}
        plain = await client.post(IMPORT, content=body, headers=LINES | {"content-encoding": "identity"})
        assert told(plain.json()) == (1, 0, 0)


async def test_a_namespace_or_user_for_the_rest_has_to_be_a_name(services: Services) -> None:
    async with acting(services, a_caller()) as client:
        for field in ("namespace", "user_id"):
            answer = await client.post(IMPORT, params={field: "a/b"}, content=b"", headers=LINES)
            assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, field)


async def test_an_empty_body_imports_nothing(services: Services) -> None:
    async with acting(services, a_caller()) as client:
        answer = await client.post(IMPORT, content=b"", headers=LINES)
    assert answer.json() == {"imported": 0, "skipped": 0, "failed": 0, "failures": [], "last_line": 0}


async def test_an_export_that_cannot_go_on_ends_with_an_error_and_can_be_gone_on_with(
    private_redis_server: RedisServer, embedder: BundledEmbedder
) -> None:
    async with RedisEngine(private_redis_server.url, prefix="export", embedding=embedder.spec) as engine:
        services = services_over(engine, embedder)
        await store(services, 1_200)
        batches = services.export.batches(a_caller())

        async def confirm() -> None:
            pass

        body = _lines(b"", await anext(batches), batches, None, confirm)
        said = await anext(body)
        private_redis_server.stop()
        said += b"".join([chunk async for chunk in body])
        lines = said.splitlines()
        assert json.loads(lines[-1])["error"]["code"] == "unavailable"
        last = ids.parse(json.loads(lines[-2])["id"])
        assert last is not None
        private_redis_server.start()
        rest = [memory.id async for batch in services.export.batches(a_caller(), after=last) for memory, _ in batch]
        assert rest == list(range(last + 1, 1_201))


async def test_a_store_that_takes_no_more_ends_the_import_and_what_was_done_is_told(
    private_redis_server: RedisServer, embedder: BundledEmbedder
) -> None:
    async with RedisEngine(private_redis_server.url, prefix="import", embedding=embedder.spec) as engine:
        services = services_over(engine, embedder)
        await services.namespaces.resolve(a_caller(), "default")
        async with redis.asyncio.from_url(private_redis_server.url) as operator, acting(services, a_caller()) as client:
            await operator.config_set("maxmemory", "1")
            answer = await client.post(IMPORT, content=b'{"content": "likes tea"}\n', headers=LINES)
            await operator.config_set("maxmemory", "0")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert answer.json()["error"]["details"] == {"imported": 0, "skipped": 0, "failed": 0, "last_line": 1}


async def test_without_the_scope_an_export_does_not_tell_which_namespaces_there_are(services: Services) -> None:
    async with acting(services, a_caller(scopes=frozenset(["write"]))) as client:
        answer = await client.get(EXPORT, params={"namespace": "unknown"})
    assert answer.status_code == 403


async def test_an_import_ends_with_its_key_and_what_was_done_is_told(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leave, "CHECK_SECONDS", 0.0)
    authority = Knowing(a_caller())

    async def body() -> AsyncIterator[bytes]:
        for place in range(600):
            if place == 300:
                authority.refusal = Unauthenticated("invalid API key")
            yield b'{"content": "memory %d"}\n' % place

    async with acting(services, a_caller(), authority) as client:
        answer = await client.post(IMPORT, content=body(), headers=LINES)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]["imported"]) == (401, "unauthorized", 200)
    page = await services.engine.memories.list(Filter(tenant="default"), limit=1)
    assert page.total == 200


@pytest.mark.parametrize("refusal", [Unauthenticated("expired API key"), Forbidden("the tenant is suspended")])
async def test_an_export_ends_with_its_key(
    services: Services, monkeypatch: pytest.MonkeyPatch, refusal: RemoraError
) -> None:
    await store(services, 3)
    monkeypatch.setattr(leave, "CHECK_SECONDS", 0.0)
    authority = Knowing(a_caller())
    authority.refusal = refusal
    async with acting(services, a_caller(), authority) as client:
        header, end = lines_of(await client.get(EXPORT))
    assert "format" in header
    assert end["error"]["message"] == refusal.message


async def test_a_transfer_goes_on_while_nobody_can_tell_whether_it_may(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(services, 3)
    monkeypatch.setattr(leave, "CHECK_SECONDS", 0.0)
    authority = Knowing(a_caller())
    authority.refusal = StoreUnavailable("the store does not answer")
    async with acting(services, a_caller(), authority) as client:
        assert len(lines_of(await client.get(EXPORT))) == 4


async def test_a_key_is_not_asked_for_again_before_it_is_time(services: Services) -> None:
    authority = Knowing(a_caller())
    authority.refusal = Unauthenticated("invalid API key")
    async with acting(services, a_caller(), authority) as client:
        assert told(await bring(client, {"content": "likes tea"})) == (1, 0, 0)
