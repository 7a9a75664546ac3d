"""A worker for tests: small handlers that need nothing but the disk.

    python -m tests.jobs.scripted URL LANE OOM_KILLS

count   counts to ``to``, a step at a time, from what ``file`` holds; saves there after each step
make    counts to ``to`` in memory, then writes ``file``: starts again when it is interrupted
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from angen.errors import BadInput
from angen.files import replacing
from angen.jobs.context import Context, OnStep
from angen.jobs.job import Job
from angen.jobs.store import Store
from angen.jobs.worker import Handler, work


@contextmanager
def alone(arguments: Mapping[str, Any]) -> Iterator[None]:
    """Leave a mark if another job of the lane runs too. The lock ends with the process."""
    if "lock" not in arguments:
        yield
        return
    with Path(arguments["lock"]).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            Path(arguments["lock"] + ".broken").touch()
        yield


def wait_for_gate(arguments: Mapping[str, Any], on_step: OnStep) -> None:
    """Until ``gate`` is there, if the job has one."""
    to = int(arguments["to"])
    while arguments.get("gate") and not Path(arguments["gate"]).exists():
        time.sleep(0.01)
        on_step(to - 1, to)


def count(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Each number from 1 to ``to`` is added once, whoever is killed in between."""
    path, to = Path(arguments["file"]), int(arguments["to"])
    with alone(arguments):
        saved = json.loads(path.read_text()) if path.exists() else {"at": 0, "sum": 0}
        on_step = context.stage("Counting")
        while saved["at"] < to:
            time.sleep(arguments.get("pause_s", 0.01))
            at = saved["at"] + 1
            saved = {"at": at, "sum": saved["sum"] + at}
            with replacing(path) as beside:
                beside.write_text(json.dumps(saved))
            on_step(at, to)
        wait_for_gate(arguments, on_step)
    return {"sum": saved["sum"], "pid": os.getpid()}


def make(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Like a song: nothing is worth keeping until it is whole."""
    path, to = Path(arguments["file"]), int(arguments["to"])
    with alone(arguments):
        on_step = context.stage("Making")
        made = []
        for n in range(1, to + 1):
            time.sleep(arguments.get("pause_s", 0.01))
            made.append(n * n)
            on_step(n, to)
        wait_for_gate(arguments, on_step)
        with replacing(path) as beside:
            beside.write_text(json.dumps(made))
    return {"sum": sum(made)}


def echo(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Tells when it began."""
    context.say("here")
    counts = {"rests": len(RESTS), "tidied": len(TIDIED)}
    return {**arguments, "began": time.time(), "pid": os.getpid(), **counts}


def fail(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Fails, until ``file`` is there."""
    if not Path(arguments["file"]).exists():
        raise BadInput(f"{arguments['file']} is missing. Make it.")
    return {}


def die(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Killed by the system at step ``at``, further on by ``gain`` at each attempt."""
    on_step = context.stage("Dying")
    end = int(arguments.get("at", 3)) + int(arguments.get("gain", 0)) * context.job.attempt
    for n in range(1, end + 1):
        if n > int(arguments.get("to", 1000)):
            return {"attempt": context.job.attempt}
        if n == end:
            time.sleep(0.3)  # progress is told that often
        on_step(n, 1000)
    os.kill(os.getpid(), arguments.get("signal", signal.SIGKILL))
    raise AssertionError("unreachable")


def hungry(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Wants more than there is."""
    raise MemoryError


def deaf(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Never asks whether to stop."""
    context.stage("Deaf")(1, 2)
    time.sleep(600)
    return {}


LANES = ("a", "b")
RESTS: list[float] = []  # when there was nothing to do
TIDIED: list[float] = []  # when a job was over


def command(url: str, oom_kills: int = 0) -> Callable[[str], list[str]]:
    """How a runner starts these workers, on a machine with a history of ``oom_kills``."""
    words = [sys.executable, "-m", "tests.jobs.scripted", url]
    return lambda lane: [*words, lane, str(oom_kills)]


def outcome(store: Store, job: Job, timeout_s: float = 60) -> Job:
    """The job when it is over."""
    deadline = time.monotonic() + timeout_s
    revision = 0
    while not (job := store.get(job.id)).state.over:
        assert time.monotonic() < deadline, f"{job} is not over"
        revision = store.wait(revision, 1)
    return job


def begun(store: Store, job: Job, timeout_s: float = 60) -> Job:
    """The job when its handler has counted something."""
    deadline = time.monotonic() + timeout_s
    revision = 0
    while not (found := store.get(job.id)).progress or not found.progress.done:
        assert time.monotonic() < deadline, f"{found} does not begin"
        revision = store.wait(revision, 1)
    return found


HANDLERS: Mapping[str, Handler] = {
    "count": count,
    "make": make,
    "echo": echo,
    "fail": fail,
    "die": die,
    "deaf": deaf,
    "hungry": hungry,
}


if __name__ == "__main__":
    with Store(sys.argv[1]) as store:
        work(
            store,
            sys.argv[2],
            HANDLERS,
            idle=lambda: RESTS.append(time.time()),
            tidy=lambda: TIDIED.append(time.time()),
            oom_kills=lambda: int(sys.argv[3]),
        )
