"""Waiting for a change of the store without asking all the time.

One thread per process asks the database how often it has changed, and only while somebody waits.
Changes made in this process are told at once.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from angen.jobs.outage import OUTAGES

logger = logging.getLogger(__name__)

POLL_S = 0.05
OUTAGE_S = 1.0  # before a database is asked again that did not answer; twice that the next time
LONGEST_OUTAGE_S = 15.0

Clock = tuple[int, int]  # revision, orders


class Bell:
    """Rings when the store has changed, whoever changed it."""

    def __init__(self, read: Callable[[], Clock]) -> None:
        self._read = read
        self._changed = threading.Condition()
        self._clock: Clock = (0, 0)
        self._waiters = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._sleepers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @property
    def heard(self) -> Clock:
        """The newest that is known, without asking: not old while somebody waits."""
        return self._clock

    def ring(self, clock: Clock) -> None:
        """Tell everybody who waits that the store is at ``clock``."""
        with self._changed:
            self._clock = max(self._clock[0], clock[0]), max(self._clock[1], clock[1])
            self._changed.notify_all()
            sleepers = list(self._sleepers)
        for loop, event in sleepers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def wait(self, since: int, timeout_s: float, *, orders: bool = False) -> int:
        """The revision (or count of orders) once it is over ``since``, or when time is up."""
        which = 1 if orders else 0
        with self._changed:
            self._arrive()
            try:
                self._changed.wait_for(
                    lambda: self._clock[which] > since or self._closed, timeout_s
                )
                return max(since, self._clock[which])
            finally:
                self._waiters -= 1

    async def wait_async(self, since: int, timeout_s: float) -> int:
        """The same for coroutines: costs no thread."""
        event = asyncio.Event()
        sleeper = (asyncio.get_running_loop(), event)
        with self._changed:
            self._arrive()
            self._sleepers.add(sleeper)
        try:
            async with asyncio.timeout(timeout_s):
                while self._clock[0] <= since and not self._closed:
                    event.clear()
                    if self._clock[0] <= since:  # rung between the look and the clearing
                        await event.wait()
        except TimeoutError:
            pass
        finally:
            with self._changed:
                self._sleepers.discard(sleeper)
                self._waiters -= 1
        return max(since, self._clock[0])

    def close(self) -> None:
        """Let go of everybody who waits."""
        with self._changed:
            self._closed = True
        self.ring((0, 0))
        if self._thread is not None:
            self._thread.join()

    def _arrive(self) -> None:
        """Called with the lock held: one more waits, so somebody must look."""
        self._waiters += 1
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._look, name="jobs-bell", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _look(self) -> None:
        pause_s = OUTAGE_S
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._waiters or self._closed)
            try:
                clock = self._read()
            except Exception as error:  # whatever it is: those who wait have nobody else
                told = logger.warning if isinstance(error, OUTAGES) else logger.exception
                told(
                    "the queue's database does not answer, asked again in %.0f s: %s",
                    pause_s,
                    error,
                )
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, pause_s)
                pause_s = min(2 * pause_s, LONGEST_OUTAGE_S)
                continue
            pause_s = OUTAGE_S
            if clock > self._clock:
                self.ring(clock)
            time.sleep(POLL_S)
