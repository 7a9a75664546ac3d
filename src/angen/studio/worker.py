"""The process that does the jobs of one lane: ``python -m angen.studio.worker model``.

A server starts it and holds its standard input; when that ends, so does the worker.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from angen.errors import AngenError
from angen.jobs.store import Store
from angen.jobs.worker import work
from angen.studio.models import fetch_job
from angen.studio.orders import DESK, FETCH, MODEL, prune_jobs
from angen.studio.settings import Settings, read_settings

if TYPE_CHECKING:
    from angen.studio.playing.shelf import Shelf

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Work until the server is gone; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if len(arguments) != 1 or arguments[0] not in (MODEL, DESK, FETCH):
        logger.error("usage: python -m angen.studio.worker %s|%s|%s", MODEL, DESK, FETCH)
        return 2
    (lane,) = arguments
    try:
        settings = read_settings()
        with Store(settings.database) as store:
            tidy = partial(prune_jobs, store, settings)
            if lane == FETCH:  # which waits for a network, and needs no torch
                work(store, lane, {"fetch": partial(fetch_job, settings)}, tidy=tidy)
            else:
                _work(store, lane, settings, tidy)
    except AngenError as error:
        logger.error("%s", error)
        return 1
    return 0


def _work(store: Store, lane: str, settings: Settings, tidy: Callable[[], None]) -> None:
    from angen.studio.playing.shelf import Shelf
    from angen.studio.work import handlers

    shelf = Shelf()
    idle = partial(_warm, shelf, settings) if lane == MODEL else None
    work(store, lane, handlers(settings, shelf), idle=idle, tidy=tidy)


def _warm(shelf: "Shelf", settings: Settings) -> None:
    """Have the model ready. What is wrong with it is told to whoever asks for a song."""
    try:
        shelf.warm(settings)
    except AngenError as error:
        logger.warning("the model cannot be loaded: %s", error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
