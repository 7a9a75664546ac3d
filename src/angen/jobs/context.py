"""What a handler sees of the queue while it works, and how it tells of its progress."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from angen.errors import Stopped
from angen.jobs.events import MAX_TEXT, PROGRESS, SAY, STAGE
from angen.jobs.job import Job, Progress
from angen.jobs.outage import OUTAGES
from angen.jobs.store import Store

logger = logging.getLogger(__name__)

TOLD_S = 0.25  # between two writings of progress
KEPT_S = 1.0  # between two events of progress
ESTIMATE_S = 1.0  # of watching before a guess of the time left is worth anything

OnStep = Callable[[int, int], None]  # steps done, steps in all; may raise Stopped


class Context(Protocol):
    """A job in the making, as its handler sees it."""

    @property
    def job(self) -> Job:
        """As it was when this attempt began."""

    def stage(self, title: str) -> OnStep:
        """A new stage of the work begins; the earlier one is over. Returns where to count it.

        What it returns raises Stopped when the work should end: save what there is and let it pass.
        """

    def say(self, message: str) -> None:
        """A line worth keeping."""

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """News for whoever watches: metrics, a sample. Kept and replayed."""

    def stopping(self) -> bool:
        """Whether the work should end: asked to, or the server is gone."""


class WorkContext:
    """The context of a job in a worker's process."""

    def __init__(
        self,
        store: Store,
        job: Job,
        stopping: Callable[[], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._job = job
        self._stopping = stopping
        self._now = now
        self._untold: Progress | None = None  # the latest, if it was not written

    @property
    def job(self) -> Job:
        return self._job

    def stage(self, title: str) -> OnStep:
        self._check()
        self.flush()
        self._tell(STAGE, {"title": title})
        self._tell_progress(Progress(stage=title, done=0, total=0), keep=False)
        pace = _Pace(self._now)

        def on_step(done: int, total: int) -> None:
            now = Progress(
                stage=title, done=done, total=total, seconds_left=pace.seconds_left(done, total)
            )
            if pace.due(last=done >= total):
                self._tell_progress(now, keep=pace.worth_keeping(done >= total))
            else:
                self._untold = now
            self._check()

        return on_step

    def say(self, message: str) -> None:
        self._tell(SAY, {"message": message[:MAX_TEXT]})

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind in (PROGRESS, STAGE, "state"):
            raise ValueError(f"events of kind {kind!r} are made by the queue")
        self._tell(kind, data)

    def stopping(self) -> bool:
        return self._stopping()

    def flush(self) -> None:
        """Write progress that was held back: this stage is over."""
        if self._untold is not None:
            self._tell_progress(self._untold, keep=True)

    def _tell_progress(self, now: Progress, *, keep: bool) -> None:
        self._untold = None
        with _may_be_lost():
            self._store.progress(self._job, now, keep=keep)

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        with _may_be_lost():
            self._store.emit(self._job, kind, data)

    def _check(self) -> None:
        if self._stopping():
            raise Stopped("Stopped as asked.")


@contextmanager
def _may_be_lost() -> Iterator[None]:
    """News are not worth a job: it goes on while the database does not answer."""
    try:
        yield
    except OUTAGES as error:
        logger.warning("news of a job were lost: %s", error)


class _Pace:
    """When to tell, and how long it will take."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._told_at = self._kept_at = float("-inf")
        self._first: tuple[float, int] | None = None  # time and count of the first step

    def due(self, last: bool) -> bool:
        now = self._now()
        if last or now - self._told_at >= TOLD_S:
            self._told_at = now
            return True
        return False

    def worth_keeping(self, last: bool) -> bool:
        now = self._now()
        if last or now - self._kept_at >= KEPT_S:
            self._kept_at = now
            return True
        return False

    def seconds_left(self, done: int, total: int) -> float | None:
        """From the first step on, which takes longer than the others and is not counted."""
        now = self._now()
        if self._first is None or done < self._first[1]:
            self._first = now, done
        elapsed, steps = now - self._first[0], done - self._first[1]
        if steps <= 0 or elapsed < ESTIMATE_S:
            return None
        return max(0, total - done) * elapsed / steps
