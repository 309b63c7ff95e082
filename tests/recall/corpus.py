"""What the evaluation is made of."""

from datetime import UTC, datetime

from msgspec import Struct

NOW = datetime(2026, 6, 1, 18, tzinfo=UTC)
"""When the questions are asked: some days after the last conversation."""

CATEGORIES = (
    "single-hop",
    "paraphrase",
    "multi-hop",
    "temporal",
    "changed",
    "speaker",
    "second language",
    "learned fact",
)


class Turn(Struct, frozen=True, kw_only=True):
    """Something said in a conversation of `user` with a friend, by either."""

    id: str
    user: str
    session: str
    speaker: str
    text: str
    at: datetime

    @property
    def content(self) -> str:
        return f"{self.speaker}: {self.text}"


class Lesson(Struct, frozen=True, kw_only=True):
    """Something that `user` tells an assistant of themselves."""

    id: str
    user: str
    slot: str
    """What it is about: of one slot the user's last lesson holds."""
    said: str
    value: str
    """What a memory of it holds."""
    at: datetime
    outdated: bool
    """A later lesson says otherwise."""


class Question(Struct, frozen=True, kw_only=True):
    user: str
    """Whose memories are asked."""
    text: str
    category: str
    evidence: frozenset[str]
    """The turns, or the lesson, that an answer takes: all of them."""


class Corpus(Struct, frozen=True, kw_only=True):
    turns: list[Turn]
    """User by user; each one's in the order in which they were said."""
    lessons: list[Lesson]
    questions: list[Question]
