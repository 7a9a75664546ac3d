"""A worker for tests: small handlers that need nothing but the disk.

    python -m tests.jobs.scripted URL LANE

count   counts to ``to``, a step at a time, from what ``file`` holds; saves there after each step
make    counts to ``to`` in memory, then writes ``file``: starts again when it is interrupted
"""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from angen.errors import BadInput
from angen.files import replacing
from angen.jobs.context import Context
from angen.jobs.store import Store
from angen.jobs.worker import Handler, work


def count(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Each number from 1 to ``to`` is added once, whoever is killed in between."""
    path, to = Path(arguments["file"]), int(arguments["to"])
    saved = json.loads(path.read_text()) if path.exists() else {"at": 0, "sum": 0}
    on_step = context.stage("Counting")
    while saved["at"] < to:
        time.sleep(arguments.get("pause_s", 0.01))
        at = saved["at"] + 1
        saved = {"at": at, "sum": saved["sum"] + at}
        with replacing(path) as beside:
            beside.write_text(json.dumps(saved))
        on_step(at, to)
    return {"sum": saved["sum"], "pid": os.getpid()}


def make(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Like a song: nothing is worth keeping until it is whole."""
    path, to = Path(arguments["file"]), int(arguments["to"])
    on_step = context.stage("Making")
    made = []
    for n in range(1, to + 1):
        time.sleep(arguments.get("pause_s", 0.01))
        made.append(n * n)
        on_step(n, to)
    with replacing(path) as beside:
        beside.write_text(json.dumps(made))
    return {"sum": sum(made)}


def echo(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Tells when it began."""
    context.say("here")
    return {**arguments, "began": time.time(), "pid": os.getpid(), "attempt": context.job.attempt}


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
        on_step(n, 1000)
    time.sleep(0.05)
    os.kill(os.getpid(), arguments.get("signal", signal.SIGKILL))
    raise AssertionError("unreachable")


def deaf(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Never asks whether to stop."""
    context.stage("Deaf")(1, 2)
    time.sleep(600)
    return {}


HANDLERS: Mapping[str, Handler] = {
    "count": count,
    "make": make,
    "echo": echo,
    "fail": fail,
    "die": die,
    "deaf": deaf,
}


if __name__ == "__main__":
    with Store(sys.argv[1]) as store:
        work(store, sys.argv[2], HANDLERS)
