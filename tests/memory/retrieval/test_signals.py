import numpy as np
import pytest

from memory.hits import Hits
from memory.retrieval import signals
from memory.retrieval.words import Wanted
from tests.support.hits import a_hit, a_turn
from tests.support.services import START

DAY = 86_400_000


def test_vector_is_the_cosine_over_the_best() -> None:
    hits = Hits.of([a_hit(1, dense=0.6), a_hit(2, dense=0.3), a_hit(3), a_hit(4, dense=-0.2)])

    assert signals.vector(hits).tolist() == [1.0, 0.5, 0.0, 0.0]


def test_text_favours_the_longer_of_equal_scores() -> None:
    short, long = a_hit(1, "tea", text=1.0), a_hit(2, "tea at five in the garden of the old house", text=1.0)

    scores = signals.text(Hits.of([short, long, a_hit(3)]))

    assert scores[1] == 1.0
    assert 0.5 < scores[0] < 1.0
    assert scores[2] == 0.0


@pytest.mark.parametrize("length", [10, 80])
def test_text_of_equal_lengths_keeps_its_proportion(length: int) -> None:
    hits = Hits.of([a_hit(1, "a" * length, text=1.0), a_hit(2, "b" * length, text=0.25)])

    assert signals.text(hits).tolist() == [1.0, 0.25]


def test_words_counts_what_few_of_the_hits_hold() -> None:
    hits = Hits.of([a_hit(1, "Ada paints cats."), a_hit(2, "Ada sings songs."), a_hit(3, "Ada sells cars.")])

    scores = signals.words(hits, signals.words_of(hits, Wanted("What does Ada paint?")))

    assert scores[0] == 1.0
    assert 0 < scores[1] < 0.3
    assert scores[1] == pytest.approx(scores[2], abs=0.05)


def test_words_knows_a_word_by_its_beginning() -> None:
    hits = Hits.of([a_hit(1, "Caroline was painting."), a_hit(2, "Große Städte"), a_hit(3, "寿司が好き")])

    for number, query in enumerate(("painted", "große", "寿司")):
        assert signals.words(hits, signals.words_of(hits, Wanted(query))).argmax() == number


def test_what_the_crowd_shares_is_no_evidence() -> None:
    crowd = [a_hit(id, f"Ada again, {id}", text=0.2) for id in range(1, 80)]
    hits = Hits.of([*crowd, a_hit(99, "Ada paints", text=1.0)])

    for scores in (signals.text(hits), signals.words(hits, signals.words_of(hits, Wanted("Ada paints")))):
        assert scores[-1] == 1.0
        assert scores[:-1].max() < 0.05


def test_what_names_a_time_is_dated() -> None:
    hits = Hits.of(
        [a_hit(1, "We met last summer."), a_hit(2, "We met there."), a_hit(3, "Seit 2019"), a_hit(4, "Room 101")]
    )

    assert signals.dated(hits).tolist() == [1, 0, 1, 0]


def test_what_says_just_what_the_query_says_is_exact() -> None:
    assert signals.exact(Hits.of([a_hit(1, "Likes  Tea."), a_hit(2, "Likes green tea.")]), "likes tea.").tolist() == [
        1,
        0,
    ]


def test_no_word_of_the_query_gives_no_evidence() -> None:
    hits = Hits.of([a_hit(1, "Likes tea.")])

    for query in ("coffee", "", "?"):
        assert signals.words(hits, signals.words_of(hits, Wanted(query))).tolist() == [0.0]


def test_session_is_its_best_turn_and_the_words_it_holds() -> None:
    hits = Hits.of(
        [
            a_turn(1, "peanuts", run_id="a"),
            a_turn(9, "cashews", run_id="a"),
            a_turn(1, "peanuts", run_id="b", id=3),
            a_hit(4, "tea"),
        ]
    )
    words = signals.words_of(hits, Wanted("peanuts cashews"))

    scores = signals.session(signals.turns_of(hits), np.array([0.1, 0.8, 0.3, 0.5]), words)

    assert scores[:2].tolist() == pytest.approx([0.86, 0.86])
    assert 0.21 < scores[2] < 0.51
    assert scores[3] == pytest.approx(0.35)


def test_a_session_belongs_to_one_owner() -> None:
    hits = Hits.of([a_turn(1, owner="u:ada"), a_turn(2, owner="u:bob", id=2)])

    no_words = signals.words_of(hits, Wanted(""))
    assert signals.session(signals.turns_of(hits), np.array([0.2, 0.8]), no_words).tolist() == pytest.approx(
        [0.14, 0.56]
    )
    assert signals.neighbours(signals.turns_of(hits), np.array([0.1, 0.8])).tolist() == [0.0, 0.0]


def test_neighbours_give_by_their_distance() -> None:
    hits = Hits.of([a_turn(seq) for seq in (7, 3, 4, 5, 12)])

    around = signals.neighbours(signals.turns_of(hits), np.array([0.0, 0.0, 1.0, 0.0, 0.0]))

    near, next_but_one, next_but_two = signals.NEIGHBOUR_SHARES
    assert around.tolist() == [next_but_two, near, 0.0, near, 0.0]
    assert next_but_one not in around


def test_neighbours_on_both_sides_add_up() -> None:
    hits = Hits.of([a_turn(seq) for seq in (1, 2, 3)])

    assert signals.neighbours(signals.turns_of(hits), np.array([1.0, 0.0, 0.5]))[1] == pytest.approx(
        1.5 * signals.NEIGHBOUR_SHARES[0]
    )


def test_a_memory_outside_of_sessions_is_its_own_neighbour() -> None:
    hits = Hits.of([a_hit(1), a_turn(1, id=2), a_hit(3, run_id="session")])

    assert signals.neighbours(signals.turns_of(hits), np.array([0.4, 0.6, 0.2])).tolist() == [0.4, 0.0, 0.2]


def test_an_answer_has_the_evidence_of_the_question_before_it() -> None:
    hits = Hits.of(
        [
            a_turn(1, "What is your dog's name?"),
            a_turn(2, "Rex."),
            a_turn(3, "Nice."),
            a_turn(2, "Max.", run_id="other", id=4),
            a_hit(5, "Do I know?"),
        ]
    )

    answers = signals.answer(signals.turns_of(hits), np.array([0.9, 0.2, 0.0, 0.0, 0.5]), signals.question(hits))

    assert answers.tolist() == [0.0, 0.9, 0.0, 0.0, 0.0]


def test_speaker_marks_what_someone_named_said() -> None:
    hits = Hits.of(
        [a_turn(1, "Caroline: I paint."), a_turn(2, "Melanie: Caroline paints."), a_turn(3, "caroline paints")]
    )

    assert signals.speaker(hits, "What does Caroline's brother paint?").tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("content", "asks"),
    [("How are you?", 1.0), ("Fine. ", 0.0), ("元気ですか\uff1f", 1.0), ("Really? Yes.", 0.0), ("", 0.0)],
)
def test_question_marks_a_turn_that_ends_in_asking(content: str, asks: float) -> None:
    assert signals.question(Hits.of([a_turn(1, content)])).tolist() == [asks]


def test_a_fact_is_no_question() -> None:
    assert signals.question(Hits.of([a_hit(1, "Often asks: are we there yet?")])).tolist() == [0.0]


def test_happened_marks_what_lies_within_the_span() -> None:
    hits = Hits.of([a_hit(number, happened_at=at) for number, at in enumerate((9, 10, 20, 21))])

    assert signals.happened(hits, (10, 20)).tolist() == [0.0, 1.0, 1.0, 0.0]


def test_kind_marks_what_was_asked_for() -> None:
    hits = Hits.of([a_hit(1, type="procedural"), a_hit(2, type="semantic")])

    assert signals.kind(hits, {"procedural", "working"}).tolist() == [1.0, 0.0]


def test_recency_halves_in_thirty_days() -> None:
    hits = Hits.of([a_hit(number, happened_at=START - age * DAY) for number, age in enumerate((0, 30, 60, -5))])

    assert signals.recency(hits, START).tolist() == [1.0, 0.5, 0.25, 1.0]


def test_frequency_grows_slower_and_slower_up_to_one() -> None:
    hits = Hits.of([a_hit(number, access_count=count) for number, count in enumerate((0, 1, 10, 1000, 10**6))])

    scores = signals.frequency(hits)

    assert scores[0] == 0.0
    assert list(scores) == sorted(scores)
    assert scores[3] == pytest.approx(1.0)
    assert scores[4] == 1.0


def certainty(hits: Hits, query: str) -> float:
    return signals.certainty(hits, signals.words_of(hits, Wanted(query)), list(range(len(hits))))


def test_certainty_needs_a_near_vector_or_shared_words() -> None:
    hits = Hits.of([a_hit(1, "Is allergic to peanuts", dense=0.2)])

    assert certainty(hits, "quantum entanglement") == pytest.approx(0.125)
    assert certainty(hits, "allergic peanuts") == pytest.approx(2 / 3)
    assert certainty(Hits.of([a_hit(1, "x", dense=0.7)]), "quantum") == 1.0
    assert certainty(Hits.of([]), "quantum") == 0.0


def test_one_shared_word_says_less_than_many() -> None:
    hits = Hits.of([a_hit(1, "hello there, the deploy script fails on mondays")])

    assert certainty(hits, "hello") < certainty(hits, "deploy script fails mondays")
