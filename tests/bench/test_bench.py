"""The benchmark's own correctness: it runs for minutes, so these look at its parts."""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bench import cases, corpus, crowd, load, results, streams
from tests.bench.crowd import Meanwhile
from tests.bench.load import Expected
from tests.bench.servers import Server, running
from tests.bench.upstream import COMPLETION, EVENTS, FAST, IDLE, PACE, PACED, STREAM

CHAT = "/v1/chat/completions"
WHOLE = Expected(len(COMPLETION), len(COMPLETION), "}")


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("tests.bench.upstream", folder=tmp_path_factory.mktemp("upstream")) as server:
        yield server


@pytest.fixture(scope="module")
def relay(upstream: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("tests.bench.relay", f"{upstream.url}/v1", folder=tmp_path_factory.mktemp("relay")) as server:
        yield server


def test_the_corpus_is_the_same_in_every_run_and_even_among_users() -> None:
    memories = corpus.memories(corpus.USERS)
    assert memories == corpus.memories(corpus.USERS)
    assert set(Counter(memory["user_id"] for memory in memories).values()) == {corpus.MEMORIES // corpus.USERS}


def test_words_follow_zipfs_law() -> None:
    counts = [count for _, count in Counter(" ".join(m["content"] for m in corpus.memories(1)).split()).most_common()]
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.2)
    assert counts[0] / counts[99] == pytest.approx(100, rel=0.2)


def test_every_request_is_another_users_and_another_question() -> None:
    asked = list(corpus.questions(corpus.USERS))
    assert len({question for _, question in asked}) == corpus.QUESTIONS
    assert len({user for user, _ in asked[: corpus.USERS]}) == corpus.USERS


def test_a_large_prompt_has_100_kilobytes_and_ends_with_the_question() -> None:
    made = corpus.body("Do you recall?", stream=False, large=True)
    messages = json.loads(made)["messages"]
    assert len(made) == pytest.approx(corpus.LARGE_BYTES, rel=0.1)
    assert [messages[at]["role"] for at in (0, 1, -2, -1)] == ["system", "user", "assistant", "user"]
    assert messages[-1]["content"] == "Do you recall?"


@pytest.mark.parametrize("large", [False, True])
def test_the_requests_of_wrk_are_a_user_and_a_body_with_one_mark_each(tmp_path: Path, large: bool) -> None:
    corpus.write_requests(file := tmp_path / "requests.tsv", corpus.USERS, large=large)
    user, body = file.read_text().splitlines()[1].split("\t")
    assert user == "user-1"
    assert body.count(corpus.MARK) == 1
    assert corpus.MARK in json.loads(body)["messages"][-1]["content"]


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed; only the benchmark needs it")
def test_an_answer_of_another_length_is_a_failure(upstream: Server, tmp_path: Path) -> None:
    corpus.write_requests(requests := tmp_path / "requests.tsv", corpus.USERS)
    longer = Expected(WHOLE.least + 1, WHOLE.most + 1, WHOLE.ending)
    with pytest.raises(load.LoadFailedError, match="one that is not as it must be"):
        load.answers(upstream.url + CHAT, requests, {}, longer, connections=1, seconds=1)


@pytest.mark.parametrize("model", [FAST, PACED])
def test_the_upstream_sends_every_event_and_an_end(upstream: Server, model: str) -> None:
    body = corpus.body("Is it?", stream=True, model=model)
    answer = httpx.post(upstream.url + CHAT, content=body).raise_for_status()
    assert answer.content.count(b"data: {") == EVENTS
    assert answer.content.endswith(b"data: [DONE]\n\n")
    assert (answer.content == STREAM) == (model == FAST)


def test_an_idle_stream_begins_and_stays_open(upstream: Server) -> None:
    async def began() -> bool:
        client = await streams.connected(upstream.url)
        answer = client.ask(corpus.stream_request("ada", "Is it?", IDLE, CHAT, {}))
        await client.began.wait()
        client.close()
        return answer.cancelled()

    assert asyncio.run(began())


def test_paced_streams_are_measured_by_when_the_upstream_sent_each_event(relay: Server) -> None:
    found = streams.paced(streams.Task(relay.url + CHAT, 1, {}, at_once=1, turns=1, first_question=0))
    assert 0 < found["delay_p50"] <= found["delay_p99"] < 1000 * EVENTS * PACE
    assert found["first_event"] > 0


def test_an_event_in_two_pieces_came_when_its_last_byte_did() -> None:
    events = [b'data: {"content":" %.6f"}\n\n' % (10 + at) for at in range(EVENTS)]
    pieces = [(10.0 + at, event) for at, event in enumerate(events)]
    pieces[1:2] = [(11.25, events[1][:9]), (11.5, events[1][9:])]
    read = streams.read(9.5, [*pieces, (99.0, b"data: [DONE]\n\n")])
    assert read.first_event == 0.5
    assert read.delays == [0, 0.5] + [0] * (EVENTS - 2)
    assert read.gaps == [1.5, 0.5] + [1] * (EVENTS - 3)


@pytest.mark.parametrize("missing", ["event", "end"])
def test_a_stream_that_is_not_whole_is_a_failure(missing: str) -> None:
    events = [(1.0, b'data: {"content":" 1.000000"}\n\n')] * (EVENTS - (missing == "event"))
    end = [] if missing == "end" else [(1.0, b"data: [DONE]\n\n")]
    with pytest.raises(load.LoadFailedError, match="or no end"):
        streams.read(1.0, [*events, *end])


def test_a_stream_that_is_refused_is_a_failure() -> None:
    with pytest.raises(load.LoadFailedError, match="503: b'Busy'"):
        asyncio.run(asked_of(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nBusy"))


def test_a_server_that_hangs_up_is_a_failure() -> None:
    with pytest.raises(load.LoadFailedError, match="hung up"):
        asyncio.run(asked_of(b""))


async def asked_of(answer: bytes) -> None:
    """Ask a server that says this and hangs up."""

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = await streams.connected(f"http://127.0.0.1:{port}")
        try:
            await client.ask(b"GET / HTTP/1.1\r\n\r\n")
        finally:
            client.close()


def test_the_cases_name_contenders_of_their_plan() -> None:
    for plan in (cases.FULL, cases.QUICK, cases.with_peers(cases.FULL), cases.with_peers(cases.QUICK)):
        known = {contender.key for contender in plan.contenders}
        assert all(set(case.contenders) <= known for case in plan.cases)
        assert all({"upstream", "relay"} <= set(case.contenders) for case in plan.cases)


def test_a_narrowed_plan_keeps_what_the_rest_is_compared_with() -> None:
    plan = cases.narrowed(cases.FULL, ("redis",), ("json-1",))
    assert [case.contenders for case in plan.cases] == [("upstream", "relay", "redis")]
    with pytest.raises(KeyError, match="nobody"):
        cases.narrowed(cases.FULL, ("nobody",), ())


def test_only_contenders_that_learn_may_be_learned_from() -> None:
    skipped = {one.key: "X-Remora-Skip-Extract" in one.headers for one in cases.FULL.contenders}
    learn = {key for key, skips in skipped.items() if not skips}
    assert learn == {"upstream", "relay", "redis-learns", "sqlite-learns"}


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = results.Results("a machine", True, list(cases.QUICK.contenders), list(cases.QUICK.cases))
    found.add("json-1", "relay", {"p50": 1.5})
    found.save(file := tmp_path / "results.json")
    assert results.load(file) == found


def test_what_is_done_to_the_crowd_fails_the_bench_where_it_fails(upstream: Server) -> None:
    with (
        httpx.Client(base_url=upstream.url) as client,
        pytest.raises(load.LoadFailedError, match="refused"),
        crowd._over_and_over(lambda: client.get("http://127.0.0.1:1").raise_for_status(), []),
    ):
        pass


def test_the_crowds_table_has_a_row_for_each_doing() -> None:
    rows = [
        Meanwhile("left alone", {"per_second": 100, "p50": 1, "p99": 2}),
        Meanwhile("counted", {"per_second": 50, "p50": 3, "p99": 4}, [5, 7, 900]),
    ]
    *_, alone, counted = crowd.table({"Redis": rows}).splitlines()
    assert alone == "| Redis | left alone | 100 | 1.0 | 2.0 |  |"
    assert counted == "| Redis | counted | 50 | 3.0 | 4.0 | 7.0 |"
