from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context.conversation import MAX_QUERY, query_of
from memory.markers import BLOCK_CLOSE, BLOCK_OPEN


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_the_query_is_the_newest_user_message() -> None:
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        user("My sister is moving to Porto in the spring."),
        {"role": "assistant", "content": "How lovely!"},
        user("Which presents would a gardener in Lisbon enjoy?"),
        {"role": "assistant", "content": "Seeds."},
    ]

    assert query_of(messages) == "Which presents would a gardener in Lisbon enjoy?"


@pytest.mark.parametrize("newest", ["How much does it cost to go there by train?", "And Berlin?", "yes"])
def test_a_message_that_points_back_carries_the_one_before(newest: str) -> None:
    messages = [user("Is Porto a good place for a holiday?"), {"role": "assistant", "content": "Yes."}, user(newest)]

    assert query_of(messages) == f"Is Porto a good place for a holiday?\n{newest}"


def test_only_text_parts_count() -> None:
    parts = [
        {"type": "text", "text": "What breed is the dog in this picture, do you think?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        "stray",
        {"type": "text", "text": None},
    ]

    assert query_of([user(parts)]) == "What breed is the dog in this picture, do you think?"


def test_a_block_of_memory_sent_back_is_not_asked_for() -> None:
    messages = [user(f"{BLOCK_OPEN}\n- Likes tea.\n{BLOCK_CLOSE}\n\nWhich drinks does my brother like the most?")]

    assert query_of(messages) == "Which drinks does my brother like the most?"


def test_of_a_long_message_the_beginning_and_the_end_are_taken() -> None:
    query = query_of([user("Please fix this log. " + "x" * 50_000 + " Why does it fail on Mondays?")])

    assert len(query) <= MAX_QUERY
    assert query.startswith("Please fix this log.")
    assert query.endswith("Why does it fail on Mondays?")


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
odd_message = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "system", None, 1]), "content": json}
)


@given(messages=st.one_of(json, st.lists(st.one_of(odd_message, json), max_size=5)))
def test_odd_messages_give_a_query_or_none_but_no_error(messages: Any) -> None:
    assert len(query_of(messages)) <= MAX_QUERY


def test_without_a_user_there_is_no_query() -> None:
    assert query_of([{"role": "system", "content": "Be brief."}, {"role": "assistant", "content": "Hi."}]) == ""


@pytest.mark.parametrize(
    "newest",
    [
        "Wie komme ich am besten dorthin?",
        "Was genau kostet mich das?",
        "Wann hat sie morgen Geburtstag gefeiert?",
        "Kannst du mir mehr davon erzählen?",
        "Combien de temps faut-il pour ça ?",
        "Est-ce que je peux m'asseoir là demain ?",
        "Comment est-ce que j'y vais demain matin ?",
        "¿Cuánto tiempo se tarda hasta allí?",
        "¿Qué te parece eso para mañana?",
        "How do I get there by train?",
    ],
)
def test_a_message_that_points_back_carries_what_it_points_to(newest: str) -> None:
    assert query_of([user("Lisbon is on my list."), user(newest)]) == f"Lisbon is on my list.\n{newest}"


@pytest.mark.parametrize(
    "newest",
    [
        "Welches Restaurant in Berlin hat die beste Pizza?",
        "Quel restaurant de Lyon sert la meilleure pizza ?",
        "¿Cuál es mi color favorito para la cocina y el baño?",
        "Which restaurant in Berlin serves good pizza?",
    ],
)
def test_a_message_that_stands_by_itself_carries_nothing(newest: str) -> None:
    assert query_of([user("Lisbon is on my list."), user(newest)]) == newest


def test_what_is_carried_may_lean_on_what_was_said_before_it() -> None:
    said = ["I fly to Lisbon in May.", "And the hotels there?", "Which one?"]

    assert query_of([user("Hello there, it is me."), *map(user, said)]) == "\n".join(said)
