"""What the benchmark remembers and asks: words by Zipf's law, the same in every run."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

MEMORIES = 10_000
USERS = 100
QUESTIONS = 5_000
SESSION = 20
"""Turns of one session."""

_SYLLABLES = [a + b for a, b in product("bdfgklmnprstvz", ("a", "e", "i", "o", "u", "an", "er", "ol"))]


def words(count: int, random: np.random.Generator) -> list[str]:
    """`count` words of an invented vocabulary; a word's frequency goes with 1/rank."""
    vocabulary = [a + b for a, b in product(_SYLLABLES, _SYLLABLES)]
    share = 1 / np.arange(1, len(vocabulary) + 1)
    return [vocabulary[rank] for rank in random.choice(len(vocabulary), size=count, p=share / share.sum())]


def memories(users: int) -> list[dict[str, Any]]:
    """MEMORIES bodies for POST /v1/memories, evenly among `users`: every fifth a fact, the rest turns of sessions."""
    random = np.random.default_rng(1)
    lengths = random.integers(8, 30, MEMORIES)
    text = iter(words(int(lengths.sum()), random))
    made = []
    for number, length in enumerate(lengths):
        user, turn = f"user-{number % users}", number // users
        content = " ".join(next(text) for _ in range(length))
        fact = turn % 5 == 0
        made.append(
            {"content": content, "user_id": user, "type": "semantic"}
            if fact
            else {"content": content, "user_id": user, "type": "episodic", "run_id": f"{user}-{turn // SESSION}"}
        )
    return made


def questions(users: int) -> Iterator[tuple[str, str]]:
    """QUESTIONS times a user and a question, every one another; `#0` is where a number makes it new."""
    random = np.random.default_rng(2)
    text = iter(words(QUESTIONS * 6, random))
    for number in range(QUESTIONS):
        yield f"user-{number % users}", f"Do you recall (#0) {' '.join(next(text) for _ in range(6))}?"


def body(question: str, *, stream: bool) -> str:
    """Of a chat completion."""
    messages = [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": question}]
    return json.dumps({"model": "bench", "messages": messages, "stream": stream}, separators=(",", ":"))


def write_requests(file: Path, users: int) -> None:
    """The requests that wrk.lua reads."""
    lines = (f"{user}\t{body(question, stream=False)}\n" for user, question in questions(users))
    file.write_text("".join(lines))


def stream_requests(users: int, path: str, headers: Sequence[tuple[str, str]], *, run: int | None) -> list[bytes]:
    """Whole HTTP requests for streams; `run` makes every question one that no other run asks."""
    made = []
    for number, (user, question) in enumerate(questions(users)):
        text = question if run is None else question.replace("#0", f"#{run}-{number}")
        content = body(text, stream=True).encode()
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            "Authorization: Bearer bench",
            f"X-Remora-User: {user}",
            f"Content-Length: {len(content)}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        made.append("\r\n".join([*lines, "", ""]).encode() + content)
    return made
