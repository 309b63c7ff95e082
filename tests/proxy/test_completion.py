import json
from typing import Any

import pytest

from proxy import completion
from proxy.completion import Completion


def event(*choices: dict[str, Any], **fields: Any) -> bytes:
    return b"data: " + json.dumps({"choices": list(choices), **fields}).encode() + b"\n\n"


def delta(content: str | None = None, *, index: int = 0, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": {"content": content, **fields}, "finish_reason": finish}


def heard(*events: bytes) -> Completion:
    result = Completion()
    for each in events:
        result.read_events(each)
    return result


def body(**choice: Any) -> Completion:
    result = Completion()
    result.read_body(json.dumps({"choices": [choice]}).encode())
    return result


def test_a_stream_is_put_together() -> None:
    result = heard(event(delta("Hel", role="assistant")), event(delta("lo")) + event(delta(finish="stop")))
    assert result.message() == {"role": "assistant", "content": "Hello"}


def test_a_body_is_read() -> None:
    result = body(index=0, message={"role": "assistant", "content": "Hello"}, finish_reason="length")
    assert result.message() == {"role": "assistant", "content": "Hello"}


def test_of_several_choices_the_first_counts() -> None:
    result = heard(
        event(delta("a"), delta("x", index=1)),
        event(delta("y", index=1, finish="stop")),
        event(delta("b", finish="stop")),
    )
    assert result.message() == {"role": "assistant", "content": "ab"}


def test_the_end_of_another_choice_is_not_the_end() -> None:
    result = heard(event(delta("a"), delta("x", index=1, finish="stop")))
    assert result.message() is None
    assert not result.ended


@pytest.mark.parametrize("field", ["tool_calls", "function_call"])
def test_calling_tools_shows(field: str) -> None:
    calls: dict[str, Any] = {field: [{"index": 0}]}
    result = heard(event(delta(None, **calls)), event(delta(finish="tool_calls")))
    assert result.message() == {"role": "assistant", "content": "", "tool_calls": True}


def test_usage_after_the_end_changes_nothing() -> None:
    result = heard(event(delta("a", finish="stop")), event(usage={"total_tokens": 3}), b"data: [DONE]\n\n")
    assert result.message() == {"role": "assistant", "content": "a"}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([event(delta("a"))], id="cut off"),
        pytest.param([event(delta("a")), b"data: {bad\n\n", event(delta(finish="stop"))], id="malformed"),
        pytest.param([event(delta("a", finish="stop")), b'data: {"error": {"message": "no"}}\n\n'], id="error"),
        pytest.param([b"data: [DONE]\n\n"], id="nothing but the end mark"),
        pytest.param([event({"index": 0, "delta": {"content": "a"}, "finish_reason": 5})], id="odd types"),
        pytest.param([b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'], id="no UTF-8"),
    ],
)
def test_what_is_not_whole_gives_no_message(events: list[bytes]) -> None:
    assert heard(*events).message() is None


@pytest.mark.parametrize(
    ("last", "ended"),
    [
        (event(delta("a")), False),
        (event(delta("a", finish="")), False),
        (event(delta(finish="stop")), True),
        (b"data: [DONE]\n\n", True),
        (b'data: {"error": {"message": "no"}}\n\n', True),
    ],
)
def test_a_stream_says_that_it_is_over(last: bytes, ended: bool) -> None:
    assert heard(event(delta("a")), last).ended is ended


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b'{"choices": {}}', b"null"])
def test_a_body_of_another_kind_gives_no_message(data: bytes) -> None:
    result = Completion()
    result.read_body(data)
    assert result.message() is None


def test_of_a_long_answer_only_the_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "MAX_CHARACTERS", 5)
    result = heard(event(delta("abc")), event(delta("def")), event(delta("ghi", finish="stop")))
    assert result.message() == {"role": "assistant", "content": "abcde"}


def test_what_the_upstream_says_of_itself_is_kept() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    result = heard(event(delta("a"), model="gpt"), event(delta(finish="stop")), event(usage=usage))
    assert (result.model, result.input_tokens, result.output_tokens) == ("gpt", 12, 3)


@pytest.mark.parametrize(
    "usage", [None, 7, {}, {"prompt_tokens": "12"}, {"prompt_tokens": -1}, {"prompt_tokens": 1e30}]
)
def test_nonsense_about_usage_is_no_usage_and_spoils_nothing(usage: Any) -> None:
    result = heard(event(delta("a", finish="stop"), model=7, usage=usage))
    assert (result.model, result.input_tokens, result.output_tokens) == (None, None, None)
    assert result.message() == {"role": "assistant", "content": "a"}


@pytest.mark.parametrize(
    ("said", "begun"),
    [(delta("", role="assistant"), False), (delta("a"), True), (delta(None, tool_calls=[{"index": 0}]), True)],
)
def test_an_answer_begins_with_its_first_text_or_call_of_a_tool(said: dict[str, Any], begun: bool) -> None:
    assert heard(event(said)).begun is begun


def test_without_its_text_all_the_rest_of_a_stream_is_heard() -> None:
    result = Completion(keeps_text=False)
    for word in ("Hel", "lo"):
        result.read_events(event(delta(word), model="m-1"))
        assert result.begun
        assert not result.ended
    result.read_events(event(delta(" you")) + event(delta(finish="length")))
    result.read_events(event(usage={"prompt_tokens": 3, "completion_tokens": 4}))
    assert (result.finish_reason, result.ended, result.model) == ("length", True, "m-1")
    assert (result.input_tokens, result.output_tokens) == (3, 4)
    assert result.message() is None


@pytest.mark.parametrize(
    ("last", "failed"),
    [
        (b"data: [DONE]\n\n", False),
        (b'data: {"error": {"message": "no more"}}\n\n', True),
        (b'data: {"\\u0065rror": "no more"}\n\n', True),
        (b'data: {"choices":[{"delta":{},"finish_reason"\ndata: :"stop"}]}\n\n', False),
    ],
)
def test_without_its_text_the_end_of_a_stream_shows(last: bytes, failed: bool) -> None:
    result = Completion(keeps_text=False)
    for events in (event(delta("Hello")), event(delta(" you")), last):
        assert not result.ended
        result.read_events(events)
    assert result.ended
    assert result.failed is failed
