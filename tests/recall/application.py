"""Remora with the corpus in it: the application that is served, asked over HTTP in this process."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any

import httpx
import msgspec
from litestar import Litestar
from msgspec import Struct, structs

from config.settings import Settings
from context.assemble import Assembler
from memory.engines.base import Engine
from memory.extraction.exchange import Exchange, enqueue_exchange
from memory.retrieval.times import time_named
from memory.service.clock import Clock
from memory.service.recall import Recall
from memory.service.search import Search
from memory.service.tally import Tally
from proxy.app import create_app
from proxy.parts import Parts
from tests.recall.corpus import NOW, Corpus, Lesson, Question, Turn
from tests.support.server import no_backlog

TALKS, LESSONS = "talks", "lessons"
"""The namespaces: what was said among friends, and what an assistant was taught."""

LIMIT = 50
_BATCH = 100


class Stored(Struct, frozen=True):
    """What became of the corpus."""

    names: dict[str, str]
    """The turn or lesson that a memory is, by the memory's id."""
    texts: dict[str, str]
    """What was said, by turn or lesson."""
    users: dict[str, str]
    """Whose a memory is, by its id."""
    outdated: frozenset[str]
    """The facts that hold no longer: by the corpus, whatever became of them here."""
    former: dict[str, list[str]]
    """What was said before a lesson and holds no longer, by the lesson that holds."""


class Application:
    def __init__(self, client: httpx.AsyncClient, engine: Engine) -> None:
        self._client = client
        self._engine = engine

    async def prepare(self, questions: Iterable[Question]) -> None:
        """Reads the dates that they name, which are then known: how long that may take at most is no matter of recall,
        and nothing to be decided by how busy the machine is."""
        for question in questions:
            await time_named(question.text, _now())

    async def search(self, question: Question, *, user: str | None) -> list[str]:
        """The ids found, best first; of all users' without `user`."""
        body = {"query": question.text, "namespace": namespace_of(question), "limit": LIMIT}
        found = await self._post("/v1/memories/search", body | _of(user))
        return [result["memory"]["id"] for result in found["results"]]

    async def context(self, question: Question, budget: int) -> Any:
        """The answer of `POST /v1/context` for the user who asks."""
        body = {"query": question.text, "namespace": namespace_of(question), "token_budget": budget}
        return await self._post("/v1/context", body | _of(question.user))

    async def weigh(self, weights: Mapping[str, float]) -> None:
        """Ask with these weights from now on, and all others as they are set."""
        for namespace in (TALKS, LESSONS):
            answer = await self._client.put(
                f"/v1/namespaces/{namespace}", json={"config": {"custom_scoring": dict(weights)}}
            )
            assert answer.status_code == 200, answer.text

    async def store(self, corpus: Corpus) -> AsyncIterator[int]:
        """Stores it all, and yields how many turns and lessons are by now; `stored` then says what became of them."""
        done = 0
        for namespace in (TALKS, LESSONS):
            await self._post("/v1/namespaces", {"name": namespace})
        for _, of_user in groupby(corpus.turns, key=lambda turn: turn.user):
            turns = list(of_user)
            for start in range(0, len(turns), _BATCH):
                batch = turns[start : start + _BATCH]
                answer = await self._post(
                    "/v1/memories/batch", {"namespace": TALKS, "memories": [_memory(turn) for turn in batch]}
                )
                assert answer["failed_count"] == 0, answer
                yield (done := done + len(batch))
        for lesson in corpus.lessons:
            await self._engine.jobs.enqueue(enqueue_exchange(_exchange(lesson)))
        await no_backlog(self._engine)
        yield done + len(corpus.lessons)

    async def stored(self, corpus: Corpus) -> Stored:
        talks, lessons = [await self._exported(namespace) for namespace in (TALKS, LESSONS)]
        said = {memory["id"]: memory["metadata"]["turn"] for memory in talks}
        facts = [memory for memory in lessons if memory.get("type", "semantic") == "semantic"]
        learned = {fact["id"]: lesson for fact in facts for lesson in corpus.lessons if _holds(fact, lesson)}
        return Stored(
            names=said | {id: lesson.id for id, lesson in learned.items()},
            texts={turn.id: turn.text for turn in corpus.turns}
            | {learned[fact["id"]].id: fact["content"] for fact in facts if fact["id"] in learned},
            users={memory["id"]: memory["user_id"] for memory in (*talks, *lessons)},
            outdated=frozenset(id for id, lesson in learned.items() if lesson.outdated)
            | {fact["id"] for fact in facts if "superseded_by" in fact},
            former={lesson.id: _former(lesson, corpus) for lesson in corpus.lessons if not lesson.outdated},
        )

    async def _exported(self, namespace: str) -> list[Any]:
        answer = await self._client.get("/v1/memories/export", params={"namespace": namespace})
        assert answer.status_code == 200, answer.text
        _, *memories = answer.text.splitlines()  # the first line says what this is
        return [msgspec.json.decode(line) for line in memories]

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = await self._client.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


@asynccontextmanager
async def application(settings: Settings) -> AsyncIterator[Application]:
    """It takes the time for NOW when it ranks and composes, so that what is recent stays so."""
    app = create_app(settings)
    # One protocol, which the two spell differently.
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        _set_clock(app, _now)
        yield Application(client, app.state.parts.engine)


def namespace_of(question: Question) -> str:
    return LESSONS if question.category == "learned fact" else TALKS


def _now() -> int:
    return int(NOW.timestamp() * 1000)


def _set_clock(app: Litestar, clock: Clock) -> None:
    parts: Parts = app.state.parts
    recall = Recall(parts.engine.memories, parts.embedder, parts.settings.retrieval, clock)
    app.state.parts = structs.replace(
        parts,
        search=Search(parts.engine, recall, Tally(parts.engine.memories)),
        assembler=Assembler(recall, parts.tokens, clock),
    )


def _of(user: str | None) -> dict[str, str]:
    return {} if user is None else {"user_id": user}


def _memory(turn: Turn) -> dict[str, Any]:
    return {
        "content": turn.content,
        "type": "episodic",
        "source": "imported",
        "user_id": turn.user,
        "run_id": turn.session,
        "created_at": turn.at.isoformat(),
        "metadata": {"turn": turn.id},
    }


def _exchange(lesson: Lesson) -> Exchange:
    """The lesson as the proxy would have heard it then, in a conversation of its own."""
    return Exchange(
        tenant="default",
        namespace=LESSONS,
        user_id=lesson.user,
        credential="evaluation",
        run_id=lesson.id.replace("/", "-"),
        asked=[lesson.said],
        answer="I will keep that in mind.",
        preceding="",
        at=int(lesson.at.timestamp() * 1000),
        request_id=f"req-{lesson.id.replace('/', '-')}",
    )


def _former(lesson: Lesson, corpus: Corpus) -> list[str]:
    return [
        other.said
        for other in corpus.lessons
        if other.outdated and (other.user, other.slot) == (lesson.user, lesson.slot)
    ]


def _holds(fact: Mapping[str, Any], lesson: Lesson) -> bool:
    holds: bool = lesson.value.casefold() in fact["content"].casefold()
    return holds and fact["user_id"] == lesson.user
