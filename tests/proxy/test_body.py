import json

import pytest

from memory.errors import Invalid
from proxy.body import ChatBody, OpaqueBody, read_body


def chat(raw: bytes) -> ChatBody:
    body = read_body(raw)
    assert isinstance(body, ChatBody)
    return body


def test_model_and_messages_are_read() -> None:
    body = chat(b'{"model": "gpt-x", "messages": [{"role": "user", "content": "hi", "name": "ann"}], "n": 2}')
    assert body.model == "gpt-x"
    assert body.messages == [{"role": "user", "content": "hi", "name": "ann"}]


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        ({}, None),
        ({"metadata": {"user_id": "m"}}, "m"),
        ({"metadata": {"user_id": "m"}, "user": "u"}, "u"),
        ({"metadata": {"user_id": "m"}, "user": "u", "safety_identifier": "s"}, "s"),
        ({"metadata": None}, None),
        ({"metadata": "m"}, None),
        ({"user": 7}, 7),
    ],
)
def test_the_user_is_the_first_of_those_named(fields: dict[str, object], user: object) -> None:
    assert chat(json.dumps({"messages": [], **fields}).encode()).user == user


def test_the_session_is_that_of_the_metadata() -> None:
    assert chat(b'{"messages": [], "metadata": {"session_id": "s"}}').session == "s"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"messages": [{"role": "user", "content": "\\ud83d"}]}', id="lone surrogate"),
        pytest.param(b'{"messages": [], "temperature": NaN}', id="NaN"),
        pytest.param(b'{"messages": [], "logit_bias": Infinity}', id="Infinity"),
        pytest.param(b'{"messages": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep nesting"),
        pytest.param('{"messages": []}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + b'{"messages": []}', id="byte order mark"),
    ],
)
def test_json_that_not_every_reader_takes_stays_as_it_is(raw: bytes) -> None:
    assert isinstance(read_body(raw), OpaqueBody)
    assert read_body(raw).raw == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b'{"messages": [}',
        b'{"messages": [{"role": "user", "content": "hi"}]',
        b'{"messages": [{"role": "user", "content": "\xff"}]}',
        b"\x00\x01",
        b"[]",
        b'"messages"',
        b"null",
        b"{}",
        b'{"messages": null}',
        b'{"messages": {}}',
        b'{"messages": "hi"}',
        b'{"messages": "hi", "x": NaN}',
        b'{"messages": ["hi"]}',
        b'{"messages": [{"role": "user"}, null]}',
    ],
)
def test_what_is_no_chat_request_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        read_body(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"messages": [], "seed": 123456789012345678901234567890, "x": 1e999}',
        b'{"messages": [{"role": "user", "content": 5}]}',
        b'{"messages": [{}]}',
        b'{"model": 5, "messages": []}',
        b'{"metadata": [1], "user": null, "messages": []}',
    ],
)
def test_odd_values_are_for_the_upstream_to_judge(raw: bytes) -> None:
    assert chat(raw).raw == raw


def test_of_two_arrays_of_messages_the_last_counts() -> None:
    assert chat(b'{"messages": [{"role": "user"}], "messages": [{"role": "system"}]}').messages == [{"role": "system"}]


@pytest.mark.parametrize("user", [0, False, [], {}])
def test_a_user_that_is_no_name_is_still_somebody(user: object) -> None:
    body = read_body(json.dumps({"messages": [], "user": user}).encode())
    assert isinstance(body, ChatBody)
    assert body.user is not None


def test_an_empty_user_says_nothing_and_hides_no_other() -> None:
    body = read_body(b'{"messages": [], "safety_identifier": "", "user": "zed"}')
    assert isinstance(body, ChatBody)
    assert body.user == "zed"
