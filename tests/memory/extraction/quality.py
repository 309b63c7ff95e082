"""How good an extraction is: what it takes from labelled messages, against what a careful reader would keep of them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from memory.extraction.facts import Correction, Fact

SETS = ("first", "second", "third", "fourth", "fifth", "sixth")
"""The labelled sets in the order they were written: each was labelled before the rules had seen it."""

_DENIAL = re.compile(
    r"\b(?:not|never|no|none|nothing|nobody|neither|nor|cannot|without|except|hardly|rarely|barely|seldom|stop"
    r"|stopped|quit"
    r"|gave up|given up|avoids?|avoid)\b|n't\b"
)
_KIN = re.compile(
    r"user's (?:\w+ ){0,2}?(?:wife|husband|partner|girlfriend|boyfriend|mother|mom|mum|father|dad|parents?|son|daughter"
    r"|kids?|children|brother|sister|friend|boss|roommate|flatmate|neighbou?r|colleague|client|dog|cat)s?(?: "
    r"(?!name\b|tongue\b)|'s )"
)


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """A fact that the message states, as words that all must stand in what is extracted."""

    says: str
    denied: bool | None = None
    """Whether it is said of the thing that it is not so; None: as the words themselves say."""
    of: str = ""
    """Of whom, where not of the user: "wife"."""
    optional: bool = False
    """As well kept as left: counts neither as right nor as missed, but polarity and person must be right."""

    def named_in(self, content: str) -> bool:
        return all(re.search(rf"(?<!\w){re.escape(word)}", content) for word in self.says.split())

    def person_in(self, content: str) -> bool:
        if self.of:
            return f"'s {self.of}" in content or f"their {self.of}" in content
        return _KIN.match(content) is None

    def polarity_in(self, content: str) -> bool:
        denied = _DENIAL.search(self.says) is not None if self.denied is None else self.denied
        if denied:
            return _DENIAL.search(content) is not None
        thing = self.says.split()[-1]
        about = [
            part
            for part in re.split(r"[,;]| but | (?:who|which|because|so) | and (?!\w+ or\b)", content)
            if thing in part
        ]
        return any(not _DENIAL.search(part[: part.index(thing) + len(thing)]) for part in about)


class Labelled(Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    text: str
    facts: list[Expected] = field(default_factory=list)
    secret: str = ""
    """Must be in nothing that is extracted."""


Verdict = Literal["right", "missed", "optional", "inverted", "person", "leaked", "invented"]
_SHOWN: tuple[Verdict, ...] = ("inverted", "person", "leaked", "missed")


class Score(Struct):
    """Of all messages, and of each kind: how often each verdict fell."""

    counts: dict[str, Counter[Verdict]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    messages: Counter[str] = field(default_factory=Counter)

    def of(self, *verdicts: Verdict, kind: str | None = None) -> int:
        return sum(
            count[verdict] for name, count in self.counts.items() if kind in (None, name) for verdict in verdicts
        )

    def precision(self, kind: str | None = None) -> float:
        """The share of what was extracted that the message does say."""
        right = self.of("right", "optional", kind=kind)
        wrong = self.of("inverted", "person", "leaked", "invented", kind=kind)
        return right / (right + wrong) if right + wrong else 1.0

    def recall(self, kind: str | None = None) -> float:
        """The share of what the messages state that was extracted."""
        right, missed = self.of("right", kind=kind), self.of("missed", kind=kind)
        return right / (right + missed) if right + missed else 1.0

    def table(self) -> str:
        columns = ("messages", "right", "wrong", "inverted", "person", "leaked", "missed")
        head = f"{'kind':<14}" + "".join(f"{name:>9}" for name in columns)
        rows = [self._row(kind) for kind in sorted(self.counts)]
        return "\n".join([head, *rows, self._row(None), *self.complaints])

    def _row(self, kind: str | None) -> str:
        wrong = self.of("inverted", "person", "leaked", "invented", kind=kind)
        messages = self.messages.total() if kind is None else self.messages[kind]
        parts = (self.of(verdict, kind=kind) for verdict in _SHOWN)
        numbers = (messages, self.of("right", "optional", kind=kind), wrong, *parts)
        cells = f"{kind or 'all':<14}" + "".join(f"{number:>9}" for number in numbers)
        return f"{cells}   precision {self.precision(kind):.3f} recall {self.recall(kind):.3f}"


@cache
def labelled(name: str) -> Sequence[Labelled]:
    lines = Path(__file__).with_name("labelled").joinpath(f"{name}.jsonl").read_bytes()
    return tuple(msgspec.json.decode(line, type=Labelled) for line in lines.splitlines())


def scored(messages: Iterable[Labelled], extract: Callable[[Labelled], Sequence[Fact | Correction]]) -> Score:
    score = Score()
    for message in messages:
        count = score.counts.setdefault(message.kind, Counter())
        score.messages[message.kind] += 1
        found: set[int] = set()
        for finding in extract(message):
            verdict = judged(message, finding, found)
            count[verdict] += 1
            if verdict not in ("right", "optional"):
                said = finding.content if isinstance(finding, Fact) else f"{finding.wrong} -> {finding.right}"
                score.complaints.append(f"{verdict:<9} [{message.kind}] {message.text[:100]!r}: {said!r}")
        count["missed"] += sum(not fact.optional and at not in found for at, fact in enumerate(message.facts))
    return score


def judged(message: Labelled, finding: Fact | Correction, found: set[int]) -> Verdict:
    """What is to be said of `finding`; the labels it satisfies are added to `found`."""
    if isinstance(finding, Correction):
        # It stores nothing of itself: it sets right a fact that is known.
        found |= {at for at, fact in enumerate(message.facts) if fact.named_in(finding.right.lower())}
        return "optional" if message.kind == "correction" else "invented"
    content = finding.content.lower()
    if message.secret and message.secret.lower() in content:
        return "leaked"
    named = [(at, fact) for at, fact in enumerate(message.facts) if fact.named_in(content)]
    of_whom = [(at, fact) for at, fact in named if fact.person_in(content)]
    good = [(at, fact) for at, fact in of_whom if fact.polarity_in(content)]
    if not named:
        return "person" if message.kind == "others" and content.startswith("user ") else "invented"
    if not of_whom:
        return "person"
    if not good or any(not fact.optional for at, fact in of_whom if (at, fact) not in good):
        return "inverted"
    found |= {at for at, _ in good}
    return "optional" if all(fact.optional for _, fact in good) else "right"
