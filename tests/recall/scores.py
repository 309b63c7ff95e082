"""From answers to figures."""

import statistics
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from config.settings import Retrieval
from tests.recall.application import Application, Stored
from tests.recall.corpus import Question

DEPTHS = (5, 10, 25, 50)
BUDGETS = (256, 512, 1024, 2048)

_BEGINNING = 40
"""Characters of a text by which it is known again; what is longer may have been cut."""


class Faults(Struct, frozen=True, kw_only=True):
    """How many there were of what should not be."""

    wrong_user: int
    """Memories of others among all that was returned."""
    outdated: int
    """Facts that hold no longer among all that was returned."""
    over_budget: int
    """Contexts that cost more than their budget, or said less than they cost."""
    misleading: int
    """Contexts that tell what was said once and holds no longer, but not the fact that took its place."""


class Answered(Faults, frozen=True, kw_only=True):
    """How one question fared."""

    category: str
    recall: dict[int, float]
    """The share of the evidence among the first k results of a search, by k."""
    evidence: dict[int, float]
    """The share of the evidence whose text stands in the context, by its budget."""


class Figures(Faults, frozen=True, kw_only=True):
    questions: int
    recall: dict[int, float]
    """Per cent."""
    evidence: dict[int, float]
    """Per cent."""


class Asking(Struct, frozen=True):
    """Whom to ask, and how to read the answers."""

    application: Application
    stored: Stored


async def answers(
    asking: Asking, questions: Iterable[Question], *, depths: Sequence[int] = DEPTHS, budgets: Sequence[int] = BUDGETS
) -> AsyncIterator[Answered]:
    """Each question is asked once by search, and once for each budget by context."""
    for question in questions:
        found = await asking.application.search(question, user=question.user)
        contexts = {budget: await asking.application.context(question, budget) for budget in budgets}
        yield judged(question, found, contexts, asking.stored, depths)


def judged(
    question: Question, found: Sequence[str], contexts: Mapping[int, Any], stored: Stored, depths: Sequence[int]
) -> Answered:
    """`found`: ids, best first. `contexts`: answers of `POST /v1/context` by budget."""
    given = [*found, *(memory["id"] for context in contexts.values() for memory in context["memories"])]
    return Answered(
        category=question.category,
        recall={k: share(question, (stored.names.get(id) for id in found[:k])) for k in depths},
        evidence={budget: share(question, told(context, stored)) for budget, context in contexts.items()},
        wrong_user=sum(stored.users.get(id) != question.user for id in given),
        outdated=sum(id in stored.outdated for id in given),
        over_budget=sum(over(context, budget) for budget, context in contexts.items()),
        misleading=sum(misleads(question, context, stored) for context in contexts.values()),
    )


def signal_weights() -> list[str]:
    """The weights of retrieval that count for anything as they are set by default."""
    return [name for name, weight in structs.asdict(Retrieval()).items() if name.endswith("_weight") and weight > 0]


def share(question: Question, names: Iterable[str | None]) -> float:
    """Of the question's evidence, how much is among `names`."""
    return len(question.evidence & set(names)) / len(question.evidence)


def told(context: Mapping[str, Any], stored: Stored) -> list[str]:
    """The turns and lessons listed in a context whose text stands in its content."""
    content = _plain(context["content"])
    names = [stored.names[memory["id"]] for memory in context["memories"] if memory["id"] in stored.names]
    return [name for name in names if _plain(stored.texts[name])[:_BEGINNING] in content]


def misleads(question: Question, context: Mapping[str, Any], stored: Stored) -> bool:
    """Whether it holds what the user said formerly, in an episode of that time, and nothing of the evidence."""
    content = _plain(context["content"])
    former = [said for id in question.evidence for said in stored.former.get(id, ())]
    return any(said in content for said in former) and not share(question, told(context, stored))


def over(context: Mapping[str, Any], budget: int) -> bool:
    """By its own count; and that may not be less than its words, each of which is a token at least."""
    return not len(context["content"].split()) <= context["token_count"] <= budget


def figures(answers: Sequence[Answered]) -> Figures:
    return Figures(
        questions=len(answers),
        recall=_means([one.recall for one in answers]),
        evidence=_means([one.evidence for one in answers]),
        **{fault: sum(getattr(one, fault) for one in answers) for fault in Faults.__struct_fields__},
    )


def by_category(answers: Sequence[Answered]) -> dict[str, Figures]:
    categories = dict.fromkeys(one.category for one in answers)
    return {name: figures([one for one in answers if one.category == name]) for name in categories}


def _means(shares: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Per cent, for each key that all have."""
    return {key: 100 * statistics.fmean(share[key] for share in shares) for key in shares[0]}


def _plain(text: str) -> str:
    return " ".join(text.split())
