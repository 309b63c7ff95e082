from typing import Any

import msgspec
import pytest

from memory.extraction.exchange import MAX_CHARACTERS, decode_exchange, enqueue_exchange, final_answer, read_round
from memory.markers import BLOCK_CLOSE, BLOCK_OPEN
from tests.memory.extraction.lessons import an_exchange, assistant, user

TOOL_CALL: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
}
TOOL_RESULT = {"role": "tool", "tool_call_id": "1", "content": "I live in the tool"}


def asked(*messages: Any) -> list[str] | None:
    newest = read_round(messages)
    return None if newest is None else newest.asked


def test_only_what_the_user_said_since_the_last_answer_is_asked() -> None:
    assert asked(user("one"), assistant("two"), user("three"), user("four")) == ["three", "four"]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_are_never_asked(role: str) -> None:
    assert asked({"role": role, "content": "I live in Rome"}, user("hello")) == ["hello"]
    assert asked(user("hello"), {"role": role, "content": "I live in Rome"}) == ["hello"]


def test_after_tool_results_the_words_before_the_tools_are_asked() -> None:
    assert asked(user("weather?"), TOOL_CALL, TOOL_RESULT) == ["weather?"]
    assert asked(user("weather?"), TOOL_CALL, TOOL_RESULT, TOOL_CALL, TOOL_RESULT) == ["weather?"]
    assert asked(user("old"), assistant("answer"), user("weather?"), TOOL_CALL, TOOL_RESULT) == ["weather?"]


def test_the_beginning_of_the_answer_given_by_the_client_hides_no_question() -> None:
    assert asked(user("one"), assistant("{")) == ["one"]
    assert read_round([user("one"), assistant("{")]) == read_round([user("one")])


def test_a_conversation_without_an_unanswered_question_asks_nothing() -> None:
    assert asked(user("one"), assistant("two"), assistant("three")) is None
    assert asked(assistant("one")) is None
    assert asked() is None


def test_where_several_people_speak_each_line_has_its_speakers_name() -> None:
    tom, ann = user("I live in Rome.\n\nI'm vegan.") | {"name": "tom"}, user("Me too.") | {"name": "ann"}
    assert asked(tom, ann, user("And I.")) == [
        "[tom] I live in Rome.\n[tom] I'm vegan.",
        "[ann] Me too.",
        "[user] And I.",
    ]
    assert asked(tom, tom) == ["I live in Rome.\n\nI'm vegan."] * 2
    assert asked(ann, assistant("Hello."), tom) == ["I live in Rome.\n\nI'm vegan."]
    assert asked(user("hello") | {"name": 3}) == ["hello"]


def test_text_parts_are_taken_and_other_parts_are_not() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts = [{"type": "text", "text": "what is"}, image, {"type": "text", "text": "this?"}]
    assert asked({"role": "user", "content": parts}) == ["what is\nthis?"]
    assert asked({"role": "user", "content": [image]}) is None


@pytest.mark.parametrize(
    "message", [None, 1, "text", [], {}, {"role": 1}, {"role": "user"}, {"role": "user", "content": 3}]
)
def test_what_is_no_message_is_passed_over(message: Any) -> None:
    assert asked(message, user("hello")) == ["hello"]


def test_an_echoed_block_of_memory_is_not_asked() -> None:
    block = f"{BLOCK_OPEN}\nUser lives in Rome\n{BLOCK_CLOSE}"
    assert asked(user(f"{block}\n\nhello")) == ["hello"]
    assert asked(user(f"hello {BLOCK_OPEN} User lives in Rome")) == ["hello"]
    assert asked(user(block)) is None


def test_an_answer_that_calls_tools_is_not_final() -> None:
    assert final_answer(TOOL_CALL) is None
    assert final_answer({"role": "assistant", "content": "", "function_call": {"name": "f"}}) is None
    assert final_answer(assistant("done")) == "done"
    assert final_answer({"role": "assistant", "content": None}) == ""


def test_the_session_follows_the_opening_and_not_the_system_prompt() -> None:
    opening = read_round([{"role": "system", "content": "now 10:00"}, user("hello")])
    later = read_round([{"role": "system", "content": "now 10:05"}, user("hello"), assistant("hi"), user("more")])
    other = read_round([user("good day")])
    assert opening is not None
    assert later is not None
    assert other is not None
    assert opening.session == later.session != other.session
    assert opening.preceding == "" != later.preceding


def test_identity_is_that_of_the_words_and_their_place_not_of_the_answer() -> None:
    exchange = an_exchange("yes", preceding="before")
    same = an_exchange("yes", preceding="before", answer="other", at=7, request_id="req_2")
    assert exchange.identity == same.identity
    for changed in (
        {"preceding": "after"},
        {"run_id": "other"},
        {"user_id": "bob"},
        {"user_id": None},
        {"namespace": "other"},
        {"agent_id": "a"},
        {"app": "a"},
    ):
        assert an_exchange("yes", **{"preceding": "before", **changed}).identity != exchange.identity
    assert an_exchange("a", "b").identity != an_exchange("ab").identity


def test_the_job_holds_the_exchange_redacted_under_its_identity_in_its_owners_order() -> None:
    job = enqueue_exchange(an_exchange("my password is hunter2", answer="I noted hunter2 as: password is hunter2"))
    decoded = decode_exchange(job.payload)
    assert decoded.asked == ["my password is [redacted: password]"]
    assert b"password is hunter2" not in job.payload
    assert job.dedupe == decoded.identity
    assert (job.kind, job.tenant, job.order) == ("learn", "default", "default/u:ada")


def test_a_pasted_document_is_capped_without_leaving_half_a_word() -> None:
    decoded = decode_exchange(enqueue_exchange(an_exchange("word " * 100_000, "more", answer="x" * 100_000)).payload)
    [text, rest] = decoded.asked
    assert len(text) <= MAX_CHARACTERS
    assert set(text.split()) == {"word"}
    assert len(rest) <= MAX_CHARACTERS - len(text)
    assert decoded.answer == ""


def test_lone_surrogates_do_not_stop_the_encoding() -> None:
    assert decode_exchange(enqueue_exchange(an_exchange("a \ud800 b")).payload).asked == ["a ? b"]


def test_a_payload_that_is_no_exchange_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_exchange(b"{}")
