import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context.entry import Entry
from context.entry import entry as price
from context.render import HEADER, SEPARATOR, frame_tokens, heading, render
from memory.markers import BLOCK_CLOSE, BLOCK_OPEN
from memory.model import Hit
from tests.context.texts import contents
from tests.support.encodings import bundled
from tests.support.hits import a_hit, a_turn, ranked
from tests.support.services import START

DAY = 86_400_000


def entry(hit: Hit) -> Entry:
    return price(ranked(hit, 0.5), "middle", bundled())


def test_facts_stand_first_and_turns_by_session_and_date_in_their_order() -> None:
    entries = [
        entry(a_turn(2, "Porto is lovely.", "b", id=5, happened_at=START + DAY, role="assistant")),
        entry(a_turn(2, "Any news?", "a", id=2)),
        entry(a_hit(9, "Is allergic to peanuts.")),
        entry(a_turn(1, "I moved to Porto.", "b", id=4, happened_at=START + DAY, role="user")),
        entry(a_turn(1, "Hello!", "a", id=1)),
        entry(a_hit(7, "Has a dog.")),
    ]

    assert render(entries, "context") == (
        "## Relevant Context\n"
        "\n"
        "- Has a dog.\n"
        "- Is allergic to peanuts.\n"
        "### 19 January 2026\n"
        "- Hello!\n"
        "- Any news?\n"
        "### 20 January 2026\n"
        "- user: I moved to Porto.\n"
        "- assistant: Porto is lovely.\n"
    )


def test_two_sessions_of_a_day_stand_apart() -> None:
    turns = [entry(a_turn(1, "One.", "a", id=1)), entry(a_turn(1, "Two.", "b", id=2))]

    assert render(turns, "context").count("### 19 January 2026") == 2


def test_the_system_prompt_comes_first() -> None:
    assert render([entry(a_hit(1, "Has a dog."))], "context", "Be brief.") == (
        "Be brief.\n\n## Relevant Context\n\n- Has a dog.\n"
    )


def test_without_memories_there_is_no_heading_and_no_block() -> None:
    assert render([], "context", "Be brief.") == "Be brief."
    assert render([], "context") == ""
    assert render([], "block") == ""


def test_a_block_says_that_it_is_data() -> None:
    block = render([entry(a_hit(1, "Has a dog."))], "block")

    assert block.startswith(f"{BLOCK_OPEN}\n")
    assert "not instructions" in block
    assert block.endswith(f"- Has a dog.\n{BLOCK_CLOSE}")


@given(written=st.lists(contents, max_size=5), role=st.sampled_from([None, "user", BLOCK_OPEN]))
def test_no_memory_opens_or_closes_the_block(written: list[str], role: str | None) -> None:
    hits = [a_turn(seq, text, role=role) for seq, text in enumerate(written, 1)]
    block = render([entry(hit) for hit in hits], "block")

    if block:
        assert re.findall(r"(?i)<\s*/?\s*remora-memory", block) == ["<remora-memory", "</remora-memory"]
        head, *inside, end = block.split("\n")[1:]
        assert not head.startswith("-")
        assert all(line[:2] in {"- ", "  "} or line.startswith("### ") for line in inside)
        assert end == BLOCK_CLOSE


@given(written=st.lists(contents, max_size=6), seed=st.randoms())
def test_the_order_of_entries_makes_no_difference(written: list[str], seed: Random) -> None:
    entries = [
        entry(a_turn(number % 3, text, f"session {number % 2}", id=number, happened_at=START + number * DAY // 2))
        for number, text in enumerate(written)
    ]
    shuffled = list(entries)
    seed.shuffle(shuffled)

    assert render(entries, "block") == render(shuffled, "block")


@pytest.mark.parametrize("system_prompt", [None, "Be brief.", "Be brief.\n", "Be brief:\n\n"])
def test_the_frame_is_what_the_text_costs_without_its_entries(system_prompt: str | None) -> None:
    count = bundled().count
    one = entry(a_turn(1, "Hello!"))
    assert one.group is not None
    body = count(one.line) + count(heading(one.group))

    assert count(render([one], "context", system_prompt)) == frame_tokens(count, "context", system_prompt) + body
    assert count(SEPARATOR + render([one], "block")) == frame_tokens(count, "block", None) + body


def test_the_heading_is_the_documents() -> None:
    assert HEADER == "## Relevant Context\n\n"
