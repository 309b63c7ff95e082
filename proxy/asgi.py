"""The OpenAI-compatible surface: a pure ASGI application, to be mounted at `/v1` and `/proxy/v1`."""

import contextlib
import logging
import time
from typing import Any
from urllib.parse import quote

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send

from admin.capacity import Capacity, Place
from admin.credentials import without_key
from admin.gate import Gate
from admin.meter import Meter
from admin.middleware import CALLER
from config.settings import Settings
from config.supervisor import Supervisor
from memory.errors import Invalid, NotFound, RemoraError
from proxy.call import Call
from proxy.chat import Chat
from proxy.client import Client, ClientGone
from proxy.errors import Unsupported, error_answer, internal_error
from proxy.passthrough import PassThrough
from proxy.reception import MEMORY, REQUEST_ID

log = logging.getLogger("remora.proxy")

ROOTS = (b"/proxy/v1", b"/v1")
CHAT = "/chat/completions"
CHAT_PATHS = frozenset(root.decode() + CHAT for root in ROOTS)

_NO_WEBSOCKETS = "WebSockets are not supported here; use HTTP, with server-sent events for streams"


class OpenAIProxy:
    """Answers every request under its roots, errors included; nothing is raised to the server around it."""

    def __init__(
        self,
        settings: Settings,
        *,
        gate: Gate,
        meter: Meter,
        capacity: Capacity,
        chat: Chat,
        pass_through: PassThrough,
        supervisor: Supervisor,
    ) -> None:
        self._gate = gate
        self._meter = meter
        self._capacity = capacity
        self._chat = chat
        self._pass_through = pass_through
        self._supervisor = supervisor
        key = settings.upstream.api_key
        self._own_authorization = None if key is None else f"Bearer {key.reveal()}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._serve(scope, receive, send)
        else:
            await _refuse_websocket(scope, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        length = _length(headers.get(b"content-length"))
        client = Client(receive, send, self._supervisor, declared=length)
        scope["state"][MEMORY] = None
        try:
            if headers.get(b"upgrade", b"").lower() == b"websocket":
                raise Unsupported(_NO_WEBSOCKETS)
            with self._capacity.proxied.take() as place:
                client.hold = place.hold
                await self._answer(await self._call(scope, length, headers, place), client, scope["state"])
        except ClientGone:
            log.debug("the client left")
        except RemoraError as error:
            await self._tell(client, error)
        except Exception:
            log.exception("a call failed for a fault of ours")
            await self._tell(client, internal_error())
        finally:
            client.close()

    async def _call(self, scope: HTTPScope, length: int | None, headers: dict[bytes, bytes], place: Place) -> Call:
        started = time.perf_counter()
        who = await self._gate.proxied(scope)
        place.claim(who.caller.tenant)
        scope["state"][CALLER] = who.caller
        who.caller.require("inference")
        path = _path(scope)
        if who.keyless and _is_chat(scope["method"], path) and not _is_json(headers.get(b"content-type", b"")):
            # What a web page may send without asking: a form, or plain text.
            raise Invalid("Content-Type: must be 'application/json'", field="Content-Type")
        own_key = who.upstream_authorization is None and self._own_authorization is not None
        return Call(
            id=scope["state"][REQUEST_ID],
            caller=who.caller,
            method=scope["method"],
            path=path,
            query=_query(scope["query_string"]),
            headers=list(scope["headers"]),
            authorization=self._own_authorization if own_key else who.upstream_authorization,
            own_key=own_key,
            length=length,
            has_body=bool(length) or b"transfer-encoding" in headers,
            started=started,
        )

    async def _answer(self, call: Call, client: Client, state: dict[str, Any]) -> None:
        chat = _is_chat(call.method, call.path)
        try:
            await (self._chat if chat else self._pass_through).handle(call, client)
        finally:
            state[MEMORY] = call.memory
            tenant, milliseconds = call.caller.tenant, 1000 * (time.perf_counter() - call.started)
            self._meter.record(tenant, "chat" if chat else "other", milliseconds)
            if call.recalled_ms is not None:
                self._meter.record(tenant, "context", call.recalled_ms)

    async def _tell(self, client: Client, error: RemoraError) -> None:
        if client.answering:
            return  # unfinished: the server around closes the connection, by which the client sees that it was cut
        status, headers, body = error_answer(error)
        with contextlib.suppress(ClientGone):
            await client.answer(status, headers, body)


async def _refuse_websocket(scope: Scope, send: Send) -> None:
    if "websocket.http.response" in (scope.get("extensions") or {}):
        status, headers, body = error_answer(Unsupported(_NO_WEBSOCKETS))
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
    else:
        await send({"type": "websocket.close", "code": 1003, "reason": _NO_WEBSOCKETS})


def _is_chat(method: str, path: str) -> bool:
    return method == "POST" and path == CHAT


def _is_json(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].strip().lower() == b"application/json"


def _path(scope: HTTPScope) -> str:
    """What follows the root, as it was sent."""
    raw = scope["raw_path"] or quote(scope["path"]).encode()
    for root in ROOTS:
        if raw.startswith(root + b"/") or raw == root:
            return raw.removeprefix(root).decode("latin-1")
    raise NotFound("no such path")


def _query(raw: bytes) -> str:
    """With its question mark, as it was sent, less our own key."""
    kept = without_key(raw) if raw else raw
    return "?" + kept.decode("latin-1") if kept else ""


def _length(header: bytes | None) -> int | None:
    return int(header) if header is not None and header.isdigit() else None
