"""The benchmark's own correctness: it runs for minutes, so these look at its parts."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bench import corpus, crowd, load
from tests.bench.crowd import Meanwhile
from tests.bench.load import Answers, Streams
from tests.bench.report import Figures, Round, Row, markdown
from tests.bench.servers import Server, running

CHAT = "/v1/chat/completions"


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


@pytest.mark.parametrize("server", ["upstream", "relay"])
def test_streams_come_whole_and_are_counted(server: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(server).url + CHAT
    requests = corpus.stream_requests(1, CHAT, [], run=None)[:3]
    measured = load.streams(url, requests, at_once=2, seconds=0.2)
    assert measured.first_event > 0
    assert measured.events_per_second > 0


def test_an_answer_that_is_no_stream_is_a_failure(upstream: Server) -> None:
    body = corpus.body("Is it?", stream=False).encode()
    request = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (CHAT.encode(), len(body), body)
    with pytest.raises(load.LoadFailedError, match="200 and 0 events of 64"):
        load.streams(upstream.url + CHAT, [request], at_once=1, seconds=0.2)


def test_a_server_that_hangs_up_is_a_failure() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def ask() -> None:
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            address = server.sockets[0].getsockname()
            _, client = await asyncio.get_running_loop().create_connection(load._Client, *address)
            await client.ask(b"GET / HTTP/1.1\r\n\r\n")

    with pytest.raises(load.LoadFailedError, match="hung up"):
        asyncio.run(ask())


def test_the_requests_of_wrk_are_a_user_and_a_body_each(tmp_path: Path) -> None:
    corpus.write_requests(file := tmp_path / "requests.tsv", corpus.USERS)
    lines = file.read_text().splitlines()
    user, body = lines[1].split("\t")
    assert (len(lines), user) == (corpus.QUESTIONS, "user-1")
    assert "#0" in json.loads(body)["messages"][-1]["content"]


def test_the_table_compares_round_by_round() -> None:
    def row(name: str, per_second: tuple[float, float], p50: tuple[float, float]) -> Row:
        rounds = [
            Round(Answers(0, p, 2 * p), Answers(s, 10 * p, 20 * p), Streams(p, 1000))
            for s, p in zip(per_second, p50, strict=True)
        ]
        return Row(name, rounds, idle_bytes=50_000_000, after_bytes=60_000_000)

    rows = [row("upstream", (1000, 500), (1, 2)), row("relay", (100, 50), (2, 4)), row("ours", (50, 50), (3, 8))]
    table = markdown(Figures(rows, connections=16, imports_bytes=70_000_000, model_bytes=90_000_000))
    *_, ours, _, note = table.splitlines()
    cells = [cell.strip() for cell in ours.strip("|").split("|")]
    assert cells[:5] == ["ours", "50", "75% (50%-100%)", "5.50", "x 2.5 (2.0-3.0)"]
    assert cells[-4:] == ["4.00", "1,000", "50", "60"]
    assert "70 MB" in note


def test_what_is_done_to_the_crowd_fails_the_bench_where_it_fails(upstream: Server) -> None:
    with (
        httpx.Client(base_url=upstream.url) as client,
        pytest.raises(load.LoadFailedError, match="refused"),
        crowd._over_and_over(lambda: client.get("http://127.0.0.1:1").raise_for_status(), []),
    ):
        pass


def test_the_crowds_table_has_a_row_for_each_doing() -> None:
    rows = [Meanwhile("left alone", Answers(100, 1, 2)), Meanwhile("counted", Answers(50, 3, 4), [5, 7, 900])]
    *_, alone, counted = crowd.table({"Redis": rows}).splitlines()
    assert alone == "| Redis | left alone | 100 | 1.0 | 2.0 |  |"
    assert counted == "| Redis | counted | 50 | 3.0 | 4.0 | 7.0 |"
