"""What the benchmark remembers and asks: words by Zipf's law, the same in every run."""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

MEMORIES = 10_000
USERS = 100
QUESTIONS = 5_000
LARGE_QUESTIONS = 200
LARGE_BYTES = 100_000
SESSION = 20
"""Turns of one session."""

MARK = "#0"
"""Stands in every question, where a number makes it one that was never asked before."""

_SYLLABLES = [a + b for a, b in product("bdfgklmnprstvz", ("a", "e", "i", "o", "u", "an", "er", "ol"))]


def words(count: int, random: np.random.Generator) -> list[str]:
    """`count` words of an invented vocabulary; a word's frequency goes with 1/rank."""
    vocabulary = [a + b for a, b in product(_SYLLABLES, _SYLLABLES)]
    share = 1 / np.arange(1, len(vocabulary) + 1)
    return [vocabulary[rank] for rank in random.choice(len(vocabulary), size=count, p=share / share.sum())]


def memories(users: int, count: int = MEMORIES) -> list[dict[str, Any]]:
    """Bodies for POST /v1/memories, evenly among `users`: every fifth a fact, the rest turns of sessions."""
    random = np.random.default_rng(1)
    lengths = random.integers(8, 30, count)
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


def questions(users: int, count: int = QUESTIONS) -> Iterator[tuple[str, str]]:
    """`count` times a user and a question with MARK in it, every one another."""
    random = np.random.default_rng(2)
    text = iter(words(count * 6, random))
    for number in range(count):
        yield f"user-{number % users}", f"Do you recall ({MARK}) {' '.join(next(text) for _ in range(6))}?"


def body(question: str, *, stream: bool, large: bool = False, model: str = "bench") -> str:
    """Of a chat completion; a large one has a long conversation before the question, LARGE_BYTES in all."""
    messages = [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": question}]
    if large:
        random = np.random.default_rng(3)
        turns = [" ".join(words(150, random)) for _ in range(LARGE_BYTES // 840)]
        earlier = [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(turns)]
        messages[1:1] = earlier[: len(earlier) // 2 * 2]
    return json.dumps({"model": model, "messages": messages, "stream": stream}, separators=(",", ":"))


def write_requests(file: Path, users: int, *, stream: bool = False, large: bool = False) -> None:
    """Chat completions, as wrk.lua reads them: a user and a body to each line."""
    model = body(MARK, stream=stream, large=large)
    before, _, after = model.rpartition(MARK)
    asked = questions(users, LARGE_QUESTIONS if large else QUESTIONS)
    file.write_text("".join(f"{user}\t{before}{question}{after}\n" for user, question in asked))


def write_queries(file: Path, users: int) -> None:
    """The same of POST /v1/context."""
    lines = (f"{user}\t{json.dumps({'query': question, 'user_id': user})}\n" for user, question in questions(users))
    file.write_text("".join(lines))


def stream_request(user: str, question: str, model: str, path: str, headers: Mapping[str, str]) -> bytes:
    """A whole HTTP request for a stream."""
    content = body(question, stream=True, model=model).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"X-Remora-User: {user}",
        f"Content-Length: {len(content)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content
