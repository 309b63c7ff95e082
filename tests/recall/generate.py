"""Several months in the lives of several users, who all talk of much the same: where they live, their pets, their
concerts; and questions about it, with the turns that answer them. The same seed makes the same corpus anywhere."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from msgspec import Struct, field

from tests.recall import texts
from tests.recall.corpus import Corpus, Question, Turn
from tests.recall.lessons import learned
from tests.recall.texts import MONTH_NAMES, WEEKDAYS, Line, Story, Vocabulary, told

SEED = 2026

PEOPLE = (
    ("Maren", "Theo", ("english",)),
    ("Jasper", "Wilma", ("english", "german")),
    ("Ottilie", "Bruno", ("english",)),
    ("Silas", "Henrike", ("english", "german")),
    ("Noemi", "Ferdinand", ("english",)),
)
"""Each user, the friend they talk to, and in which languages. The first two tell the same stories with other values,
and so do the next two."""

MONTHS = tuple(datetime(2025 + month // 13, (month - 1) % 12 + 1, 1, 19, tzinfo=UTC) for month in range(11, 18))
_STORIES = {1: {"english": 18}, 2: {"english": 12, "german": 7}}
"""How many the user tells, by the number of their languages."""
_FRIENDS_STORIES = {"english": 4, "german": 1}
"""How many of these the friend tells as well, of another life."""

_MOST_QUESTIONS = 2
"""About one story."""


class _Session(Struct):
    name: str
    at: datetime
    language: str
    scenes: list["_Scene"] = field(default_factory=list)


class _Telling(Struct):
    """A story told by someone, with its values."""

    story: Story
    language: str
    values: dict[str, str]
    by_both: bool
    """The other one tells such a story as well, so that it matters who said it."""
    turns: dict[str, Turn] = field(default_factory=dict)
    """Those that have a key."""


class _Scene(Struct):
    lines: list[Line]
    speakers: dict[str, str]
    """By role."""
    telling: _Telling | None = None
    """None for small talk."""


class Draws:
    """Values out of a vocabulary, none of them twice."""

    def __init__(self, vocabulary: Vocabulary, rng: Random) -> None:
        self._left = {name: rng.sample(words, len(words)) for name, words in vocabulary.items()}

    def take(self, name: str) -> str:
        """Raises IndexError where there are no more."""
        return self._left[name].pop()


def generate(seed: int = SEED) -> Corpus:
    corpus = Corpus(turns=[], lessons=[], questions=[])
    for number, (user, friend, languages) in enumerate(PEOPLE):
        told_alike = Random(f"{seed}/{number // 2}")
        _Life(user, friend, languages, Random(f"{seed}/{user}"), told_alike).add_to(corpus)
        lessons, questions = learned(user.lower(), Random(f"{seed}/{user}/lessons"))
        corpus.lessons.extend(lessons)
        corpus.questions.extend(questions)
    return corpus


class _Life:
    def __init__(self, user: str, friend: str, languages: Sequence[str], rng: Random, told_alike: Random) -> None:
        self._user, self._friend, self._languages = user, friend, languages
        self._rng = rng
        self._draws = Draws(texts.vocabulary(), rng)
        self._sessions = list(self._calendar())
        self._tellings = [telling for language in languages for telling in self._stories(language, told_alike)]

    def add_to(self, corpus: Corpus) -> None:
        for telling in self._tellings:
            self._place(telling)
        turns = [turn for session in self._sessions for turn in self._turns(session)]
        corpus.turns.extend(turns)
        corpus.questions.extend(question for telling in self._tellings for question in self._questions(telling))

    def _calendar(self) -> Iterator[_Session]:
        """Two sessions a month; of who speaks two languages each in one of them. Late enough in the month for "last
        weekend" to lie in it."""
        for month in MONTHS:
            for half, earliest in enumerate((9, 19)):
                at = month + timedelta(days=earliest + self._rng.randrange(6), minutes=self._rng.randrange(120))
                yield _Session(f"{at:%Y-%m-%d}", at, self._languages[half % len(self._languages)])

    def _stories(self, language: str, told_alike: Random) -> Iterator[_Telling]:
        chosen = told_alike.sample(texts.stories(language), _STORIES[len(self._languages)][language])
        of_both = told_alike.sample(chosen, _FRIENDS_STORIES[language])
        for teller, listener, stories in ((self._user, self._friend, chosen), (self._friend, self._user, of_both)):
            for story in stories:
                values = {name: self._draws.take(words) for name, words in story.draw.items()}
                yield _Telling(story, language, {"T": teller, "L": listener, **values}, story in of_both)

    def _place(self, telling: _Telling) -> None:
        """Puts the scenes into sessions of different months, and what only sounds like them anywhere."""
        of_language = [session for session in self._sessions if session.language == telling.language]
        speakers = {"T": telling.values["T"], "L": telling.values["L"]}
        months = sorted(self._rng.sample(range(len(MONTHS)), len(telling.story.scenes)))
        for month, scene in zip(months, telling.story.scenes, strict=True):
            session = self._rng.choice([one for one in of_language if one.at.month == MONTHS[month].month])
            session.scenes.append(_Scene(list(texts.lines(scene)), speakers, telling))
        for scene in telling.story.noise:
            self._rng.choice(of_language).scenes.append(_Scene(list(texts.lines(scene)), speakers, telling))

    def _turns(self, session: _Session) -> Iterator[Turn]:
        number = 0
        for scene in self._with_small_talk(session):
            values = {"weekday": self._rng.choice(WEEKDAYS[session.language])}
            if scene.telling is not None:
                values |= scene.telling.values
            for line in scene.lines:
                number += 1
                turn = Turn(
                    id=f"{self._user.lower()}/{session.name}/{number}",
                    user=self._user.lower(),
                    session=session.name,
                    speaker=scene.speakers[line.role],
                    text=told(line.text, values, self._rng),
                    at=session.at + timedelta(seconds=40 * number),
                )
                if scene.telling is not None and line.key is not None:
                    scene.telling.turns[line.key] = turn
                yield turn

    def _with_small_talk(self, session: _Session) -> list[_Scene]:
        """Some before, after, and between the stories."""
        pair = [(self._user, self._friend), (self._friend, self._user)]
        told_here = self._rng.sample(session.scenes, len(session.scenes))
        talk = self._rng.sample(texts.small_talk()[session.language], len(told_here) // 2 + 2)
        scenes = []
        for number, scene in enumerate(talk):
            speakers = dict(zip("UF", self._rng.choice(pair), strict=True))
            scenes += [_Scene(list(texts.lines(scene)), speakers), *told_here[2 * number : 2 * number + 2]]
        return scenes

    def _questions(self, telling: _Telling) -> Iterator[Question]:
        values = dict(telling.values)
        for key, turn in telling.turns.items():
            for word, names in MONTH_NAMES.items():
                values[f"{key}.{word}"] = f"{names[turn.at.month - 1]} {turn.at.year}"
        for ask in self._rng.sample(telling.story.ask, min(len(telling.story.ask), _MOST_QUESTIONS)):
            yield Question(
                user=self._user.lower(),
                text=told(self._rng.choice(ask.text), values, self._rng),
                category=_category(telling, ask.kind),
                evidence=frozenset(telling.turns[key].id for key in ask.evidence),
            )


def _category(telling: _Telling, kind: str) -> str:
    if telling.language != "english":
        return "second language"
    return "speaker" if telling.by_both and kind in ("single-hop", "paraphrase") else kind
