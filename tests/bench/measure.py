"""The rounds: every case of every contender once in each, forwards and backwards in turn."""

from collections.abc import Callable
from pathlib import Path

import httpx

from tests.bench import cases, context, corpus, idle, load, streams
from tests.bench.cases import Case, Plan
from tests.bench.contenders import Field, Running
from tests.bench.progress import Steps
from tests.bench.results import Results
from tests.bench.servers import library_bytes, settle

IMPORTS = """
import aiohappyeyeballs, apsw, cachetools, click, hiredis, httptools, litestar, msgspec, numpy, phonenumbers
import prometheus_client, redis.asyncio, redisvl.index, regex, sse_starlette, Stemmer, structlog, tiktoken, tokenizers
import uvicorn, uvloop
"""
"""What a server loads."""
OWN_LOADING = f"{IMPORTS}\nfrom memory.embedding.bundled import BundledEmbedder\nmodel = BundledEmbedder()\n"
LIBRARYS_LOADING = f"""{IMPORTS}
import os, wordllama
folder = os.path.dirname(wordllama.__file__)
model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
"""


FIRST_SECONDS = 120.0
"""A first request may still load what it needs."""

_JSON = {"Content-Type": "application/json"}


class Run:
    """One run over running contenders; what it finds goes into `results`."""

    def __init__(self, plan: Plan, field: Field, folder: Path, results: Results, steps: Steps) -> None:
        self._plan = plan
        self._field = field
        self._folder = folder
        self._results = results
        self._steps = steps
        self._asked = 0

    def everything(self) -> None:
        """Raises LoadFailedError at the first answer that is not as it must be."""
        for key, one in self._field.running.items():
            self._results.add(cases.MEMORY, key, {"rest": one.server.idle_bytes})
        for name, program in {"own": OWN_LOADING, "library": LIBRARYS_LOADING}.items():
            self._results.add(cases.MEMORY, name, {"rest": library_bytes(program)})
        self._warm()
        self._context()
        self._idle()
        total = self._plan.rounds * sum(len(case.contenders) for case in self._plan.cases)
        with self._steps.counting("measuring", total) as count:
            done = 0
            for number in range(self._plan.rounds):
                for case in self._plan.cases:
                    for key in case.contenders[:: 1 if number % 2 == 0 else -1]:
                        self._steps.say(f"round {number + 1}, {case.key}: {self._field.running[key].contender.name}")
                        self._results.add(case.key, key, dict(self._figures(case, self._field.running[key])))
                        count(done := done + 1)
        for key, one in self._field.running.items():
            self._results.rounds[cases.MEMORY][key][0]["after"] = one.server.resident_bytes()

    def _warm(self) -> None:
        """What happens once, to nobody's cost: connections, plans, caches, lazily imported code."""
        for one in self._field.running.values():
            self._steps.say(f"warming up: {one.contender.name}")
            for stream in (False, True):
                body = corpus.body("Is it?", stream=stream)
                httpx.post(one.url, content=body, headers=_JSON | one.headers, timeout=FIRST_SECONDS).raise_for_status()
            for kind in ("answers", "streams"):
                self._figures(Case("warm", "", kind, 16, ()), one)
        settle(self._field.processes)

    def _figures(self, case: Case, one: Running) -> load.Figures:
        try:
            if case.kind == "paced":
                return streams.paced(self._paced(case, one))
            return load.answers(
                one.url,
                self._requests(case, one.contender.users),
                one.headers,
                one.expected(case),
                connections=case.connections,
                seconds=case.seconds * one.contender.longer,
            )
        finally:
            if one.contender.learns:
                settle(self._field.processes)

    def _paced(self, case: Case, one: Running) -> streams.Task:
        first = self._asked
        self._asked += case.connections * case.seconds
        return streams.Task(one.url, one.contender.users, one.headers, case.connections, case.seconds, first)

    def _requests(self, case: Case, users: int) -> Path:
        stream = case.kind == "streams"
        name = f"requests-{users}-{'stream' if stream else 'json'}-{'large' if case.large else 'small'}.tsv"
        return self._written(name, lambda file: corpus.write_requests(file, users, stream=stream, large=case.large))

    def _context(self) -> None:
        if (one := self._field.running.get("redis")) is None or self._field.redis is None:
            return
        requests = self._written("queries.tsv", lambda file: corpus.write_queries(file, one.contender.users))
        for number in range(self._plan.context_rounds):
            self._steps.say(f"round {number + 1}, /v1/context")
            self._results.add(cases.CONTEXT, "raw", context.raw(self._field.redis.url, one, 1))
            self._results.add(cases.CONTEXT, "redis", context.assembled(one, requests, 1))

    def _idle(self) -> None:
        upstream = self._field.running["upstream"].server
        for key in ("relay", "plain", "redis"):
            if (one := self._field.running.get(key)) is not None:
                self._steps.say(f"{self._plan.idle_streams:,} open streams: {one.contender.name}")
                found = idle.measure(one, upstream, self._folder, self._plan.idle_streams)
                self._results.add(cases.IDLE, key, found)

    def _written(self, name: str, write: Callable[[Path], None]) -> Path:
        if not (file := self._folder / name).exists():
            write(file)
        return file
