"""The evaluation itself, on each engine, against its floor."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from config.settings import Settings
from tests.recall.application import TALKS, application, namespace_of
from tests.recall.corpus import Corpus, Question
from tests.recall.floor import BUDGET, RECALL, broken
from tests.recall.generate import generate
from tests.recall.scores import Asking, Figures, answers, figures, signal_weights


@pytest.fixture(params=["sqlite", "redis"])
def settings(request: pytest.FixtureRequest) -> Settings:
    """One holds these few memories in process, as it is set by default; the other searches as for many."""
    if request.param == "sqlite":
        return Settings(store="sqlite://")
    prefix = request.getfixturevalue("redis_prefix")
    return Settings(store=request.getfixturevalue("redis_url"), store_prefix=prefix, store_held_mb=0)


async def test_recall_stays_above_its_floor(settings: Settings) -> None:
    corpus = generate()
    async with asking_of(corpus, settings) as asking:
        measured = await asked(asking, corpus.questions[::2])  # half of them, for the time it takes
    assert broken(measured) == []


async def test_recall_without_its_signals_is_beneath_the_floor() -> None:
    corpus = of_users(generate(), "maren")
    async with asking_of(corpus, Settings(store="sqlite://")) as asking:
        await asking.application.weigh({weight: 0 for weight in signal_weights() if weight != "recency_weight"})
        blind = await asked(asking, corpus.questions)
    assert all(blind.recall[depth] < floor - 5 for depth, floor in RECALL.items())
    assert len(broken(blind)) >= len(RECALL)


async def test_a_search_that_names_no_user_would_find_memories_of_others() -> None:
    corpus = of_users(generate(), "maren", "jasper")
    async with asking_of(corpus, Settings(store="sqlite://")) as asking:
        question = next(question for question in corpus.questions if namespace_of(question) == TALKS)
        found = await asking.application.search(question, user=None)
    assert {asking.stored.users[id] for id in found} == {"maren", "jasper"}


@asynccontextmanager
async def asking_of(corpus: Corpus, settings: Settings) -> AsyncIterator[Asking]:
    async with application(settings) as remora:
        async for _ in remora.store(corpus):
            pass
        await remora.prepare(corpus.questions)
        yield Asking(remora, await remora.stored(corpus))


async def asked(asking: Asking, questions: Iterable[Question]) -> Figures:
    return figures([one async for one in answers(asking, questions, budgets=(BUDGET,))])


def of_users(corpus: Corpus, *users: str) -> Corpus:
    return Corpus(
        turns=[turn for turn in corpus.turns if turn.user in users],
        lessons=[lesson for lesson in corpus.lessons if lesson.user in users],
        questions=[question for question in corpus.questions if question.user in users],
    )
