"""Facts out of what a user wrote, by rule: a sentence is taken only where it is sure what it says of the user."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec import structs

from memory.extraction.facts import Correction, Fact
from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.corrections import correction, retracts, retracts_itself
from memory.extraction.rules.material import after_lead, asks_about_text, names_a_value, own_words
from memory.extraction.rules.openings import Opening, read_opening
from memory.extraction.rules.other_languages import translated
from memory.extraction.rules.passages import QUOTED, passages
from memory.extraction.rules.person import ADVERBS, has_known_verb, others, third_person
from memory.extraction.rules.requests import concerns_all_before, hands_over, is_question, made_up, told_before_question
from memory.extraction.rules.sentences import clauses, negates, plain, sentences, shared_subject, spoken_of_self
from memory.extraction.rules.statement import Opening as StatementOpening
from memory.extraction.rules.statement import Statement, may_open, opening_of, topic, value
from memory.extraction.rules.statements.conduct import CONDUCT, standing_order
from memory.extraction.rules.statements.identity import IDENTITY
from memory.extraction.rules.statements.life import FAMILY, HEALTH, HOME, WORK
from memory.extraction.rules.statements.taste import HABITS, TASTE
from memory.extraction.secrets import MARK

STATEMENTS = (*IDENTITY, *HOME, *WORK, *FAMILY, *HEALTH, *TASTE, *HABITS, *CONDUCT)
"""The first that fits a clause says what it is."""

_OPENINGS: tuple[StatementOpening, ...] = ("I am", "I", "My", "")
_STATEMENTS = {
    opening: tuple(statement for statement in STATEMENTS if may_open(statement, opening)) for opening in _OPENINGS
}

LONGEST = 300
"""Characters of a sentence; longer ones are seldom said of oneself."""
_READ = 2 * LONGEST
"""What is looked at of a sentence, for how it begins tells what comes after it."""
MOST = 300
"""Sentences of a message; with more it is a document."""


def extract(texts: Iterable[str]) -> list[Fact | Correction]:
    """What the user's messages say of the user, in order, each fact once.

    Nothing is taken from questions, suppositions, requests, quotations, code, logs or text given to be worked on. Where
    in doubt, nothing is taken: that a fact is missed costs less than a wrong one.
    """
    found: dict[str, Fact | Correction] = {}
    for text in texts:
        for finding in _message(text):
            found.setdefault(repr(finding) if isinstance(finding, Correction) else finding.content.casefold(), finding)
    return list(found.values())


def _message(text: str) -> Iterator[Fact | Correction]:
    if concerns_all_before(text) or made_up(text):
        return
    greeted = False
    last: list[Fact | Correction] = []
    for sentence in islice((plain(raw[:_READ]) for line in passages(own_words(text)) for raw in sentences(line)), MOST):
        if not retracts(sentence):
            yield from last
        last = []
        if hands_over(sentence) or asks_about_text(sentence):
            return
        if MARK in sentence or v.SARCASTIC.match(sentence):
            continue
        opening = read_opening(sentence)
        if not opening.remembers:
            told = after_lead(opening.rest)
            if told is None and names_a_value(opening.rest):
                continue
            if told is None:
                return
            if told != opening.rest:
                opening = read_opening(told)
        last = list(_sentence(opening, greeted=greeted or opening.greets))
        greeted = opening.greets and not opening.rest
    yield from last


def _sentence(opening: Opening, *, greeted: bool) -> Iterator[Fact | Correction]:
    sentence = opening.rest
    if not sentence or QUOTED in sentence or len(sentence) > LONGEST:
        return
    if opening.remembers:
        yield from _remembered(sentence)
        return
    if is_question(sentence):
        told = told_before_question(sentence)
        if told is None:
            return
        sentence = told
    if opening.corrects and (set_right := correction(sentence)):
        yield set_right
        return
    whole = translated(sentence) or standing_order(sentence)
    if whole or _CONDITIONAL.match(sentence):
        yield from whole
        return
    yield from _clauses(sentence, greeted=greeted)


def _clauses(sentence: str, *, greeted: bool) -> Iterator[Fact]:
    parts = clauses(spoken_of_self(sentence))
    if any(retracts(part) for part in parts[1:]):
        return
    for clause in parts:
        reported = v.REPORTED.search(clause)
        if reported is None:
            yield from _clause(clause, greeted=greeted)
            continue
        # Who "I" is from here on, only the one reported knows.
        if before := _BEFORE_REPORT.match(clause[: reported.start()]):
            yield from _clause(before[1])
        return


_BEFORE_REPORT = re.compile(r"(.{3,}?),? (?:and|but|so|because) $")
_CONDITIONAL = re.compile(
    r"(?:if|when|whenever|while|unless|until|once|in case|before|after|as soon as|as long as|where|wherever"
    r"|for (?:example|instance)|e\.g\.)(?!\w)",
    re.IGNORECASE,
)


def _clause(clause: str, *, greeted: bool = False) -> Sequence[Fact]:
    """The facts of a clause: one for each verb of a shared subject where each alone is one, else one or none."""
    if v.UNSURE.search(clause) or retracts_itself(clause):
        return []
    if greeted and (name := _introduction(clause)):
        return [name]
    said = shared_subject(clause)
    if len(said) > 1:
        facts = [_fact(part) for part in said]
        if all(facts) or (any(facts) and all(map(has_known_verb, said))):
            return [fact for fact in facts if fact]
    whole = _fact(clause)
    return [whole] if whole else []


def _fact(clause: str) -> Fact | None:
    for statement in _STATEMENTS[opening_of(clause)]:
        match = statement.pattern.match(clause)
        if match is None or (statement.check is not None and not statement.check(match)):
            continue
        if not (statement.lasting and v.PASSING.search(clause)):
            return _stated(statement, match, clause)
    return None


def _stated(statement: Statement, match: re.Match[str], clause: str) -> Fact | None:
    groups = {name: value or "" for name, value in match.groupdict().items()}
    if statement.content is None:
        content = third_person(clause)
    else:
        content = statement.content.format(
            **groups, clause=others(re.sub(r"^please ", "", clause, flags=re.IGNORECASE))
        )
    if content is None or negates(content) != negates(clause):
        return None
    slot, ends = _filled(statement, groups, clause)
    return Fact(
        content=content,
        category=statement.category,
        confidence=statement.confidence,
        slot=slot,
        ends=ends if slot else None,
    )


def _filled(statement: Statement, groups: dict[str, str], clause: str) -> tuple[str | None, str | None]:
    """The slot, and the value that no longer holds in it."""
    slot = _slot(statement.slot, groups)
    gone = groups.get("gone", "")
    if slot is None or slot.startswith(_OF_EITHER_POLARITY):
        return slot, None
    if not statement.lasting and v.LONG_AGO.search(clause):
        return None, None
    if not gone and _DENIES.match(clause):
        gone = groups.get("value") or ("" if slot != statement.slot else groups.get("x", ""))
        if not gone:
            return None, None
    return slot, value(gone) or None


_OF_EITHER_POLARITY = ("like:", "prefer:", "fear:", "allergy:", "is:", "tolerates:", "speaks:")
"""Slots of which a negation is a value; in others it only says what does not fill them."""

_DENIES = re.compile(
    r"(?:I(?: am| have| do| did| was)?|My [\w' -]{1,40}? (?:is|are))"
    rf"(?: {ADVERBS})*?(?:n't| not| no longer| never)\b",
    re.IGNORECASE,
)


def _slot(template: str | None, groups: dict[str, str]) -> str | None:
    if template is None or "{" not in template:
        return template
    if "{pair}" in template:
        values = sorted((topic(groups["a"]), topic(groups["b"])))
        return template.format(pair="|".join(values)) if all(values) else None
    value = topic(groups["x"]) if groups["x"] else ""
    return template.format(x=value) if value else None


_INTRODUCTION = re.compile(r"I am ([A-Z][\w'-]+(?: [A-Z][\w'-]+)?)(?:$| from\b)")


def _introduction(clause: str) -> Fact | None:
    match = _INTRODUCTION.match(clause)
    if match is None or match[1] in v.NOT_A_NAME or re.fullmatch(v.NAMED["demonym"], match[1]):
        return None
    return Fact(content=f"User's name is {match[1]}", category="identity", confidence=0.9, slot="name")


_TELLS = re.compile(
    r"^(?:I|my)\b|\b(?:is|are|was|were|has|have|will|means?|starts?|ends?|goes|lives?|works?)\b|\w's\b", re.IGNORECASE
)
"""Not a mere thing: "the milk", "the second question"."""


def _remembered(body: str) -> Iterator[Fact]:
    """What is asked to be remembered, if it tells anything: as the facts it states, else in the third person,
    else verbatim."""
    body = body.rstrip("?.! ")
    if body.startswith("to ") and not body.startswith(("to always ", "to never ")):
        return  # a thing to do now
    stated = [fact for clause in clauses(body) for fact in _clause(clause)]
    if stated and len(stated) >= len(clauses(body)):
        yield from (structs.replace(fact, confidence=1.0) for fact in stated)
    elif body.startswith(("to always ", "to never ")):
        yield Fact(content=f"User asks: remember {others(body)}", category="instruction", confidence=1.0)
    elif _TELLS.search(body):
        content = third_person(body) or f"User asked to remember: {body}"
        yield Fact(content=content, category="fact", confidence=1.0)
