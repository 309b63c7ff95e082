"""Memories into files of JSON lines and back, through the API."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

import anyio
import httpx
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from memory.api.errors import ErrorBody
from memory.api.lines import FORMAT, Header, is_error
from memory.api.transfer import MEDIA_TYPE, ImportAnswer
from memory.errors import Invalid, RemoraError
from proxy.paths import path_of

PAGE = 10_000
"""How many memories are asked for at once: so many come in one piece where the application is in this process."""

_CHUNK = 1 << 16

_HEADER = b'{"format":"%s",' % FORMAT.encode()
"""How an export begins."""


class Scope(Struct, frozen=True):
    """Whose memories. An export takes no others; an import gives these names to lines that have none."""

    namespace: str | None = None
    user_id: str | None = None

    @property
    def query(self) -> dict[str, str]:
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


class _Begun(Struct, frozen=True):
    """What an earlier export has left in a file."""

    size: int = 0
    """Up to the end of its last whole line."""
    memories: int = 0
    last: str | None = None
    """The id of the last memory."""


class _Line(Struct):
    id: str


async def export_to(api: httpx.AsyncClient, path: Path | None, scope: Scope, console: Console) -> int:
    """Write memories to the file, or to standard output; how many it has then. What an earlier export has left in the
    file is gone on with. Raises RemoraError, among them Invalid for a file that is something else."""
    begun = _Begun() if path is None else _begun(path, scope)
    count, last = begun.memories, begun.last
    with _output(path, begun.size) as file, _progress(console, MofNCompleteColumn()) as progress:
        task = progress.add_task("exporting", total=await _total(api, scope), completed=count)
        while True:
            query = scope.query | {"limit": str(PAGE)} | ({} if last is None else {"after": last})
            came = 0 if last is not None else -1  # the header is no memory
            line = b""
            async with api.stream("GET", "/v1/memories/export", params=query) as answer:
                async for lines in _whole_lines(answer.aiter_bytes()):
                    line = lines[-1]
                    if is_error(line):  # always the last one
                        lines.pop()
                    file.writelines(lines)
                    came += len(lines)
                    progress.update(task, completed=count + max(came, 0))
            if is_error(line):
                raise RemoraError(msgspec.json.decode(line, type=ErrorBody).error.message)
            count += came
            if came < PAGE:
                return count
            last = msgspec.json.decode(line, type=_Line).id


async def import_from(api: httpx.AsyncClient, path: Path | None, scope: Scope, console: Console) -> ImportAnswer:
    """Send the file, or standard input. Raises RemoraError."""
    with _input(path) as (file, size), _progress(console, DownloadColumn()) as progress:
        task = progress.add_task("importing", total=size)

        async def sent() -> AsyncIterator[bytes]:
            stream = anyio.wrap_file(file)
            while chunk := await stream.read1(_CHUNK):
                yield chunk
                progress.update(task, advance=len(chunk))

        answer = await api.post(
            "/v1/memories/import", content=sent(), params=scope.query, headers={"Content-Type": MEDIA_TYPE}
        )
    return msgspec.json.decode(answer.content, type=ImportAnswer)


def _begun(path: Path, scope: Scope) -> _Begun:
    if not path.exists():
        return _Begun()
    with path.open("rb") as file:
        first = file.readline()
        if _HEADER.startswith(first) or (first.startswith(_HEADER) and not first.endswith(b"\n")):
            return _Begun()  # cut before its first memory
        try:
            header = msgspec.json.decode(first, type=Header)
            size, memories, last = len(first), 0, b""
            for line in file:
                if line.endswith(b"\n"):
                    size, memories, last = size + len(line), memories + 1, line
            if not memories:
                return _Begun()
            id = msgspec.json.decode(last, type=_Line).id
        except msgspec.MsgspecError:
            raise Invalid(f"{path} is no export that could be gone on with: name another file") from None
    if Scope(header.namespace, header.user_id) != scope:
        raise Invalid(f"{path} is an export of another namespace or user: name another file")
    return _Begun(size, memories, id)


@contextlib.contextmanager
def _output(path: Path | None, size: int) -> Iterator[IO[bytes]]:
    """To be written on after its first `size` bytes; a new file is nobody else's to read."""
    if path is None:
        yield sys.stdout.buffer
        return
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:  # noqa: PTH123 - Path can't say the mode
        file.truncate(size)
        file.seek(size)
        yield file


@contextlib.contextmanager
def _input(path: Path | None) -> Iterator[tuple[IO[bytes], int | None]]:
    """With its size, where it has one."""
    if path is None:
        yield sys.stdin.buffer, None
        return
    with path.open("rb") as file:
        yield file, path.stat().st_size


def _progress(console: Console, amount: ProgressColumn) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn(), console=console)


async def _whole_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    rest = b""
    async for chunk in chunks:
        lines = (rest + chunk).splitlines(keepends=True)
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        if lines:
            yield lines


async def _total(api: httpx.AsyncClient, scope: Scope) -> int | None:
    """For the bar: how many there are, if that is known and may be."""
    if scope.user_id is not None:
        return None
    with contextlib.suppress(RemoraError):
        if scope.namespace is None:
            return int((await api.get("/v1/stats")).json()["storage"]["memory_count"])
        return int((await api.get(path_of("v1", "namespaces", scope.namespace))).json()["stats"]["memory_count"])
    return None
