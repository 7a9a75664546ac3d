"""Events of jobs for many listeners: one look at the store, however many listen.

A watcher per job reads its events into a tail in memory, which all its listeners share. Who is
further behind than the tail reaches reads from the store.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

from angen.errors import AngenError

logger = logging.getLogger(__name__)

LOOK_S = 0.5  # between two looks at a job's events
HEARTBEAT_S = 15.0  # of silence; proxies close a connection that is silent for a minute
PAGE = 500  # events read at once
BREATH = 10  # events to a listener, before others have their turn
TAIL = 2_000  # events kept in memory for each job that somebody listens to


class Line(NamedTuple):
    """An event as it goes over the wire: written once, however many listen."""

    number: int
    kind: str
    text: str  # JSON


class Numbered(Protocol):
    """An event, as far as the feed cares."""

    @property
    def number(self) -> int: ...


E = TypeVar("E", bound=Numbered)


@dataclass(slots=True)
class _Tail(Generic[E]):
    """The newest events of a job."""

    start: int = 0  # every event of a higher number that was read is in ``events``
    events: list[E] = field(default_factory=list)
    over: bool = False  # nothing will come after ``events``
    listeners: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    watcher: asyncio.Task[None] | None = None

    @property
    def last(self) -> int:
        return self.events[-1].number if self.events else self.start

    def after(self, number: int) -> list[E]:
        return self.events[bisect_right(self.events, number, key=lambda event: event.number) :]

    def add(self, events: list[E]) -> None:
        self.events += events
        if len(self.events) > 2 * TAIL:
            self.start = self.events[-TAIL - 1].number
            del self.events[:-TAIL]
        self.wake()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Feed(Generic[E]):
    """Hands out the events of jobs."""

    def __init__(
        self,
        events: Callable[[str, int, int], list[E]],
        is_over: Callable[[str], bool],
        look_s: float = LOOK_S,
    ) -> None:
        """events: (job, after, limit) -> its next events; is_over: whether no more will come.

        Both are called in threads, and may raise AngenError when the job is gone.
        """
        self._events = events
        self._is_over = is_over
        self._look_s = look_s
        self._tails: dict[str, _Tail[E]] = {}
        self._closing = False

    async def listen(
        self, job: str, after: int = 0, heartbeat_s: float = HEARTBEAT_S
    ) -> AsyncGenerator[E | None]:
        """Events of ``job`` of a number above ``after``, until it is over; None is a heartbeat."""
        with self._tail(job, after) as tail:
            while not self._closing:
                changed = tail.changed
                if after < tail.start:
                    page = await asyncio.to_thread(self._events, job, after, PAGE)
                    after = after if page else tail.start
                else:
                    page = tail.after(after)
                for count, event in enumerate(page, start=1):
                    after = event.number
                    yield event
                    if count % BREATH == 0:  # a past of thousands must not keep others waiting
                        await asyncio.sleep(0)
                if page:
                    continue
                if tail.over:
                    return
                try:
                    await asyncio.wait_for(changed.wait(), heartbeat_s)
                except TimeoutError:
                    yield None

    def close(self) -> None:
        """Let every listener go: the server stops."""
        self._closing = True
        for tail in self._tails.values():
            tail.wake()

    @contextmanager
    def _tail(self, job: str, after: int) -> Iterator[_Tail[E]]:
        tail = self._tails.setdefault(job, _Tail())
        tail.listeners += 1
        if tail.watcher is None:
            tail.watcher = asyncio.create_task(self._watch(job, tail, after))
        try:
            yield tail
        finally:
            tail.listeners -= 1
            if not tail.listeners:
                tail.watcher.cancel()
                self._tails.pop(job, None)

    def _look(self, job: str, after: int) -> tuple[bool, list[E]]:
        """Whether no more will come, asked first: what is said last counts; and what has come."""
        return self._is_over(job), self._events(job, after, PAGE)

    async def _watch(self, job: str, tail: _Tail[E], after: int) -> None:
        """Read the events of ``job`` into its tail, until it is over.

        after: what the first listener knows. The tail begins there, if there has been so much.
        """
        try:
            known = await asyncio.to_thread(self._events, job, after - 1, 1) if after else []
            if known:
                tail.start = after
            while True:
                over, page = await asyncio.to_thread(self._look, job, tail.last)
                if page:
                    tail.add(page)
                if len(page) < PAGE:
                    if over:
                        return
                    await asyncio.sleep(self._look_s)
        except AngenError as error:
            logger.info("%s is gone: %s", job, error)
        except Exception:
            logger.exception("The events of %s cannot be read", job)
        finally:
            tail.over = True
            tail.wake()
