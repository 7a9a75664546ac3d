"""The process that does the jobs of one lane: ``python -m angen.studio.worker model``.

A server starts it and holds its standard input; when that ends, so does the worker.
"""

import logging
import sys
from collections.abc import Sequence
from functools import partial

from angen.errors import AngenError
from angen.jobs.store import Store
from angen.jobs.worker import work
from angen.studio.orders import DESK, MODEL, prune_jobs
from angen.studio.playing.shelf import Shelf
from angen.studio.settings import Settings, read_settings
from angen.studio.work import handlers

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Work until the server is gone; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if len(arguments) != 1 or arguments[0] not in (MODEL, DESK):
        logger.error("usage: python -m angen.studio.worker %s|%s", MODEL, DESK)
        return 2
    (lane,) = arguments
    try:
        settings = read_settings()
        shelf = Shelf()
        idle = partial(_warm, shelf, settings) if lane == MODEL else None
        with Store(settings.database) as store:
            tidy = partial(prune_jobs, store, settings)
            work(store, lane, handlers(settings, shelf), idle=idle, tidy=tidy)
    except AngenError as error:
        logger.error("%s", error)
        return 1
    return 0


def _warm(shelf: Shelf, settings: Settings) -> None:
    """Have the model ready. What is wrong with it is told to whoever asks for a song."""
    try:
        shelf.warm(settings)
    except AngenError as error:
        logger.warning("the model cannot be loaded: %s", error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
