import re
from collections import Counter

import pytest

from tests.recall import texts
from tests.recall.corpus import CATEGORIES, NOW, Corpus, Turn
from tests.recall.generate import PEOPLE, generate

LANGUAGES = ["english", "german"]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return generate()


@pytest.fixture(scope="module")
def turns(corpus: Corpus) -> dict[str, Turn]:
    return {turn.id: turn for turn in corpus.turns}


def test_a_seed_always_makes_the_same_corpus_and_another_seed_another(corpus: Corpus) -> None:
    assert generate() == corpus
    assert generate(1) != corpus


def test_its_size_is_what_the_documentation_says(corpus: Corpus) -> None:
    of_each_user = Counter(turn.user for turn in corpus.turns)
    assert len(of_each_user) == len(PEOPLE)
    assert all(200 <= number <= 310 for number in of_each_user.values())
    assert 200 <= len(corpus.questions) <= 260


def test_every_category_has_questions_enough_to_tell_something(corpus: Corpus) -> None:
    asked = Counter(question.category for question in corpus.questions)
    assert set(asked) == set(CATEGORIES)
    assert min(asked.values()) >= 10


def test_the_evidence_of_a_question_exists_and_is_of_the_user_who_asks(corpus: Corpus, turns: dict[str, Turn]) -> None:
    lessons = {lesson.id: lesson for lesson in corpus.lessons}
    for question in corpus.questions:
        known = lessons if question.category == "learned fact" else turns
        assert question.evidence
        assert {known[id].user for id in question.evidence} == {question.user}


def test_no_other_turn_says_the_same_as_the_evidence(corpus: Corpus, turns: dict[str, Turn]) -> None:
    said = Counter((turn.user, turn.content) for turn in corpus.turns)
    evidence = {id for question in corpus.questions for id in question.evidence if id in turns}
    repeated = {turns[id].content for id in evidence if said[turns[id].user, turns[id].content] > 1}
    assert not repeated


def test_only_what_a_user_told_last_is_asked_for_as_a_fact(corpus: Corpus) -> None:
    outdated = {lesson.id for lesson in corpus.lessons if lesson.outdated}
    asked = {id for question in corpus.questions for id in question.evidence}
    assert outdated
    assert not outdated & asked
    assert asked >= {lesson.id for lesson in corpus.lessons} - outdated


def test_everything_was_said_in_the_order_of_the_turns_and_before_it_is_asked_for(corpus: Corpus) -> None:
    for user in {turn.user for turn in corpus.turns}:
        times = [turn.at for turn in corpus.turns if turn.user == user]
        assert times == sorted(times)
        assert (times[-1] - times[0]).days > 150
        assert times[-1] < NOW
    assert all(lesson.at < NOW for lesson in corpus.lessons)


def test_users_talk_of_the_same_things_with_other_values(corpus: Corpus) -> None:
    first, second, *_ = (user.lower() for user, _, _ in PEOPLE)
    asked = {user: {_nameless(q.text) for q in corpus.questions if q.user == user} for user in (first, second)}
    said = {user: {turn.text for turn in corpus.turns if turn.user == user} for user in (first, second)}
    assert len(asked[first] & asked[second]) >= 10
    assert said[first] != said[second]


def test_nothing_of_a_text_is_left_unfilled(corpus: Corpus) -> None:
    everything = [turn.text for turn in corpus.turns] + [question.text for question in corpus.questions]
    assert not [text for text in everything if re.search(r"[\[\]{}|]", text)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_drawn_is_told_and_every_turn_named_is_asked_for(language: str) -> None:
    for story in texts.stories(language):
        told = "\n".join((*story.scenes, *story.noise))
        assert not [value for value in story.draw if f"{{{value}}}" not in told], story.name
        keys = [line.key for scene in story.scenes for line in texts.lines(scene) if line.key is not None]
        assert len(keys) == len(set(keys)), story.name
        assert {key for ask in story.ask for key in ask.evidence} <= set(keys), story.name
        assert not [line for scene in story.noise for line in texts.lines(scene) if line.key], story.name


@pytest.mark.parametrize("bad", ["Hello", "X: Hello", "T.: Hello", "T:"])
def test_a_line_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="no line of a scene"):
        list(texts.lines(bad))


def _nameless(text: str) -> str:
    return re.sub("|".join(name for user, friend, _ in PEOPLE for name in (user, friend)), "", text)
