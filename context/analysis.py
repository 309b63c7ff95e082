"""What a query wants, in the words of the API document, and what that means for retrieval."""

import re
from typing import Literal

from msgspec import Struct

from memory.model import MemoryType
from memory.retrieval.ranked import Steer

Intent = Literal["factual", "procedural", "conversational", "exploratory", "temporal"]
TemporalScope = Literal["recent", "historical", "all"]


class QueryAnalysis(Struct, frozen=True):
    intent: Intent
    context_type: MemoryType
    """The kind of memory that answers it best."""
    temporal_scope: TemporalScope


def _cue(*phrases: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b")


# English cues. A query in another language is "factual", "semantic" and about all times: nothing is steered.
_EXPLORATORY = _cue(
    r"(?:what|(?:any|every|some)thing) (?:should|do|can|could|else)?\s?(?:i|you|we) (?:know|tell|have)\b.*\babout",
    r"tell me (?:more |all |everything )?about",
    r"(?:every|any)thing about",
    r"overview",
    r"summar(?:y|ise|ize)",
    r"describe",
    r"who am i",
)
_SPOKEN = _cue(
    r"(?:did|have|had) (?:we|i|you) (?:talk|discuss|say|said|mention|tell|told|agree|decide)\w*",
    r"(?:we|i|you) (?:talked|discussed|said|mentioned|told|agreed|decided)",
    r"(?:our|last|previous|earlier) (?:conversation|chat|discussion|session|talk)s?",
    r"last time (?:we|i|you)",
    r"remember when",
)
_PROCEDURAL = _cue(
    r"how (?:do|can|should|would|could) (?:i|we|you|one)",
    r"how to",
    r"steps? (?:to|for)",
    r"instructions?",
    r"procedures?",
    r"walk me through",
)
_WHEN = _cue(
    r"when", r"what (?:time|day|date|year|month)", r"how long ago", r"since when", r"which (?:day|date|year|month)"
)
_ASKS = re.compile(
    r"^(?:what|when|who|whom|whose|where|which|why|how|is|are|was|were|do|does|did|can|could|should|would)\b|\?"
)
_NOW = _cue(r"current(?:ly)?", r"right now", r"at the moment", r"this session", r"working on", r"in progress")
_RECENT = _cue(
    r"recent(?:ly)?", r"latest", r"lately", r"newest", r"most recent", r"just now", r"these days", r"today", r"tonight",
    r"yesterday", r"this (?:morning|week|month)", r"last (?:night|week)",
)  # fmt: skip
_HISTORICAL = _cue(
    r"history", r"in the past", r"used to", r"back then", r"original(?:ly)?", r"previous(?:ly)?", r"former(?:ly)?",
    r"(?:years?|months?) ago", r"last (?:year|month|summer|winter|spring|autumn|fall)", r"first time",
    r"(?:in|since) \d{4}", r"long ago",
)  # fmt: skip

_READ = 150


def analyse(query: str) -> QueryAnalysis:
    """What `query` wants; of a long one the beginning and the end are read."""
    text = query.strip().lower()
    if len(text) > 2 * _READ:
        text = f"{text[:_READ]}\n{text[-_READ:]}"
    spoken, procedural = _SPOKEN.search(text) is not None, _PROCEDURAL.search(text) is not None
    return QueryAnalysis(
        _intent(text, spoken, procedural), _context_type(text, spoken, procedural), _temporal_scope(text)
    )


def steer(analysis: QueryAnalysis, happened: tuple[int, int] | None) -> Steer:
    """What retrieval should favour: the kind that the query plainly asks for, and the time that it names (`happened`,
    as `memory.retrieval.times` reads it) or, without one, what is new."""
    kind = analysis.context_type
    return Steer(
        happened=happened,
        kinds=frozenset() if kind == "semantic" else frozenset((kind,)),
        newest=happened is None and analysis.temporal_scope == "recent",
    )


def _intent(text: str, spoken: bool, procedural: bool) -> Intent:
    if _EXPLORATORY.search(text):
        return "exploratory"
    if spoken:
        return "conversational"
    if procedural:
        return "procedural"
    if _ASKS.search(text):
        return "temporal" if _WHEN.search(text) else "factual"
    return "conversational"


def _context_type(text: str, spoken: bool, procedural: bool) -> MemoryType:
    if spoken:
        return "episodic"
    if procedural:
        return "procedural"
    if _NOW.search(text):
        return "working"
    return "semantic"


def _temporal_scope(text: str) -> TemporalScope:
    if _RECENT.search(text):
        return "recent"
    return "historical" if _HISTORICAL.search(text) else "all"
