"""What the demonstration tells: somebody talks, comes back, changes; somebody else comes."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import uvicorn
from rich.console import Console

from config.settings import Log, Settings, Upstream
from proxy.demo.model import Script
from proxy.demo.page import Page
from proxy.demo.servers import serving
from proxy.demo.talk import Conversation, Memory, Reply
from proxy.serve import configuration

ANA, BEN = "ana", "ben"


def demonstrate(console: Console) -> bool:
    """Play it on `console`; whether everything was remembered as it should be."""
    page = Page(console)
    page.title("Remora: an OpenAI-compatible proxy that remembers")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remora-demo-")))
        script = Script()
        with page.waiting("starting a scripted model, and Remora in front of it …"):
            model = stack.enter_context(serving(uvicorn.Config(script.app(), log_config=None, access_log=False)))
            settings = Settings(
                store=f"sqlite:///{folder}/memory.db", upstream=Upstream(base_url=f"{model}/v1"), log=Log(level="error")
            )
            remora = stack.enter_context(serving(configuration(settings)))
        memory = stack.enter_context(Memory(remora))
        return _Story(page, script, remora, memory).play()


class _Story:
    def __init__(self, page: Page, script: Script, remora: str, memory: Memory) -> None:
        self._page = page
        self._script = script
        self._remora = remora
        self._memory = memory
        self._checks: list[tuple[str, bool]] = []

    def play(self) -> bool:
        page = self._page
        page.tell(
            "No key, no network: the model is a script that knows nothing but its prompt. Remora runs in front of it, "
            "on SQLite in a temporary folder. All that an application has to do is:"
        )
        page.tell(f'    [bold green]client = OpenAI(base_url="{self._remora}/v1")[/]')
        self._first_conversation()
        self._second_conversation()
        self._change()
        self._somebody_else()
        page.chapter("So")
        page.verdict(self._checks)
        page.tell("")
        page.tell("Now yours: `make serve`, and the line at the top in your application. The README has the rest.")
        return all(held for _, held in self._checks)

    def _first_conversation(self) -> None:
        self._page.chapter("1  Ana talks to a model through Remora")
        with Conversation(self._remora, ANA) as conversation:
            self._say(conversation, "Hi, I'm Ana. I live in Lisbon and I work as a marine biologist.")
            self._say(conversation, "By the way, I'm allergic to peanuts.")
        facts = self._learned("Lisbon", "peanut")
        self._page.learned(facts)
        self._check("facts were learned from what she said, not from the answers", _mention(facts, "Lisbon", "peanut"))

    def _second_conversation(self) -> None:
        self._page.chapter("2  Later: a new conversation, with none of the old one in it")
        with Conversation(self._remora, ANA) as conversation:
            reply = self._say(conversation, "Where do I live, and what am I allergic to?")
        block = self._injected()
        facts = self._memory.facts(ANA)
        receipt = self._memory.receipt(reply.request_id)
        self._page.injected(block)
        self._page.receipt(receipt, facts, reply)
        known = "Lisbon" in block and "peanut" in block and "Lisbon" in reply.text
        self._check("a new conversation knew them, and the model answered from them", known)
        self._check("within its token budget", 0 < receipt["token_count"] <= receipt["token_budget"])

    def _change(self) -> None:
        self._page.chapter("3  Things change")
        with Conversation(self._remora, ANA) as conversation:
            self._say(conversation, "I moved from Lisbon to Porto last week.")
        facts = self._learned("Porto", without="lives in Lisbon")
        self._page.learned(facts)
        history = [
            change for fact in facts if "Porto" in fact["content"] for change in self._memory.history(fact["id"])
        ]
        self._page.superseded(history)
        with Conversation(self._remora, ANA) as conversation:
            reply = self._say(conversation, "Remind me: where did I move to?")
        replaced = "Porto" in reply.text and "lives in Lisbon" not in self._injected()
        self._check("a newer fact took the place of an older one", replaced)
        self._check(
            "and the older one is kept in its history", any("Lisbon" in change["content"] for change in history)
        )

    def _somebody_else(self) -> None:
        self._page.chapter("4  Somebody else")
        with Conversation(self._remora, BEN) as conversation:
            reply = self._say(conversation, "Where do I live, and what am I allergic to?")
        self._page.tell("    Ben's prompt went through as he wrote it: nobody sees another user's memory.")
        self._check("another user saw nothing of it", reply.memory == "empty" and not self._injected())

    def _say(self, conversation: Conversation, text: str) -> Reply:
        reply = conversation.say(text)
        self._page.exchange(conversation.user.capitalize(), text, reply)
        return reply

    def _learned(self, *words: str, without: str | None = None) -> list[dict[str, Any]]:
        def learned(texts: Sequence[str]) -> bool:
            together = "\n".join(texts)
            return all(word in together for word in words) and (without is None or without not in together)

        with self._page.waiting("Remora learns, after the answer went out …"):
            return self._memory.facts_once(ANA, learned)

    def _injected(self) -> str:
        """What the model was last sent beyond what was said: nobody in this story writes a system message."""
        return "\n".join(message["content"] for message in self._script.received[-1] if message["role"] == "system")

    def _check(self, text: str, held: bool) -> None:
        self._checks.append((text, held))


def _mention(facts: Sequence[dict[str, Any]], *words: str) -> bool:
    return all(any(word in fact["content"] for fact in facts) for word in words)
