import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import sse
from proxy.sse import EventSplitter, read_data

endings = st.sampled_from([b"\n", b"\r\n", b"\r"])
lines = st.sampled_from([b"data: {}", b"data:x", b": ping", b"event: e", b"id: 1", "data: naïve 🐟".encode()])


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    ending = draw(endings)
    events = draw(st.lists(st.lists(lines, min_size=1, max_size=3), max_size=6))
    return [b"".join(line + ending for line in event) + ending for event in events]


@given(streams(), st.binary(max_size=0) | st.just(b"data: cut o"), st.data())
def test_events_come_out_whole_and_as_they_were_however_they_came_in(
    events: list[bytes], cut: bytes, data: st.DataObject
) -> None:
    stream = b"".join(events) + cut
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    splitter, out = EventSplitter(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        out.append(splitter.feed(stream[start:end]))
    bounds = {0}
    for event in events:
        bounds.add(max(bounds) + len(event))
    sent = 0
    for whole in out:
        sent += len(whole)
        # With CRLF, what follows CR LF CR may come a byte later.
        assert sent in bounds or stream[sent : sent + 1] == b"\n"
    assert b"".join(out) + splitter.rest == stream
    assert splitter.rest == cut


def test_events_that_came_in_one_piece_go_out_in_one() -> None:
    assert EventSplitter().feed(b"data: 1\n\ndata: 2\n\n") == b"data: 1\n\ndata: 2\n\n"


def test_an_event_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT", 10)
    splitter = EventSplitter()
    splitter.feed(b"data: 1")
    with pytest.raises(OverflowError):
        splitter.feed(b"2345")


@pytest.mark.parametrize(
    ("events", "data"),
    [
        (b"data: a\n\ndata:b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b": comment\n\nevent: x\nid: 7\ndata: a\n\n", [b"a"]),
        (b"data: {\ndata: }\n\n", [b"{\n}"]),
        (b"data:  two spaces\n\n", [b" two spaces"]),
        (b"data: without an end", [b"without an end"]),
        ("data: \u2028\x85\n\n".encode(), ["\u2028\x85".encode()]),
        (b"", []),
    ],
)
def test_the_data_of_events_is_read(events: bytes, data: list[bytes]) -> None:
    assert list(read_data(events)) == data
