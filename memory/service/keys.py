"""How services name the log streams, counters and documents that several of them use."""

import msgspec

from memory.model import Memory


def history_stream(id: int) -> str:
    return f"history:{id}"


def forgotten_stream(namespace: str) -> str:
    """Tells which memories of a namespace are gone, so that erasing it finds what outlives them."""
    return f"forgotten:{namespace}"


def session_counter(memory: Memory) -> str:
    """Counts the places taken in a memory's session; it must name one."""
    return "seq:" + msgspec.json.encode([memory.namespace, memory.owner, memory.run_id]).decode()


LESSON = "lesson"
"""The kind of a document that holds what is to be learned from an exchange, until it was."""


def lesson_index(namespace: str) -> tuple[str, str]:
    """By which the lessons of a namespace are listed."""
    return "namespace", namespace
