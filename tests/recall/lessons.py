"""What users tell an assistant of themselves, and what they ask about it."""

from datetime import timedelta
from random import Random

from tests.recall import texts
from tests.recall.corpus import NOW, Lesson, Question
from tests.recall.texts import told

_APART = timedelta(days=35)
"""Between the first time something is told and its next change."""


def learned(user: str, rng: Random) -> tuple[list[Lesson], list[Question]]:
    """The lessons in the order in which they are told, and a question for each slot."""
    vocabulary = texts.vocabulary()
    lessons, questions = [], []
    for number, text in enumerate(texts.lessons()):
        [(name, words)] = text.draw.items()
        for time, word in enumerate(rng.sample(vocabulary[words], text.times)):
            lesson = Lesson(
                id=f"{user}/{text.slot}/{time}",
                user=user,
                slot=text.slot,
                said=told(rng.choice(text.again if time else text.say), {name: word}, rng),
                value=word,
                at=NOW - timedelta(days=190 - number, minutes=rng.randrange(600)) + time * _APART,
                outdated=time + 1 < text.times,
            )
            lessons.append(lesson)
        asked = rng.choice(text.ask)
        questions.append(Question(user=user, text=asked, category="learned fact", evidence=frozenset((lesson.id,))))
    return sorted(lessons, key=lambda lesson: lesson.at), questions
