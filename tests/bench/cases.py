"""What is measured, of whom, for how long: the plan as data.

Not every combination: what an aim speaks of is measured over two seconds and of every contender, the rest shows how it
goes on from there and is measured of the main ones.
"""

from dataclasses import dataclass, replace
from typing import Literal

from tests.bench import corpus

Kind = Literal["answers", "streams", "paced"]
"""Whole JSON answers; streams as fast as they come; streams with an event every 20 ms."""

Role = Literal["upstream", "relay", "remora", "litellm"]


@dataclass(frozen=True)
class Contender:
    """Something to measure, and how it is asked."""

    key: str
    name: str
    role: Role = "remora"
    store: Literal["none", "redis", "sqlite"] = "none"
    """`none`: SQLite in memory, and no call uses it."""
    memories: int = 0
    users: int = corpus.USERS
    learns: bool = False
    longer: int = 1
    """Whole answers and full-speed streams are measured for so many times the case's seconds: of few answers a second
    there would be too few else."""

    @property
    def headers(self) -> dict[str, str]:
        """What its requests say beside what all of them do."""
        headers = {"Authorization": "Bearer bench"}
        if self.role == "remora" and not self.learns:
            headers["X-Remora-Skip-Extract"] = "true"
        if self.role == "remora" and self.store == "none":
            headers["X-Remora-Skip-Memory"] = "true"
        return headers


@dataclass(frozen=True)
class Case:
    """Something to measure of several contenders, once in each round."""

    key: str
    title: str
    kind: Kind
    connections: int
    contenders: tuple[str, ...]
    large: bool = False
    """Prompts of 100 KB."""
    seconds: int = 1
    """Of `paced`, how many streams each connection asks for."""


@dataclass(frozen=True)
class Plan:
    contenders: tuple[Contender, ...]
    cases: tuple[Case, ...]
    rounds: int
    idle_streams: int
    """How many are held open to see what one costs."""
    context_rounds: int


_ONE_USER, _MANY = 1, 1_000
_CONTENDERS = (
    Contender("upstream", "the upstream itself", "upstream"),
    Contender("relay", "bare relay", "relay"),
    Contender("plain", "Remora, memory not used"),
    Contender("redis", "Remora on Redis", store="redis", memories=corpus.MEMORIES),
    Contender("sqlite", "Remora on SQLite", store="sqlite", memories=corpus.MEMORIES),
    Contender("redis-learns", "Remora on Redis, learning", store="redis", memories=corpus.MEMORIES, learns=True),
    Contender("sqlite-learns", "Remora on SQLite, learning", store="sqlite", memories=corpus.MEMORIES, learns=True),
    Contender(
        "redis-one", "Remora on Redis, all of one user", store="redis", memories=corpus.MEMORIES, users=_ONE_USER
    ),
    Contender(
        "sqlite-one", "Remora on SQLite, all of one user", store="sqlite", memories=corpus.MEMORIES, users=_ONE_USER
    ),
    Contender("redis-100k", "Remora on Redis, 100,000 memories", store="redis", memories=100_000, users=_MANY),
    Contender("sqlite-100k", "Remora on SQLite, 100,000 memories", store="sqlite", memories=100_000, users=_MANY),
)
LITELLM = Contender("litellm", "LiteLLM's proxy", "litellm", longer=4)

_MAIN = ("upstream", "relay", "plain", "redis", "sqlite")
_LEARNING = ("redis-learns", "sqlite-learns")
_ALL = tuple(contender.key for contender in _CONTENDERS)

ALONE = Case("json-1", "JSON, one connection", "answers", 1, _ALL, seconds=2)
TOGETHER = Case("json-16", "JSON, 16 connections", "answers", 16, _ALL, seconds=2)
STREAMS = Case(
    "streams-16", "Streams of 64 events at full speed, 16 connections", "streams", 16, _MAIN + _LEARNING, seconds=2
)
PACED = Case("paced-10", "Streams of an event every 20 ms, 10 at once", "paced", 10, _MAIN, seconds=3)
"""As many as LiteLLM still keeps up with."""

IDLE = "idle"
MEMORY = "memory"
CONTEXT = "context"
"""Cases of their own shape: what open streams take, what processes take, retrieval and assembly alone."""

FULL = Plan(
    contenders=_CONTENDERS,
    cases=(
        ALONE,
        TOGETHER,
        Case("json-64", "JSON, 64 connections", "answers", 64, _MAIN),
        Case("json-256", "JSON, 256 connections", "answers", 256, _MAIN, seconds=2),
        Case("large-1", "Prompts of 100 KB, one connection", "answers", 1, _MAIN, large=True),
        Case("large-16", "Prompts of 100 KB, 16 connections", "answers", 16, _MAIN, large=True),
        STREAMS,
        PACED,
    ),
    rounds=3,
    idle_streams=1_000,
    context_rounds=5,
)

QUICK = Plan(
    contenders=_CONTENDERS[: len(_MAIN)],
    cases=tuple(replace(case, contenders=_MAIN, seconds=1) for case in (ALONE, TOGETHER, STREAMS, PACED)),
    rounds=2,
    idle_streams=200,
    context_rounds=2,
)


def with_peers(plan: Plan) -> Plan:
    """The plan with LiteLLM's proxy in the cases that the aims compare it in."""
    compared = {ALONE.key, TOGETHER.key, STREAMS.key, PACED.key}
    cases = (
        replace(case, contenders=(*case.contenders, LITELLM.key)) if case.key in compared else case
        for case in plan.cases
    )
    return replace(plan, contenders=(*plan.contenders, LITELLM), cases=tuple(cases))


def narrowed(plan: Plan, contenders: tuple[str, ...], cases: tuple[str, ...]) -> Plan:
    """The plan with these contenders, the upstream and the relay, and with these cases; none named is all. Raises
    KeyError with the names that are not in the plan."""
    known = {contender.key for contender in plan.contenders} | {case.key for case in plan.cases}
    if unknown := {*contenders, *cases} - known:
        raise KeyError(*sorted(unknown))
    kept = tuple(
        contender
        for contender in plan.contenders
        if not contenders or contender.key in {"upstream", "relay", *contenders}
    )
    keys = {contender.key for contender in kept}
    return replace(
        plan,
        contenders=kept,
        cases=tuple(
            replace(case, contenders=tuple(key for key in case.contenders if key in keys))
            for case in plan.cases
            if not cases or case.key in cases
        ),
    )
