"""The two ways into Remora that the demonstration takes: an OpenAI client for talking, REST for looking behind."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
from msgspec import Struct
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from proxy.demo.model import MODEL

LEARNING_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 0.05


class Reply(Struct, frozen=True):
    """An answer, and what Remora said of it in its headers."""

    text: str
    request_id: str
    memory: str
    """`used`, `empty`, `skipped` or `degraded`."""
    added_ms: float


class Conversation:
    """A new client that knows nothing of earlier ones, talking for one user."""

    def __init__(self, base_url: str, user: str) -> None:
        self.user = user
        self._client = OpenAI(base_url=f"{base_url}/v1", api_key="none-needed", max_retries=0)
        self._messages: list[ChatCompletionMessageParam] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def say(self, text: str) -> Reply:
        """Ask, with all that was said in this conversation so far; the answer is streamed."""
        self._messages.append({"role": "user", "content": text})
        raw = self._client.chat.completions.with_raw_response.create(
            model=MODEL, messages=self._messages, user=self.user, stream=True
        )
        answer = "".join(chunk.choices[0].delta.content or "" for chunk in raw.parse())
        self._messages.append({"role": "assistant", "content": answer})
        return Reply(
            text=answer,
            request_id=raw.headers["x-remora-request-id"],
            memory=raw.headers["x-remora-memory"],
            added_ms=float(raw.headers["x-remora-overhead-ms"]),
        )


class Memory:
    """What is remembered, by the REST API."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.Client(base_url=base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def facts(self, user: str) -> list[dict[str, Any]]:
        """What holds of a user now, oldest first."""
        found: list[dict[str, Any]] = self._get("/v1/memories", user_id=user, type="semantic")["items"]
        return found[::-1]

    def facts_once(self, user: str, learned: Callable[[Sequence[str]], bool]) -> list[dict[str, Any]]:
        """The facts as soon as `learned` says yes to their texts, or as they are when the time is up."""
        deadline = time.monotonic() + LEARNING_SECONDS
        facts = self.facts(user)
        while not learned([fact["content"] for fact in facts]) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_SECONDS)
            facts = self.facts(user)
        return facts

    def history(self, id: str) -> list[dict[str, Any]]:
        """What became of a memory and of those it superseded, oldest first."""
        found: list[dict[str, Any]] = self._get(f"/v1/memories/{id}/history")["history"]
        return found

    def receipt(self, request_id: str) -> dict[str, Any]:
        """What memory did for a call, and why; on a busy machine it may be there only a moment after the answer."""
        deadline = time.monotonic() + LEARNING_SECONDS
        while (answer := self._client.get(f"/v1/receipts/{request_id}")).status_code == 404:
            if time.monotonic() >= deadline:
                break
            time.sleep(_LOOK_EVERY_SECONDS)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def _get(self, path: str, **query: str) -> Any:
        return self._client.get(path, params=query).raise_for_status().json()
