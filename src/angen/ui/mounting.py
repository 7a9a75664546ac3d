"""The page as an application of its own, with what Gradio leaves open to strangers closed.

build_page ─► Blocks ─► checks of paths on, no record of runs, old uploads deleted ─► FastAPI
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import gradio as gr
from fastapi import FastAPI

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
    return shell


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
