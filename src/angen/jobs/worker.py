"""The process that does the jobs of one lane.

    work(store, "model", {"train": train, "generate": generate})

Its server holds the other end of a pipe: a line on it means "look", its end means that the server
is gone. A job that runs then is told to stop, saved and queued again, and the process ends.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from angen.errors import AngenError
from angen.jobs.context import Context, WorkContext
from angen.jobs.events import plain
from angen.jobs.job import Job, JobState, Problem
from angen.jobs.outage import OUTAGES
from angen.jobs.owner import HEARTBEAT_S, Owner, Process, oom_kills, read_process, this_process
from angen.jobs.problems import problem_of
from angen.jobs.store import Store

logger = logging.getLogger(__name__)

Handler = Callable[[Mapping[str, Any], Context], dict[str, Any]]

IDLE_S = 2.0  # between looks at the queue when nobody has called
SAVING_S = 60.0  # that a job may take to save itself when the server is gone
INTERRUPTED = Problem(message="Stopped; the server went down meanwhile.", kind="stopped")


def work(
    store: Store,
    lane: str,
    handlers: Mapping[str, Handler],
    *,
    idle: Callable[[], None] | None = None,
    tidy: Callable[[], None] | None = None,
    pipe: int = 0,
    oom_kills: Callable[[], int] = oom_kills,
) -> None:
    """Do the jobs of ``lane`` until the server is gone.

    handlers: by kind of job. What a handler returns is the job's result; what it raises is told to
        a person (see ``problems.py``). Stopped, raised by ``Context.stage``'s steps, is to pass.
    idle: called whenever the queue has run dry, and at the start if it is empty.
    tidy: called after each job.
    pipe: a file descriptor, closed for other processes.
    oom_kills: see ``Runner``.
    """
    _offer_oneself()
    line = _Line(store, _private(pipe), oom_kills)
    rested = False
    while not line.server_gone:
        job = line.claim(lane)
        if job is not None:
            rested = False
            if _do(store, job, handlers, line) == "memory":
                return  # a new process begins with all of it
            if tidy is not None and not line.server_gone:
                _rest(tidy)
        elif idle is not None and not rested:
            rested = True
            _rest(idle)
        else:
            line.wait(IDLE_S)


class _Line:
    """The pipe to the server, and the watch over the present job."""

    def __init__(self, store: Store, pipe: int, oom_kills: Callable[[], int]) -> None:
        self._store = store
        self._oom_kills = oom_kills
        self._pipe = os.fdopen(pipe, "rb", buffering=0)
        self._server = _first_line(self._pipe)
        self._called = threading.Event()
        self._watched = threading.Event()  # the present job should be looked at
        self._job: Job | None = None
        self._lock = threading.Lock()  # guards ``_job`` against ending the process in between
        self._stop = False
        self.server_gone = False
        for target in (self._listen, self._watch):
            threading.Thread(target=target, name=f"jobs{target.__name__}", daemon=True).start()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._terminated)

    def claim(self, lane: str) -> Job | None:
        """The next job, watched over from now on until ``end``."""
        owner = Owner(worker=this_process(), server=self._server, oom_kills=self._oom_kills())
        with self._lock:
            try:
                self._job, self._stop = self._store.claim(lane, owner), False
            except OUTAGES as error:
                logger.warning("the queue's database does not answer: %s", error)
                return None
        self._watched.set()  # it may have been cancelled before we looked
        return self._job

    def wait(self, timeout_s: float) -> None:
        """Until the server calls, or time is up."""
        self._called.wait(timeout_s)
        self._called.clear()

    def end(self) -> None:
        with self._lock:
            self._job = None

    def stopping(self) -> bool:
        return self._stop or self.server_gone

    def _listen(self) -> None:
        while self._pipe.read(4096):
            self._called.set()
            self._watched.set()
        self._hang_up()

    def _terminated(self, _signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=self._hang_up, daemon=True).start()

    def _hang_up(self) -> None:
        """The server is gone: have the job saved, but do not wait for ever."""
        self.server_gone = True
        self._called.set()
        with self._lock:
            if self._job is None:  # idle, or loading something that nobody will use
                os._exit(0)
        threading.Event().wait(SAVING_S)
        logger.error("the job did not stop within %.0f s; it is queued again as it is", SAVING_S)
        try:
            with self._lock:
                if self._job is not None:
                    self._store.release(self._job, INTERRUPTED)
        finally:
            os._exit(1)

    def _watch(self) -> None:
        """Tell that we live, and find out whether the job is to stop."""
        told = float("-inf")
        while True:
            self._watched.wait(HEARTBEAT_S)
            self._watched.clear()
            job = self._job
            if job is None:
                continue
            due = time.monotonic() - told >= HEARTBEAT_S
            try:
                state = self._store.heartbeat(job) if due else self._store.look(job)
            except OUTAGES as error:
                logger.warning("the queue's database does not answer: %s", error)
                continue
            except Exception:  # without this thread the job could not be stopped any more
                logger.exception("looking after job %s failed; it is tried again", job.id)
                continue
            told = time.monotonic() if due else told
            if job is self._job and state is not JobState.RUNNING:
                self._stop = True  # asked to, or it was taken from us


def _do(store: Store, job: Job, handlers: Mapping[str, Handler], line: _Line) -> str:
    """Do a job, and tell what has become of it. Returns the kind of its problem, if any."""
    context = WorkContext(store, job, line.stopping)
    result, problem = _outcome(job, handlers, context)
    if problem is None:
        tell = partial(store.finish, job, result)
    elif problem.kind != "stopped":
        tell = partial(store.fail, job, problem)
    elif line.server_gone:
        tell = partial(store.release, job, problem)
    else:
        tell = partial(store.stopped, job, problem)
    if not _insist(tell):
        logger.warning("job %s was taken from this worker; its outcome is not kept", job.id)
    line.end()
    return problem.kind if problem else ""


def _outcome(
    job: Job, handlers: Mapping[str, Handler], context: WorkContext
) -> tuple[dict[str, Any], Problem | None]:
    """What came out of the job, or what went wrong."""
    try:
        if job.kind not in handlers:
            raise LookupError(f"lane {job.lane!r} has no handler for jobs of kind {job.kind!r}")
        result = plain(handlers[job.kind](job.arguments, context))
        context.flush()
        return result, None
    except AngenError as error:  # Stopped is one too
        logger.info("job %s (%s): %s", job.id, job.kind, error)
        return {}, problem_of(error)
    except (Exception, SystemExit) as error:
        logger.exception("job %s (%s, %r) failed", job.id, job.kind, job.title)
        return {}, problem_of(error)


def _insist(tell: Callable[[], bool]) -> bool:
    """Tell what has become of a job, however long the database takes to listen."""
    while True:
        try:
            return tell()
        except OUTAGES as error:
            logger.warning("the queue's database does not answer: %s", error)
            time.sleep(IDLE_S)


def _rest(do: Callable[[], None]) -> None:
    try:
        do()
    except Exception:
        logger.exception("what was to be done between jobs failed")


def _offer_oneself() -> None:
    """When memory runs out, the system should end this process and not the server."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _private(pipe: int) -> int:
    """Another number for ``pipe`` that programs started by handlers do not inherit.

    They find an empty input in its place, not our calls.
    """
    own = os.dup(pipe)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, pipe)
    os.close(empty)
    return own


def _first_line(pipe: Any) -> Process | None:
    """Who the server is: it says so first."""
    text = b""
    while not text.endswith(b"\n"):
        byte = pipe.read(1)
        if not byte:
            break
        text += byte
    return read_process(text.decode("ascii", "replace"))
