"""The server's side of the workers: one process per lane, kept alive, called when there is work.

Also finds jobs whose worker died, here or before a crash of the server, and queues them again.
"""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from angen.jobs.lease import PATIENCE, Held
from angen.jobs.outage import OUTAGES
from angen.jobs.owner import Process, oom_kills, process_of, this_process
from angen.jobs.problems import killed, no_worker
from angen.jobs.store import Store

logger = logging.getLogger(__name__)

LOOK_S = 1.0  # between looks for dead workers
ORPHAN_S = 8.0  # that a worker of a dead server may take to save its job
STOPPING_S = 60.0  # that a job may take to stop when a person asks
SHORT_LIFE = timedelta(seconds=5)  # of a worker that did not start
LONGEST_PAUSE_S = 10.0  # between vain starts


NO_PROGRAM = 127  # as shells say it


class Runner:
    """Workers for some lanes of a store."""

    def __init__(
        self,
        store: Store,
        lanes: Sequence[str],
        command: Callable[[str], list[str]],
        *,
        patience: int = PATIENCE,
        orphan_s: float = ORPHAN_S,
        stopping_s: float = STOPPING_S,
        oom_kills: Callable[[], int] = oom_kills,
    ) -> None:
        """Nothing is started yet.

        lanes: each gets one worker.
        command: the program and arguments that do ``worker.work`` for a lane, with the pipe as
            their standard input.
        patience: deaths in a row, without getting further, after which a job is given up.
        orphan_s: seconds after which the worker of a dead server is killed.
        stopping_s: seconds after which a worker is killed whose job does not stop when asked.
        oom_kills: how many processes the system has ended so far for want of memory.
        """
        self._store = store
        self._workers = [_Worker(lane, command) for lane in lanes]
        self._patience = patience
        self._orphan_s = orphan_s
        self._stopping_s = timedelta(seconds=stopping_s)
        self._oom_kills = oom_kills
        self._orphans: dict[str, float] = {}  # text of a worker -> when it was first seen
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sweeping = threading.Lock()

    def start(self) -> None:
        """Start the workers and go on with jobs that a crash has interrupted. Returns at once."""
        self._stopped.clear()
        self._thread(self._watch, "jobs-runner")
        for worker in self._workers:
            self._thread(partial(self._tend, worker), f"jobs-{worker.lane}")

    def poke(self) -> None:
        """Have the workers look at the queue now. A change of the store does that by itself."""
        for worker in self._workers:
            worker.call()

    def stop(self, timeout_s: float = 30.0) -> None:
        """End the workers; jobs that run are saved and queued again.

        timeout_s: after this they are killed, and their jobs go on from what was saved before.
        """
        self._stopped.set()
        for worker in self._workers:
            worker.hang_up()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for worker in self._workers:
            worker.kill()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._sweep()

    def _thread(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watch(self) -> None:
        """Call the workers when there is something new, and look after the dead."""
        orders = 0
        swept = float("-inf")
        while not self._stopped.is_set():
            if time.monotonic() - swept >= LOOK_S:
                self._sweep()
                swept = time.monotonic()
            seen = self._store.wait_for_orders(orders, LOOK_S / 2)
            if seen == orders:
                self._stopped.wait(0.01)  # a store that was closed does not wait
                continue
            orders = seen
            self.poke()

    def _tend(self, worker: "_Worker") -> None:
        """Keep one lane's worker alive."""
        pause_s, stillborn = 0.0, 0
        while not self._stopped.wait(pause_s):
            began = datetime.now(UTC)
            try:
                worker.start()
            except OSError as error:
                logger.error("no worker for lane %r: %s", worker.lane, error)
            if self._stopped.is_set():
                worker.hang_up()
            code = worker.wait()
            if self._stopped.is_set():
                return
            logger.warning("the worker of lane %r ended with status %s", worker.lane, code)
            self._sweep()
            short = datetime.now(UTC) - began < SHORT_LIFE
            stillborn = stillborn + 1 if short and code and not self._did(worker, began) else 0
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s + 0.1) if stillborn else 0.0
            if stillborn >= self._patience:
                self._refuse(worker.lane, code)

    def _did(self, worker: "_Worker", since: datetime) -> bool:
        """Whether the worker has begun any job."""
        with _outage_logged():
            return self._store.begun(worker.lane, since)
        return True

    def _refuse(self, lane: str, code: int) -> None:
        """Nobody can do the jobs of ``lane``: better told than queued for ever."""
        with _outage_logged():
            self._store.refuse(lane, no_worker(code))

    def _sweep(self) -> None:
        """Take back the jobs of the dead, and end what will not end by itself."""
        with self._sweeping, _outage_logged():
            for held in self._store.held():
                self._look_at(held)

    def _look_at(self, held: Held) -> None:
        now = datetime.now(UTC)
        if held.owner is None or not held.owner.alive(held.heartbeat, now):
            if not self._dying(held):
                self._take_back(held)
        elif held.owner.orphaned():
            first = self._orphans.setdefault(held.owner.worker.text(), time.monotonic())
            if time.monotonic() - first >= self._orphan_s:
                logger.warning("killing a worker whose server is gone (%d)", held.owner.worker.pid)
                held.owner.worker.kill()
        elif self._overdue(held, now) and self._mine(held.owner.worker):
            logger.warning("killing a worker whose job %s does not stop", held.job.id)
            held.owner.worker.kill()

    def _take_back(self, held: Held) -> None:
        owner = held.owner
        server_lives = owner is not None and not owner.orphaned()
        same_boot = owner is not None and owner.worker.local()
        oom = owner is not None and same_boot and self._oom_kills() > owner.oom_kills
        code = next((w.code for w in self._workers if owner and w.was(owner.worker)), None)
        problem = killed(code, oom=oom)
        alone = oom or (same_boot and server_lives and not self._stopped.is_set())
        if self._store.take_back(held, alone=alone, patience=self._patience, problem=problem):
            logger.warning("job %s lost its worker in attempt %d", held.job.id, held.job.attempt)

    def _overdue(self, held: Held, now: datetime) -> bool:
        return held.stop_asked is not None and now - held.stop_asked >= self._stopping_s

    def _dying(self, held: Held) -> bool:
        """Whether its worker is being waited for: in a moment we know how it ended."""
        return held.owner is not None and any(
            worker.was(held.owner.worker) and worker.code is None for worker in self._workers
        )

    def _mine(self, process: Process) -> bool:
        return any(worker.was(process) for worker in self._workers)


@contextmanager
def _outage_logged() -> Iterator[None]:
    """The runner outlives its database's moments of weakness."""
    try:
        yield
    except OUTAGES as error:
        logger.warning("the queue's database does not answer: %s", error)
    except Exception:  # a thread that looks after workers must not end
        logger.exception("looking after the workers failed; it is tried again")


class _Worker:
    """The process of one lane."""

    def __init__(self, lane: str, command: Callable[[str], list[str]]) -> None:
        self.lane = lane
        self.code: int | None = None  # exit status of the latest
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._identity: Process | None = None
        self._lock = threading.Lock()  # guards the pipe

    def start(self) -> None:
        self._process = self._identity = None
        process = subprocess.Popen(
            self._command(self.lane),
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for the server, which then tells us
        )
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        with self._lock:
            self.code = None
            self._process = process
            self._identity = process_of(process.pid)
            self._write(this_process().text().encode() + b"\n")  # before any call

    def wait(self) -> int:
        """Until the process has ended. Returns its exit status, negative for a signal."""
        if self._process is None:
            return NO_PROGRAM
        code = self._process.wait()
        self.hang_up()
        self.code = code
        return code

    def was(self, process: Process) -> bool:
        """Whether ``process`` is the latest one here."""
        return self._identity == process

    def call(self) -> None:
        """Have it look."""
        with self._lock:
            self._write(b"\n")

    def hang_up(self) -> None:
        """Tell it to save and to end."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _write(self, text: bytes) -> None:
        pipe = self._process.stdin if self._process is not None else None
        if pipe is None or pipe.closed:
            return
        with suppress(BlockingIOError, BrokenPipeError):  # enough calls unheard, or it is gone
            os.write(pipe.fileno(), text)
