from datetime import UTC, datetime

import pytest

from memory.retrieval.times import asks_when, names_time, time_expression, time_named

NOW = int(datetime(2026, 1, 21, 15, 30, tzinfo=UTC).timestamp() * 1000)
"""A Wednesday."""


async def middle(query: str) -> tuple[str, int]:
    """The day in the middle of the span that `query` names, and how many days that has, less the margins."""
    span = await time_named(query, NOW)
    assert span is not None
    start, end = span
    day = datetime.fromtimestamp((start + end) / 2000, UTC).date().isoformat()
    return day, round((end - start) / 86_400_000) - 1


@pytest.mark.parametrize(
    ("query", "day", "days"),
    [
        ("What did I eat yesterday?", "2026-01-20", 1),
        ("what happened the day before yesterday", "2026-01-19", 1),
        ("What did we discuss 3 days ago?", "2026-01-18", 1),
        ("who called on Friday", "2026-01-16", 1),
        ("Who called on Friday, 14 July 2023?", "2023-07-14", 1),
        ("Where was she on 8 May 2023?", "2023-05-08", 1),
        ("What did he buy on May 8th, 2023?", "2023-05-08", 1),
        ("meetings of 2023-05-08", "2023-05-08", 1),
        ("what did I do last week", "2026-01-15", 7),
        ("What did we decide two weeks ago?", "2026-01-08", 7),
        ("Who got married in May 2023?", "2023-05-16", 31),
        ("Who got married in June?", "2025-06-15", 30),
        ("what happened in 2023", "2023-07-02", 365),
        ("Was habe ich gestern gegessen?", "2026-01-20", 1),
        ("Wo war ich vor drei Tagen?", "2026-01-18", 1),
        ("Qu'ai-je fait la semaine dernière ?", "2026-01-15", 7),
        ("¿Qué hice hace 3 días?", "2026-01-18", 1),
    ],
)
async def test_a_time_expression_names_a_span(query: str, day: str, days: int) -> None:
    assert await middle(query) == (day, days)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "What is my dog's name?",
        "May I ask you something?",
        "This may sound odd, but they march every second.",
        "Give me 4 reasons",
        "error 1984 at line 2023",
        "in a minute",
    ],
)
def test_ordinary_words_name_no_time(query: str) -> None:
    assert time_expression(query) is None


async def test_a_span_reaches_half_a_day_beyond_for_other_time_zones() -> None:
    assert await time_named("what did I eat yesterday", NOW) == (
        int(datetime(2026, 1, 19, 12, tzinfo=UTC).timestamp() * 1000),
        int(datetime(2026, 1, 21, 12, tzinfo=UTC).timestamp() * 1000) - 1,
    )


async def test_what_dateparser_does_not_know_names_no_span() -> None:
    assert time_expression("letzte tagen") == "letzte tagen"
    assert await time_named("letzte tagen", NOW) is None


@pytest.mark.parametrize("query", ["When did we meet?", "Wie lange wohnt er dort?", "¿Cuándo fue?", "Quand est-ce ?"])
def test_a_question_for_a_time_is_known(query: str) -> None:
    assert asks_when(query)


def test_other_questions_ask_for_no_time() -> None:
    assert not asks_when("Where does Whenda live?")


def test_a_text_with_a_word_for_a_time_names_one() -> None:
    assert names_time("It was last Friday.")
    assert names_time("Depuis 2019")
    assert not names_time("It was 12 degrees.")


async def test_a_query_without_a_time_expression_names_no_span() -> None:
    assert await time_named("what did I eat", NOW) is None


async def test_a_time_that_was_read_before_takes_no_patience() -> None:
    query = "what did I eat on 3 March 2019"
    told = await time_named(query, NOW)
    assert told is not None
    assert await time_named(query, NOW, patience=0) == told


async def test_who_has_no_patience_goes_without_the_time() -> None:
    assert await time_named("what did I eat on 4 March 2019", NOW, patience=0) is None


@pytest.mark.parametrize("expression", ["9999-12-31", "december 9999", "0001-01-01", "january 0001"])
async def test_a_time_at_the_end_of_all_calendars_is_none(expression: str) -> None:
    query = f"what happened on {expression}?"
    assert time_expression(query) == expression
    assert await time_named(query, NOW) is None
