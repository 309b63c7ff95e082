"""What a model's answer must not put into memory, whatever it says: checked against what the user wrote.

It knows too little to judge a paraphrase, so it objects only where the words themselves tell.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Literal

from memory.extraction.facts import Category
from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.material import own_words
from memory.extraction.rules.passages import passages
from memory.extraction.rules.requests import hands_over
from memory.extraction.rules.sentences import clauses, plain, sentences, spoken_of_self
from memory.extraction.secrets import MARK
from memory.extraction.words import either, words

Objection = Literal["no fact about the user", "a secret", "an order", "not said", "inverted", "about another"]

_WORD = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*")
_STOP = words(
    """the and for with from that this has have had does did user users their they them who are was were been being not
    never only very really also now its his her our your you than then when what which into onto over about more most
    some any all there here will would can could should because assistant asks wants likes called says"""
)
_DENIAL = re.compile(
    r"\b(?:not|never|no|none|nothing|nobody|neither|nor|cannot|cant|dont|without|hardly|rarely|barely|nicht"
    r"|kein\w*|nie|niemals"
    r"|pas|jamais|aucun\w*|nunca|jamás|não|non|mai|niet|geen|nooit)\b|n't\b",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(?:hat(?:e|es|ed)|dislik\w+|avoid\w*|allerg\w+|intoleran\w+|stop\w*|quit\w*|g(?:a|i)ven? up|former\w*|used to"
    r"|refus\w+|unable|against|detest\w*|loath\w+|vegan|vegetarian|sober|lack\w*|left|except|free|un\w+|dis\w+|only)\b",
    re.IGNORECASE,
)
_READ = 1000
"""Characters of a sentence that are looked at."""
_ORDER = re.compile(
    either(
        r"\b(?:ignor|disregard|overrid|bypass)\w* (?:\w+ ){0,3}?(?:instructions?|rules?|prompts?|polic\w+|safety"
        r"|guidelines?)",
        r"\bsystem prompt|\bprevious instructions|\bdeveloper mode|\bjailbreak|\bexfiltrat|https?://",
        r"\b(?:send|forward|transfer|e-?mail|leak|reveal|upload)\w* (?:\w+ ){0,4}?(?:passwords?|keys?|data|money"
        r"|funds|secrets?"
        r"|credentials|conversations?|memor(?:y|ies)|addresses|to [\w.+-]+@)",
    ),
    re.IGNORECASE,
)
_OTHER = re.compile(
    rf"(?:(?:he|she|they|his|her|their)\b|(?:my|our|the|an?) (?:\w+ ){{0,2}}?(?P<who>{v.NAMED['kin']}"
    rf"|{v.NAMED['pet']}|friend"
    rf"|boss|manager"
    r"|colleague|coworker|neighbou?r|client|customer|patient|student|teacher|landlord|tenant|candidate|ex"
    r"|parents?)s?\b)",
    re.IGNORECASE,
)
_OF_SELF = re.compile(r"\b(?:I|me|we|us)\b")
_FOREIGN = re.compile(
    r"\b(?:ich|bin|ist|und|wohne|mein\w*|je|j|suis|mon|ma|les|des|yo|soy|vivo|tengo|mi|el|eu|sou|moro|meu"
    r"|minha|sono|il"
    r"|ik|(?-i:los|ben)|het|een|jag|bor|jestem|mieszkam)\b|[^\x00-\u024f\u2000-\u2fff\U0001f000-\U0001ffff]",
    re.IGNORECASE,
)
_NOT_BUT = re.compile(r"\bnot (in|at|from|to|as|for|with|an?) [^,.;]{1,40}? but (?=\1\b)")
_DISLIKES = re.compile(
    r"\b(?:hat(?:e|es)|dislikes?|detests?|loathes?|(?:can't|cannot) (?:stand|bear))\b", re.IGNORECASE
)
_OVER = re.compile(
    r"\b(?:used to|(?:gave|given|giving) up|quit(?:ting)?|stopp(?:ed|ing)|(?:moved|moving)(?: away| here)? from"
    r"|(?:if|wish) (?:I|we)(?:'d)?)(?: (?!(?:and|but|to|now|then|so)\b)[^\s,;:]+){0,3} ?$",
    re.IGNORECASE,
)
"""What is over, or was never so, up to where the thing itself is named."""
_PAST = re.compile(r"\b(?:past|former\w*|previous\w*|once|was|were|\w+ed|used to|gave|left|went|had|no longer)\b")
_LIKES = re.compile(r"\b(?:lik|lov|enjoy|ador|prefer)\w*", re.IGNORECASE)


class Guard:
    """Objects to facts said to follow from one exchange."""

    def __init__(self, said: Sequence[str], known: Sequence[str]) -> None:
        """`said` by the user; `known` is what else a fact may draw on: the answer, the memories the model was shown."""
        self._heard = "\n".join([*said, *known])
        self._said = [clause for text in said for clause in _clauses(text)]
        self._asked = [clause for text in said for clause in _clauses(_less_material(text))]

    def objection(self, text: str, category: Category) -> Objection | None:
        """Why `text` must not be learned; None where nothing speaks against it."""
        if MARK in text:
            return "a secret"
        if not re.match(r"(?:The )?[Uu]ser\b", text) or "\n" in text:
            return "no fact about the user"
        if _ORDER.search(text):
            return "an order"
        keys = _keys(text)
        if _unheard(text, keys, self._heard):
            return "not said"
        if category == "instruction" and not _bearing(keys, self._asked):
            return "an order"
        objections = [_against(text, keys, clause, reach) for clause, reach in _bearing(keys, self._said)]
        return objections[0] if objections and all(objections) else None


def _keys(text: str) -> frozenset[str]:
    """The words that carry what it says, cut to their stems."""
    found = (word.lower() for word in _WORD.findall(text))
    return frozenset(_stem(word) for word in found if (len(word) > 2 or word.isdigit()) and word not in _STOP)


def _stem(word: str) -> str:
    return word if word.isdigit() else word.removesuffix("'s")[:5].rstrip("s")


def _unheard(text: str, keys: frozenset[str], heard: str) -> bool:
    """A number that nobody named; or, where it was not said in another language, a name, or all of it."""
    known = {_stem(word.lower()) for word in _WORD.findall(heard)}
    if any(key.isdigit() and len(key) > 1 and key not in heard for key in keys):
        return True
    if _FOREIGN.search(heard):
        return False
    names = {_stem(name.lower()) for name in re.findall(r"(?<=\s)[A-Z][\w'-]{2,}", text)} - {"user"}
    return not keys & known or any(name not in known for name in names)


def _clauses(text: str) -> Iterator[str]:
    for line in passages(text):
        for sentence in sentences(line):
            yield from clauses(_NOT_BUT.sub("", spoken_of_self(plain(sentence[:_READ]))))


def _less_material(text: str) -> str:
    return " ".join(takewhile(lambda sentence: not hands_over(sentence[:_READ]), sentences(own_words(text))))


def _bearing(keys: frozenset[str], said: Sequence[str]) -> list[tuple[str, int]]:
    """The clauses that have most words in common with the fact, and where the last of these begins."""
    most, found = 1, list[tuple[str, int]]()
    for clause in said:
        places = [match.start() for match in _WORD.finditer(clause) if _stem(match[0].lower()) in keys]
        if len(places) > most:
            most, found = len(places), []
        if len(places) == most:
            found.append((clause, places[-1]))
    return found


def _against(text: str, keys: frozenset[str], clause: str, reach: int) -> Objection | None:
    before = clause[:reach]
    other = _OTHER.match(clause)
    if other is not None and not _OF_SELF.search(before):
        who = other["who"]
        if re.match(r"(?:The )?[Uu]ser\b(?!'s)", text) and (who is None or _stem(who.lower()) not in keys):
            return "about another"
    if _DISLIKES.search(before) and _LIKES.search(text) and not _DISLIKES.search(text):
        return "inverted"
    if _OVER.search(before) and not any(says.search(text) for says in (_OVER, _PAST, _AGAINST, _DENIAL)):
        return "inverted"
    denied, denies = _DENIAL.search(before) is not None, _DENIAL.search(text) is not None
    if denied == denies or (denied and _turned(text, clause)) or (denies and _turned(clause, text)):
        return None
    return "inverted"


def _turned(text: str, other: str) -> bool:
    """`text` has a word of its own that denies something, as "avoids" does."""
    theirs = {_stem(word.lower()) for word in _WORD.findall(other)}
    return any(_stem(match[0].lower()) not in theirs for match in _AGAINST.finditer(text))
