import pytest

from context.analysis import QueryAnalysis, analyse, steer


def test_the_example_of_the_document() -> None:
    assert analyse("What should I know about this user?") == QueryAnalysis("exploratory", "semantic", "all")


@pytest.mark.parametrize(
    ("query", "intent"),
    [
        ("What is my dog's name?", "factual"),
        ("Is the island far?", "factual"),
        ("Tell me about the project", "exploratory"),
        ("How do I deploy the service?", "procedural"),
        ("steps to reset the router", "procedural"),
        ("What did we discuss yesterday?", "conversational"),
        ("Good morning!", "conversational"),
        ("When did Caroline move?", "temporal"),
        ("what year did the firm start", "temporal"),
        ("Willpower matters a lot", "conversational"),
        ("", "conversational"),
    ],
)
def test_intent(query: str, intent: str) -> None:
    assert analyse(query).intent == intent


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("What is my dog's name?", "semantic"),
        ("What did you say about the garden?", "episodic"),
        ("How can I renew my passport?", "procedural"),
        ("What am I currently working on?", "working"),
        ("I know the snow is deep", "semantic"),
    ],
)
def test_context_type(query: str, kind: str) -> None:
    assert analyse(query).context_type == kind


@pytest.mark.parametrize(
    ("query", "scope"),
    [
        ("Any recent changes?", "recent"),
        ("what did I eat today", "recent"),
        ("Where did I use to live, back then?", "historical"),
        ("What is my favourite colour?", "all"),
        ("However, I never do that every day", "all"),
    ],
)
def test_temporal_scope(query: str, scope: str) -> None:
    assert analyse(query).temporal_scope == scope


def test_of_a_long_query_the_beginning_and_the_end_are_read() -> None:
    filler = " and so on" * 500

    assert analyse(f"How do I deploy this?{filler}").intent == "procedural"
    assert analyse(f"Look at this:{filler}. What did we decide?").intent == "conversational"


def test_a_plain_question_steers_nothing() -> None:
    steered = steer(analyse("What is my dog's name?"), None)

    assert (steered.happened, steered.kinds, steered.newest) == (None, frozenset(), False)


def test_an_asked_for_kind_is_favoured() -> None:
    assert steer(analyse("How do I deploy the service?"), None).kinds == {"procedural"}


def test_a_time_that_is_named_leaves_no_favour_for_the_newest() -> None:
    analysis = analyse("what did I eat yesterday")

    assert steer(analysis, None).newest
    assert not steer(analysis, (1, 2)).newest
    assert steer(analysis, (1, 2)).happened == (1, 2)
