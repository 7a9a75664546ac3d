"""The server's life: one home, one port, and a page that is built while the API answers already.

claimed ─► listening ─► serve ─► API at once, page once it is built ─► work saved ─► end
"""

import asyncio
import errno
import fcntl
import inspect
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from angen.api.problems import problem
from angen.cli.connection import Connection
from angen.errors import BadInput, Taken
from angen.studio.settings import PREFIX

if TYPE_CHECKING:
    from angen.studio.desk import Desk
    from angen.studio.settings import Settings

logger = logging.getLogger(__name__)

LOCK_FILE = ".studio.lock"
PAGE_WAIT_S = 120.0  # a request for the page waits so long for it
CLOSING_S = 2  # for answers under way when the server stops
BACKLOG = 2048
EXIT_STOPPED = 130
LET_GO = "timeout graceful shutdown exceeded"  # what uvicorn says of answers that it cuts short

BuildPage = Callable[["Desk"], FastAPI]


@contextmanager
def claimed(home: Path) -> Iterator[Callable[[str], None]]:
    """Hold ``home`` for one server; what comes back notes the address at which it is reached.

    Raises Taken, with the other's address, when a server works there.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK_FILE).open("a+") as lock:

        def note(address: str) -> None:
            lock.truncate(0)
            lock.write(address)
            lock.flush()

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            where = lock.read(500) or "another address"
            raise Taken(
                f"A studio already works on {home}, at {where}. Open that one, stop it, or give "
                "this one another --home."
            ) from None
        note("")
        yield note
        note("")


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that takes connections for ``host`` and ``port``; port 0 is any that is free.

    Raises BadInput when another program has the port, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((host, port))
            server.listen(BACKLOG)
        except OSError as error:
            raise BadInput(_unbound(host, port, error)) from error
        yield server


def _unbound(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another one: --port {port + 1}."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved by the system. Choose one of 1024 to 65535."
    return f"{host}:{port} cannot be used: {error.strerror}. Is it an address of this machine?"


class Page:
    """The page as an application of its own, built in a thread; requests wait for it."""

    def __init__(self, build: Callable[[], FastAPI], ready: asyncio.Event) -> None:
        """ready: set when the page is built, or cannot be."""
        self._build = build
        self._ready = ready
        self._built: asyncio.Future[FastAPI] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._built is not None
        try:
            page = await asyncio.wait_for(asyncio.shield(self._built), PAGE_WAIT_S)
        except Exception:
            if scope["type"] == "http":
                refusal = problem(503, "The page could not be built; see the log.", scope["path"])
                await refusal(scope, receive, send)
            return
        await page(scope, receive, send)

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Build the page and keep it alive as long as the block lasts."""
        self._built = asyncio.get_running_loop().create_future()
        ending = asyncio.Event()
        life = asyncio.create_task(self._live(self._built, ending))
        try:
            yield
        finally:
            ending.set()
            await life

    async def _live(self, built: "asyncio.Future[FastAPI]", ending: asyncio.Event) -> None:
        try:
            page = await asyncio.to_thread(self._build)
            async with page.router.lifespan_context(page):
                built.set_result(page)
                self._ready.set()
                await ending.wait()
        except Exception as error:
            logger.exception("The page could not be built")
            if not built.done():
                built.set_exception(error)
                built.exception()  # told in the log; nobody need ask for it
        finally:
            self._ready.set()


class Server(uvicorn.Server):
    """Ends its endless streams when it is asked to stop; asked again, it does not wait."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(EXIT_STOPPED)  # the workers see it, and save what runs by themselves
        super().handle_exit(sig, frame)
        self._on_stop()


def with_page(app: FastAPI, build: BuildPage) -> None:
    """Have ``app`` show the page that ``build`` makes, from when it is built."""
    app.state.page_built = built = asyncio.Event()
    page = Page(lambda: build(app.state.desk), built)
    life = app.router.lifespan_context

    @asynccontextmanager
    async def both(own: FastAPI) -> AsyncIterator[None]:
        async with life(own), page.living():
            own.state.page = page
            yield

    app.router.lifespan_context = both


@contextmanager
def quiet_end() -> Iterator[None]:
    """Within the block nothing is told of streams that open pages hold until the server ends.

    uvicorn cancels them when it stops, and then logs each cancellation as a fault.
    """

    def worth_telling(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return not record.getMessage().endswith(LET_GO)
        return not (isinstance(error, asyncio.CancelledError) and str(error).endswith(LET_GO))

    log = logging.getLogger("uvicorn.error")
    log.addFilter(worth_telling)
    try:
        yield
    finally:
        log.removeFilter(worth_telling)


def serve(app: FastAPI, listener: socket.socket, on_stop: Callable[[], None]) -> None:
    """Answer until a signal ends it; ``on_stop`` is called then, before work is saved."""

    def stopping() -> None:
        on_stop()
        if (feed := getattr(app.state, "feed", None)) is not None:
            feed.close()

    config = uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=CLOSING_S,
        ws_max_size=2**16,  # websockets only send here
        ws_per_message_deflate=False,
        server_header=False,
    )
    with quiet_end():
        Server(config, stopping).run([listener])


def hand_on(settings: "Settings") -> None:
    """Have worker processes find the same settings in their environment, but no passwords."""
    for name, value in settings.model_dump(mode="json", exclude={"auth", "token"}).items():
        if value is not None:
            os.environ[PREFIX + name.upper()] = str(value)
    for name in ("auth", "token"):
        os.environ.pop(PREFIX + name.upper(), None)


def keep_within(settings: "Settings") -> None:
    """Have all temporary files of this process lie in the home: uploads, Gradio's copies."""
    place = settings.home / ".tmp"
    shutil.rmtree(place, ignore_errors=True)  # of a server that was killed
    place.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(place)
    os.environ["GRADIO_TEMP_DIR"] = str(place / "page")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@contextmanager
def without_stubs() -> Iterator[None]:
    """Import Gradio faster.

    For editors it writes typing stubs of its components into its own folder, at each
    import anew: half of the time that importing takes. It leaves out those whose source it cannot
    find, so in this block it finds none.
    """
    find = inspect.getfile

    def found(thing: Any) -> str:
        if getattr(thing, "__module__", "").startswith("gradio."):
            raise OSError("no stub is needed")
        return find(thing)

    inspect.getfile = found  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = find


def build_page(desk: "Desk") -> FastAPI:
    """The page as an application. Imports Gradio: takes seconds."""
    with without_stubs():
        from angen.ui.mounting import mount_page

    return mount_page(desk)
