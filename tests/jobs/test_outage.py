"""A database that does not answer for a while ends no thread that somebody relies on."""

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from angen.errors import OutOfSpace
from angen.jobs.bell import Bell, Clock
from angen.jobs.job import JobState
from angen.jobs.owner import this_process
from angen.jobs.runner import Runner
from angen.jobs.store import Store
from tests.jobs.scripted import LANES, command, outcome

FAULTS = (
    PoolTimeout("QueuePool limit of size 10 overflow 40 reached"),
    OperationalError("SELECT", {}, Exception("gone")),
    sqlite3.OperationalError("disk I/O error"),
    OutOfSpace("full"),
    OSError(5, "Input/output error"),
    RuntimeError("what nobody foresaw"),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_who_waits_is_told_once_the_database_answers_again(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [fault]

    def read() -> Clock:
        if faults:
            raise faults.pop()
        return 7, 3

    bell = Bell(read)
    with caplog.at_level(logging.WARNING):
        assert bell.wait(0, 20) == 7
    bell.close()
    assert "does not answer" in caplog.text


def test_a_bell_that_asks_again_later_closes_at_once() -> None:
    def read() -> Clock:
        raise FAULTS[0]

    bell = Bell(read)
    bell.wait(0, 1.5)  # by now it waits for two seconds
    began = time.monotonic()
    bell.close()
    assert time.monotonic() - began < 1


class Weak(Store):
    """Does not answer the first questions of each kind."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.faults = {"held": list(FAULTS), "look": list(FAULTS), "claim": list(FAULTS[:5])}

    def _maybe(self, question: str) -> None:
        if self.faults[question]:
            raise self.faults[question].pop()

    def held(self):  # type: ignore[no-untyped-def]
        self._maybe("held")
        return super().held()

    def look(self, job):  # type: ignore[no-untyped-def]
        self._maybe("look")
        return super().look(job)

    def claim(self, lane, owner):  # type: ignore[no-untyped-def]
        self._maybe("claim")
        return super().claim(lane, owner)


def test_the_runner_looks_after_its_workers_still(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    with Weak(url) as store:
        runner = Runner(store, LANES, command(url))
        runner.start()
        try:
            job = store.add("die", {"at": 2, "gain": 1, "to": 3}, lane="a", title="killed once")
            assert outcome(store, job).state is JobState.DONE  # taken back by a sweep
            assert "jobs-runner" in {thread.name for thread in threading.enumerate()}
        finally:
            runner.stop()
        assert not store.faults["held"]


WEAK_WORKER = """
import sys, time
from angen.errors import Stopped
from angen.jobs.worker import work
from tests.jobs.test_outage import Weak

def until_stopped(arguments, context):
    on_step = context.stage("Waiting")
    while True:
        time.sleep(0.05)
        on_step(1, 2)

work(Weak(sys.argv[1]), "a", {"wait": until_stopped})
"""


def test_a_worker_begins_and_stops_its_job_still(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    with Store(url) as store:
        job = store.add("wait", {}, lane="a", title="waits")
        worker = subprocess.Popen(
            [sys.executable, "-c", WEAK_WORKER, url],
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert worker.stdin is not None
        worker.stdin.write(this_process().text().encode() + b"\n")
        worker.stdin.flush()
        try:
            deadline = time.monotonic() + 60
            while store.get(job.id).state is not JobState.RUNNING:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            store.cancel(job.id)
            for _ in FAULTS:  # each look that is asked for fails, until the last
                time.sleep(0.2)
                worker.stdin.write(b"\n")
                worker.stdin.flush()
            assert outcome(store, job).state is JobState.STOPPED
        finally:
            worker.kill()
            worker.wait()
            worker.stdin.close()
