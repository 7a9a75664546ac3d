"""The page as an application of its own, with what Gradio leaves open to strangers closed.

build_page ─► Blocks ─► checks of paths on, no record of runs, old uploads deleted ─► FastAPI
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import gradio as gr
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from gradio.route_utils import FnIndexInferError
from starlette.requests import ClientDisconnect
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from angen.studio.desk import Desk
from angen.ui.app import build_page
from angen.ui.theme import mount_options

CLICK_S = 0.05  # between two looks of the page for a click that waits
PROGRESS_S = 0.1  # between two looks for the progress of a click
UNREAD_S = 60.0  # messages that no browser fetches for so long are dropped
WAITING_EVENTS = 500  # events that may wait at once, for a worker of the page
SESSIONS = 500  # browsers whose state is kept
UPLOAD_AGE_S = 6 * 3600  # uploaded files that nothing has taken are deleted after
SWEEP_S = 600
MAX_NAME = 255  # bytes of a file's name, on any file system
OWN = "/gradio_api/"  # Gradio's own paths; those that a page asks for:
NEEDED = (
    *(
        "app_id",
        "cancel",
        "component_server",
        "file=",
        "heartbeat/",
        "info",
        "login_check",
        "queue/",
    ),
    *("reset", "run/", "startup-events", "stream/", "theme.css", "upload", "user"),
)


def mount_page(desk: Desk) -> FastAPI:
    """The page, ready to be served under ``/``."""
    page = build_page(desk)
    page.delete_cache = (SWEEP_S, UPLOAD_AGE_S)
    page.state_session_capacity = SESSIONS
    page.queue(max_size=WAITING_EVENTS)
    # A thousand and a hundred looks a second are its defaults, where it is not Windows.
    queue = page._queue
    queue.sleep_when_free = max(CLICK_S, queue.sleep_when_free)
    queue.progress_update_sleep_when_free = max(PROGRESS_S, queue.progress_update_sleep_when_free)
    shell = FastAPI(openapi_url=None, lifespan=lambda _: _dropping_unread(page))
    gr.mount_gradio_app(
        shell,
        page,
        path="/",
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
        max_file_size=desk.settings.max_upload_bytes,
        allowed_paths=[],
        enable_monitoring=False,
        **mount_options(),
    )
    # Gradio checks that a path in a request lies in its upload folder only once ``launch`` was
    # called, which a mounted page never is: without this line any file could be fetched.
    page.has_launched = True
    (gradio,) = (route.app for route in shell.routes if isinstance(route, Mount))
    assert isinstance(gradio, FastAPI)
    for fault in (KeyError, FnIndexInferError):
        gradio.add_exception_handler(fault, _no_event)
    gradio.add_exception_handler(RequestValidationError, _unreadable)
    shell.add_middleware(_Narrow)
    return shell


async def _no_event(_request: Request, _fault: Exception) -> Response:
    return JSONResponse({"detail": "The page has no such event."}, 404)


async def _unreadable(_request: Request, _fault: Exception) -> Response:
    """Without the values: those that are no JSON, as NaN, cannot be told back."""
    return JSONResponse({"detail": "This cannot be read as a request of the page."}, 422)


class _Narrow:
    """Of Gradio's own paths those that the page asks for: of the others strangers make errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        closed = path.startswith(OWN) and not path.removeprefix(OWN).startswith(NEEDED)
        if closed or any(len(part.encode(errors="replace")) > MAX_NAME for part in path.split("/")):
            await Response(status_code=404)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except RuntimeError as error:
            if not isinstance(error.__cause__, HTTPException):
                raise
            # a stream for a session that is not known: it ends as it began
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextlib.asynccontextmanager
async def _dropping_unread(page: gr.Blocks) -> AsyncIterator[None]:
    """Within the block, messages for browsers that have gone are dropped."""

    async def sweep() -> None:
        unread: dict[str, int] = {}
        while True:
            await asyncio.sleep(UNREAD_S)
            unread = await drop_unread(page, unread)

    sweeping = asyncio.create_task(sweep())
    try:
        yield
    finally:
        sweeping.cancel()


async def drop_unread(page: gr.Blocks, before: dict[str, int]) -> dict[str, int]:
    """Drop the sessions of which nobody has taken a message since the last look.

    before: messages that waited then, by session, as the last call returned them. Returns those
    that wait now. Gradio keeps them for ever, and the results inside with them.
    """
    queue = page._queue
    sessions = queue.pending_messages_per_session
    waiting = {name: messages.qsize() for name, messages in list(sessions.items())}
    for name, count in waiting.items():
        if 0 < before.get(name, 0) <= count:
            await queue.clean_events(session_hash=name)
            sessions.pop(name, None)
            queue.pending_event_ids_session.pop(name, None)
    return {name: count for name, count in waiting.items() if count}
