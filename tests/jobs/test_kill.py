"""Kill -9 of worker, server or both, at random moments, while ten jobs are queued.

Every job must end exactly once, with the right result, and no two may ever run in one lane at the
same time. The jobs of half the kinds go on from what they saved, the others start again.
Many more kills, of the whole studio: ``benchmarks/kills.py``.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from angen.jobs.job import Job, JobState
from angen.jobs.store import Store
from tests.jobs.scripted import LANES, outcome

SEED = 20_241
AT_WORK_S = 0.4  # a kill comes at most this long after a job was seen running
ANY_TIME_S = 1.0  # and one in four comes within this time of the one before
HURRY_S = 120.0  # after this, on a machine that is far too busy, all do
VICTIMS = ("worker", "worker", "server", "both")


class Target:
    """A server that is started again whenever it is killed, as a supervisor would."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._process = self._start()

    def kill(self, victim: str, random: random.Random) -> None:
        workers = self.workers()
        if victim in ("server", "both"):
            self._process.kill()
        if victim in ("worker", "both") and workers:
            for pid in workers if victim == "both" else [random.choice(workers)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if victim != "worker":
            self._process.wait()
            self._process = self._start()

    def end(self) -> None:
        workers = self.workers()
        self._process.kill()
        self._process.wait()
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def workers(self) -> list[int]:
        """Process numbers of the server's children."""
        return [
            int(stat.parent.name)
            for stat in Path("/proc").glob("[0-9]*/stat")
            if _parent(stat) == self._process.pid
        ]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "tests.jobs.server", self._url])


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def add_ten(store: Store, folder: Path) -> list[Job]:
    """Ten jobs in two lanes; some need others, and the last of each lane waits for ``gate``.

    So there is work to be killed until the end, however fast the machine.
    """
    jobs: list[Job] = []
    for n in range(10):
        kind, lane = ("count", "make")[n // 2 % 2], LANES[n % 2]
        after = [jobs[n - 3].id] if n in (5, 6, 7) else [jobs[n - 1].id] if n == 9 else []
        arguments = {
            "file": folder / f"{n}.json",
            "to": 40 + 10 * n,
            "pause_s": 0.005,
            "lock": folder / f"{lane}.lock",
            "gate": folder / "gate" if n >= 8 else None,
        }
        jobs.append(store.add(kind, arguments, lane=lane, title=f"{kind} {n}", after=after))
    return jobs


def right_sum(job: Job) -> int:
    numbers = range(1, job.arguments["to"] + 1)
    return sum(numbers) if job.kind == "count" else sum(n * n for n in numbers)


def anybody_works(store: Store) -> bool:
    return any(held.owner and held.owner.worker.alive() for held in store.held())


def kill_at_random(url: str, store: Store, folder: Path, kills: int) -> Sequence[Job]:
    random_ = random.Random(SEED)
    jobs = add_ten(store, folder)
    target = Target(url)
    hurry = time.monotonic() + HURRY_S
    try:
        for n in range(kills):
            at_work = n % 4 > 0 and time.monotonic() < hurry
            while at_work and time.monotonic() < hurry and not anybody_works(store):
                time.sleep(0.02)
            time.sleep(random_.uniform(0, AT_WORK_S if at_work else ANY_TIME_S))
            assert not all(store.get(job.id).state.over for job in jobs)
            target.kill(random_.choice(VICTIMS), random_)
        (folder / "gate").touch()
        return [outcome(store, job, 60) for job in jobs]
    finally:
        target.end()


def check(store: Store, jobs: Sequence[Job], folder: Path, hits: int) -> None:
    for job in jobs:
        assert job.state is JobState.DONE, job
        assert job.result is not None
        assert job.result["sum"] == right_sum(job)
        states = [e.data["state"] for e in store.events(job.id) if e.kind == "state"]
        assert states.count("done") == 1
        assert states[-1] == "done"
        assert states.count("running") == job.attempt
        for other in job.after:
            ended, started = store.get(other).ended, job.started
            assert ended is not None
            assert started is not None
            assert ended <= started
    assert store.held() == []
    assert not list(folder.glob("*.lock.broken")), "two jobs ran in one lane at the same time"
    assert sum(job.attempt for job in jobs) >= len(jobs) + hits


def test_kills_lose_no_job_and_do_none_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    with Store(url) as store:
        jobs = kill_at_random(url, store, tmp_path, kills=20)
        check(store, jobs, tmp_path, hits=2)  # many more, unless the machine is very busy


@pytest.mark.postgres
def test_kills_lose_no_job_in_postgres(postgres_url: str, tmp_path: Path) -> None:
    with Store(postgres_url) as store:
        jobs = kill_at_random(postgres_url, store, tmp_path, kills=12)
        check(store, jobs, tmp_path, hits=1)
