"""The server's application: every use case of the studio under ``/api``, and room for a page.

    create_app ─► Guard ─► page (all but /api), or Answers ─► paths ─► Desk ─► queue ─► workers

The page is put in by whoever starts the server, so that this package does not know it.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from angen.api import problems
from angen.api.access import Access
from angen.api.answers import Answers, Kept
from angen.api.feed import Feed, Line
from angen.api.guard import Guard
from angen.api.problems import Problem
from angen.api.routes import (
    adapters,
    collections,
    datasets,
    encoder,
    jobs,
    models,
    songs,
    system,
    training,
    uploads,
)
from angen.api.samples import curl
from angen.api.views import EventView
from angen.errors import AngenError
from angen.jobs.events import Event
from angen.jobs.job import OVER, JobState
from angen.jobs.runner import Runner
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.orders import DESK, FETCH, MODEL, declare_uses, prune_jobs
from angen.studio.settings import Settings
from angen.studio.tidying import tidy_home

logger = logging.getLogger(__name__)

LANES = (MODEL, DESK, FETCH)
SAVING_S = 120.0  # how long a stopping server waits for running work to be saved
PAGE_FIRST_S = 10.0  # workers wait for the page so long
THREADS = 16  # that answer requests: all wait for the same two or four cores
FILES_AT_ONCE = 4  # full-sized recordings in one upload
_ROUTERS = (
    uploads.router,
    training.router,
    collections.router,
    datasets.router,
    adapters.comparing,
    adapters.router,
    songs.router,
    jobs.router,
    models.router,
    encoder.router,
    system.router,
)
_SUMMARY = """\
Everything that the studio can do. Bodies are JSON, but for uploads; unknown fields are refused.

What takes long answers 202 with a **job**: follow it at `/api/jobs/{job}` or, as it happens, at
`/api/jobs/{job}/events`. Errors are problem details (RFC 9457) that name the field to blame.
"""
_SCHEMES = {
    "password": {"type": "http", "scheme": "basic"},
    "token": {"type": "http", "scheme": "bearer"},
}


def worker_command(lane: str) -> list[str]:
    """The process that works on a lane."""
    return [sys.executable, "-m", "angen.studio.worker", lane]


def create_app(
    settings: Settings,
    *,
    store: Store | None = None,
    runner: bool = True,
    access: Access | None = None,
    kept: Kept | None = None,
) -> FastAPI:
    """The application.

    store: the queue; that of the settings else, which is closed when the application ends.
    runner: start processes that do the work.
    kept: how long answers are kept; only with a runner else, which hears at once of what is done.
    access: who may use it; anybody on this machine else.
    """
    access = access or Access()
    app = _Studio(
        title="Angen Studio",
        version=version("angen"),
        description=_SUMMARY,
        lifespan=_life(settings, store, runner),
        openapi_url="/api/openapi.json",
        docs_url=None,  # those pages load scripts from elsewhere; this server works offline
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.page = None
    app.state.page_built = None  # an event, where a page is to come
    app.state.kept = kept or (Kept() if runner else Kept(0.0, 0.0))
    app.state.paths = [route for router in _ROUTERS for route in _paths(router)]
    for router in _ROUTERS:
        app.include_router(router)
    problems.install(app, str(settings.home))
    most = FILES_AT_ONCE * settings.max_upload_bytes
    inside = _Page(Answers(app.door, app.state.kept), app.state)
    app.door = Guard(inside, access=access, max_upload_bytes=most, paths=app.state.paths)
    app.openapi = lambda: _described(app, access)  # type: ignore[method-assign]
    return app


def _paths(router: APIRouter) -> list[APIRoute]:
    return [route for route in router.routes if isinstance(route, APIRoute)]


class _Studio(FastAPI):
    """Everything comes in by ``door``: what is answered there costs nothing of the framework.

    What goes wrong in front of the framework is not told as a problem (``problems.install``).
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.door: ASGIApp = super().__call__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.door(scope, receive, send)


class _Page:
    """Hands all that is not the API's to the page, once there is one."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page: ASGIApp | None = self._state.page
        ours = scope["type"] == "lifespan" or scope["path"].startswith("/api/")
        await (self._app if ours or page is None else page)(scope, receive, send)


def _life(
    settings: Settings, store: Store | None, runner: bool
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        settings.home.mkdir(parents=True, exist_ok=True)
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        queue = store or Store(settings.database)
        await asyncio.to_thread(_tidied, queue, settings)
        desk = Desk(settings, queue)
        app.state.desk = desk
        app.state.kept.news = lambda: (queue.heard_orders(), desk.changes)
        app.state.feed = Feed(
            lambda job, after, limit: _lines(desk.events(job, after=after, limit=limit)),
            lambda job: _over(desk, app.state.kept, job),
        )
        workers = Runner(queue, LANES, worker_command) if runner else None
        starting = None
        if workers is not None:
            starting = asyncio.create_task(_start(workers, queue, app.state.page_built))
        try:
            yield
        finally:
            app.state.feed.close()
            if workers is not None and starting is not None:
                starting.cancel()
                await asyncio.wait([starting])
                await asyncio.to_thread(workers.stop, SAVING_S)
            if store is None:
                queue.close()

    return life


async def _start(workers: Runner, queue: Store, page_built: asyncio.Event | None) -> None:
    """Start the workers: at once if there is work, else once the page is built: a person waits."""
    seen = await asyncio.to_thread(queue.revision)
    unfinished = [state for state in JobState if state not in OVER]
    if page_built is not None and not await asyncio.to_thread(queue.jobs, states=unfinished):
        news = asyncio.create_task(queue.wait_async(seen, PAGE_FIRST_S))
        built = asyncio.create_task(page_built.wait())
        await asyncio.wait([news, built], return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        built.cancel()
    await asyncio.to_thread(workers.start)


def _lines(events: Iterable[Event]) -> list[Line]:
    views = (EventView.model_validate(event) for event in events)
    return [Line(view.number, view.kind, view.model_dump_json()) for view in views]


def _over(desk: Desk, kept: Kept, job: str) -> bool:
    over = desk.job(job).state.over
    if over:
        kept.forget()  # before its listeners are told
    return over


def _tidied(queue: Store, settings: Settings) -> None:
    """Put in order what earlier servers left; one that is in none must not keep this one away."""
    declare_uses(queue, settings)
    for tidy in (prune_jobs, tidy_home):
        try:
            tidy(queue, settings)
        except (AngenError, SQLAlchemyError, OSError) as error:
            logger.warning("not everything old is removed: %s", error)


def _described(app: FastAPI, access: Access) -> dict[str, Any]:
    """The OpenAPI description, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    for path, verbs in schema["paths"].items():
        for verb, what in verbs.items():
            what["x-codeSamples"] = [{"lang": "Shell", "source": curl(verb.upper(), path)}]
    parts = schema.setdefault("components", {})
    parts["schemas"]["Problem"] = Problem.model_json_schema(
        ref_template="#/components/schemas/{model}"
    )
    parts["schemas"].update(parts["schemas"]["Problem"].pop("$defs", {}))
    for name in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(name, None)
    if not access.is_open:
        parts["securitySchemes"] = _SCHEMES
        schema["security"] = [{name: []} for name in _SCHEMES]
    app.openapi_schema = schema
    return schema
