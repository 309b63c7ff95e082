"""Conversations with OpenAI's own client."""

from typing import Any

from openai import OpenAI

from tests.support.upstream import FakeUpstream


def user(text: str) -> Any:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


def tell(url: str, text: str, *, key: str = "mine", **fields: Any) -> str:
    """Say it in a conversation of its own, through a client of its own; gives the answer."""
    with OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        completion = client.chat.completions.create(**{"model": "echo", "messages": user(text), **fields})
    return completion.choices[0].message.content or ""


def prompt(fake: FakeUpstream) -> str:
    """All that the upstream was last sent."""
    return "\n".join(message["content"] for message in fake.last.json["messages"])
