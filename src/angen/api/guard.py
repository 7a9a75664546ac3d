"""What every request passes first: its origin, its password, its size and kind.

Pure ASGI, so that it holds for the page, for Gradio's own paths and for websockets too.
"""

import asyncio
import math
import re
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from angen.amounts import size_text
from angen.api.access import Access, is_own, may_enter
from angen.api.attempts import Attempts
from angen.api.problems import problem

MAX_JSON_BYTES = 4_000_000
FILES = re.compile(r"/api/uploads|/api/training/(datasets|lora-adapters)/import")  # take files
BODY_S = 60.0  # without a byte of a body that was announced
WRONG_PASSWORD_S = 0.5  # before a wrong password is answered
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-resource-policy": "same-origin",
}


_ENCODED = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


class Guard:
    """Lets a request through to ``app``, or answers it with a problem."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        max_upload_bytes: int,
        paths: Sequence[BaseRoute],
        body_s: float = BODY_S,
    ) -> None:
        """max_upload_bytes: of one request with files; paths: those that take a body.

        body_s: longest pause within a body.
        """
        self._body_s = body_s
        self._app = app
        self._paths = paths
        self._access = access
        self._max_upload_bytes = max_upload_bytes
        self._attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = await self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            limit = self._limit(scope["path"])
            await self._app(scope, _counted(receive, limit, self._body_s), _with_headers(send))

    async def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """What is wrong with a request, if anything."""
        path = scope["path"]
        if not is_own(
            self._access,
            host=headers.get("host", ""),
            origin=headers.get("origin"),
            site=_site(headers),
        ):
            detail = (
                "This request comes from another site, or calls the server by a name that is not "
                "its own. Start it with --allow-origin to allow that."
            )
            return problem(403, detail, path)
        if not self._access.is_open:
            refused = await self._locked(scope, headers.get("authorization"))
            if refused is not None:
                return refused
        if scope["type"] == "http" and path.startswith("/api/"):
            unfit = _unfit(scope, headers, self._limit(path))
            # A path that does not exist is the application's to tell, whatever was sent to it.
            return unfit if unfit is not None and self._exists(scope) else None
        return None

    async def _locked(self, scope: Scope, authorization: str | None) -> Response | None:
        """The problem with what a request shows as its password or token."""
        path, (address, _) = scope["path"], scope.get("client") or ("", 0)
        if authorization is not None:
            wait_s = math.ceil(self._attempts.wait_s(address))
            if wait_s:
                detail = f"Too many wrong passwords. Try again in {wait_s} s."
                return problem(429, detail, path, headers={"retry-after": str(wait_s)})
            if may_enter(self._access, authorization):
                self._attempts.right(address)
                return None
            self._attempts.wrong(address)
            await asyncio.sleep(WRONG_PASSWORD_S)
        challenge = {"www-authenticate": 'Basic realm="Angen Studio", charset="UTF-8"'}
        return problem(401, "Give the user and password, or a token.", path, headers=challenge)

    def _exists(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._paths)

    def _limit(self, path: str) -> int:
        """Bytes that a request for ``path`` may bring."""
        if FILES.fullmatch(path) or not path.startswith("/api/"):
            return self._max_upload_bytes
        return MAX_JSON_BYTES


def _site(headers: Headers) -> str | None:
    """Where a browser says that the request comes from; following a link is no call."""
    if headers.get("sec-fetch-mode") == "navigate":
        return None
    return headers.get("sec-fetch-site")


def _unfit(scope: Scope, headers: Headers, limit: int) -> Response | None:
    """The problem with a body that announces itself as too large, or as of the wrong kind."""
    path, length = scope["path"], headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        return problem(413, _too_large(limit), path)
    has_body = length not in ("", "0") or "transfer-encoding" in headers
    if scope["method"] not in ("POST", "PUT", "PATCH") or not has_body:
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = "multipart/form-data" if FILES.fullmatch(path) else "application/json"
    if kind == wanted:
        return None
    given = kind[:100] or "a body without a type"
    return problem(415, f"Send {wanted}, not {given}. {_HINTS[wanted]}", path)


_HINTS = {
    "application/json": "With curl: -H 'Content-Type: application/json'.",
    "multipart/form-data": "With curl: -F files=@song.wav.",
}


_TOO_SLOW = "Nothing more of the body has come for too long. Send the request again."


def _too_large(limit: int) -> str:
    return f"The body is larger than {size_text(limit)}. Send less at once."


def _counted(receive: Receive, limit: int, pause_s: float) -> Receive:
    """``receive`` that raises 413 after ``limit`` bytes, whatever was announced.

    It raises 408 when nothing more of a body has come for ``pause_s``.
    """
    seen, whole = 0, False

    async def counted() -> Message:
        nonlocal seen, whole
        if whole:
            return await receive()  # waits for the client to go
        try:
            async with asyncio.timeout(pause_s):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, _TOO_SLOW, {"connection": "close"}) from error
        whole = not message.get("more_body", False)
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, _too_large(limit), {"connection": "close"})
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = _secured(message.get("headers", ()))
        await send(message)

    return sending


def _secured(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, and those that keep browsers from misusing it."""
    given = list(headers)
    known = {name.lower() for name, _ in given}
    return [*given, *(pair for pair in _ENCODED if pair[0] not in known)]


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await response(scope, receive, _with_headers(send))
        return
    await receive()  # the client's wish to connect
    if "websocket.http.response" in scope.get("extensions", {}):
        await response(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})
