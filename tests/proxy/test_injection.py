import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Position
from proxy.body import ChatBody, read_body
from proxy.injection import inject

SEPARATOR = "\n\n"
POSITIONS: list[Position] = ["system", "first_user", "before_last"]


def body_of(raw: bytes) -> ChatBody:
    body = read_body(raw)
    assert isinstance(body, ChatBody)
    return body


def injected(messages: list[dict[str, Any]], position: Position, text: str = "MEMORY") -> list[dict[str, Any]] | None:
    raw = inject(body_of(json.dumps({"messages": messages}).encode()), text, position, SEPARATOR)
    return None if raw is None else json.loads(raw)["messages"]


USER = {"role": "user", "content": "hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_appends_to_the_first_instructions(role: str) -> None:
    rest = [USER, {"role": "system", "content": "later"}]
    assert injected([{"role": role, "content": "Be kind."}, *rest], "system") == [
        {"role": role, "content": "Be kind.\n\nMEMORY"},
        *rest,
    ]


def test_system_appends_a_part_to_instructions_in_parts() -> None:
    assert injected([{"role": "system", "content": [{"type": "text", "text": "Be kind."}]}, USER], "system") == [
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}, {"type": "text", "text": "\n\nMEMORY"}]},
        USER,
    ]


@pytest.mark.parametrize(("empty", "filled"), [("", "MEMORY"), ([], [{"type": "text", "text": "MEMORY"}])])
def test_system_fills_empty_instructions(empty: object, filled: object) -> None:
    assert injected([{"role": "system", "content": empty}, USER], "system") == [
        {"role": "system", "content": filled},
        USER,
    ]


@pytest.mark.parametrize("first", [[], [{"role": "system", "content": None}], [{"role": "system"}]])
def test_system_goes_in_front_where_no_instructions_hold_text(first: list[dict[str, Any]]) -> None:
    assert injected([*first, USER], "system") == [{"role": "system", "content": "MEMORY"}, *first, USER]


def test_system_fills_a_conversation_without_messages() -> None:
    assert injected([], "system") == [{"role": "system", "content": "MEMORY"}]


def test_first_user_prepends_to_the_first_user_message() -> None:
    last = {"role": "user", "content": "last"}
    assert injected([{"role": "system", "content": "x"}, USER, last], "first_user") == [
        {"role": "system", "content": "x"},
        {"role": "user", "content": "MEMORY\n\nhi"},
        last,
    ]


def test_first_user_puts_a_part_before_text_and_image() -> None:
    content = [IMAGE, {"type": "text", "text": "what is it?"}]
    assert injected([{"role": "user", "content": content}], "first_user") == [
        {"role": "user", "content": [{"type": "text", "text": "MEMORY\n\n"}, *content]}
    ]


def test_first_user_goes_before_a_user_message_without_text() -> None:
    assert injected([{"role": "user", "content": None}], "first_user") == [
        {"role": "user", "content": "MEMORY"},
        {"role": "user", "content": None},
    ]


def test_before_last_goes_before_the_last_user_message() -> None:
    before = [USER, {"role": "assistant", "content": "yes?"}]
    after = [{"role": "user", "content": "last"}, {"role": "tool", "content": "4", "tool_call_id": "1"}]
    assert injected(before + after, "before_last") == [*before, {"role": "system", "content": "MEMORY"}, *after]


@pytest.mark.parametrize("position", ["first_user", "before_last"])
def test_without_a_user_message_there_is_no_place_beside_one(position: Position) -> None:
    assert injected([{"role": "system", "content": "x"}], position) is None


def test_of_a_key_given_twice_the_last_one_is_added_to() -> None:
    raw = b'{"messages":[],"tools":[],"messages":[{"role":"system","content":"a","content":"b"}]}'
    assert inject(body_of(raw), "M", "system", "-") == (
        b'{"messages":[],"tools":[],"messages":[{"role":"system","content":"a","content":"b-M"}]}'
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
numbers = st.sampled_from(["0.1e1", "1E300", "-0", "12345678901234567890123", "1.10"])
spaces = st.sampled_from(["", " ", "\n\t", "  \r\n"])
values = st.one_of(
    st.builds(lambda text: json.dumps(text, ensure_ascii=False), texts),
    st.builds(json.dumps, texts),
    numbers,
    st.sampled_from(
        ["null", "true", "[]", "{}", '{"a":[1, 2 ],"a":{ }}', '[ "messages", {"role" : "user"} ]', '"\\/"']
    ),
)
parts = st.one_of(
    st.builds(lambda text: f'{{"type":"text" ,"text":{json.dumps(text)}}}', texts), st.just(json.dumps(IMAGE))
)


@st.composite
def objects(draw: st.DrawFn, *fixed: tuple[str, st.SearchStrategy[str]]) -> str:
    """The JSON text of an object with these members and others, in any order, spelling and spacing."""
    members = [(name, draw(value)) for name, value in fixed]
    members += draw(
        st.lists(st.tuples(st.sampled_from(["name", "tools", "x", "content_", "cache_control"]), values), max_size=3)
    )
    space = draw(spaces)
    written = [f'{space}"{name}"{space}:{space}{value}' for name, value in draw(st.permutations(members))]
    return "{" + f"{space},".join(written) + space + "}"


contents = st.one_of(
    values.filter(lambda v: v[0] == '"'), st.just("null"), st.lists(parts, max_size=3).map(lambda p: f"[{','.join(p)}]")
)
messages = objects(
    ("role", st.sampled_from(['"system"', '"developer"', '"user"', '"assistant"', '"tool"', "5"])),
    ("content", contents),
)


@given(
    objects(("messages", st.lists(messages, max_size=5).map(lambda all_: "[ " + " , ".join(all_) + " ]"))),
    texts.filter(bool),
    st.sampled_from(POSITIONS),
)
def test_injection_is_one_insertion_and_all_else_keeps_its_bytes(written: str, text: str, position: Position) -> None:
    raw = written.encode()
    result = inject(body_of(raw), text, position, SEPARATOR)
    if result is None:
        assert position != "system"
        return
    added = len(result) - len(raw)
    at = next(i for i in range(len(raw) + 1) if result.startswith(raw[:i]) and result[i + added :] == raw[i:])
    assert result[:at] + result[at + added :] == raw
    assert text in all_texts(json.loads(result)["messages"])


def all_texts(messages: list[dict[str, Any]]) -> str:
    contents = [message.get("content") for message in messages]
    return "\0".join(
        content if isinstance(content, str) else "\0".join(str(part.get("text")) for part in content or [])
        for content in contents
        if isinstance(content, (str, list))
    )
