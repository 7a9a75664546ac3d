"""Real workers in processes of their own, and what becomes of jobs when they die.

In SQLite alone: what both databases have to do for it is in test_store.py, and test_kill.py kills
on both.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from angen.jobs.job import Job, JobState
from angen.jobs.owner import process_of
from angen.jobs.runner import Runner
from angen.jobs.store import Store
from tests.jobs.scripted import LANES, begun, command, outcome


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/jobs.db") as store:
        yield store


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store whose jobs are done."""
    url = f"sqlite:///{tmp_path_factory.mktemp('queue')}/jobs.db"
    with Store(url) as store, running(store, stopping_s=0.5):
        yield store


@contextmanager
def running(store: Store, before: int = 0, now: int = 0, **options: Any) -> Iterator[Runner]:
    """A runner on a machine with a history of ``before`` processes ended for want of memory.

    now: how many there are when a worker has died.
    """
    workers = command(store.url, oom_kills=before)
    runner = Runner(store, LANES, workers, oom_kills=lambda: now, **options)
    runner.start()
    yield runner
    runner.stop(3)


def server(url: str) -> subprocess.Popen[bytes]:
    """A server in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "tests.jobs.server", url])


def add(store: Store, kind: str, *, lane: str = "a", **arguments: object) -> Job:
    return store.add(kind, arguments, lane=lane, title=f"{kind} in {lane}")


def result(store: Store, job: Job) -> dict[str, Any]:
    """What came out of a job that is done."""
    done = outcome(store, job)
    assert done.result is not None, done
    return done.result


def text(job: Job) -> str:
    assert job.problem is not None
    return job.problem.message


def states(store: Store, job: Job) -> list[str]:
    return [e.data["state"] for e in store.events(job.id) if e.kind == "state"]


def test_an_idle_worker_begins_at_once(served: Store) -> None:
    first = result(served, add(served, "echo"))  # now it is awake
    waits = []
    for n in range(5):
        asked = time.time()
        echoed = result(served, add(served, "echo", n=n))
        waits.append(echoed["began"] - asked)
        assert (echoed["n"], echoed["pid"]) == (n, first["pid"])  # one process for all
    assert min(waits) < 0.5  # 0.02 on an idle machine; by looking now and then it would be 1


def test_a_worker_tidies_up_after_each_job(served: Store) -> None:
    before = result(served, add(served, "echo"))["tidied"]
    assert result(served, add(served, "echo"))["tidied"] == before + 1


def test_a_job_is_done_with_progress_and_result(served: Store, tmp_path: Path) -> None:
    job = add(served, "count", file=tmp_path / "n", to=5)
    assert result(served, job)["sum"] == 15
    job = served.get(job.id)
    assert job.progress is not None
    assert (job.progress.stage, job.progress.percent) == ("Counting", 100)
    assert states(served, job) == ["queued", "running", "done"]
    assert job.started is not None
    assert job.ended is not None
    assert job.created <= job.started <= job.ended


def test_a_fault_is_told_in_plain_words(served: Store, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    failed = outcome(served, add(served, "fail", file=missing))
    assert (failed.state, text(failed)) == (JobState.FAILED, f"{missing} is missing. Make it.")
    strange = outcome(served, add(served, "unheard-of"))
    assert "has no handler for jobs of kind 'unheard-of'" in text(strange)
    missing.touch()
    served.retry(failed.id)
    assert outcome(served, failed).state is JobState.DONE


def test_cancel_saves_and_retry_goes_on_from_there(served: Store, tmp_path: Path) -> None:
    job = add(served, "count", file=tmp_path / "n", to=300, pause_s=0.005)
    begun(served, job)
    served.cancel(job.id)
    stopped = outcome(served, job, 10)
    assert stopped.state is JobState.STOPPED
    assert states(served, job) == ["queued", "running", "stopping", "stopped"]
    assert (tmp_path / "n").exists()
    other = add(served, "count", file=tmp_path / "n", to=300, pause_s=0)  # the same work, faster
    assert result(served, other)["sum"] == 45_150
    served.retry(job.id)
    assert result(served, job)["sum"] == 45_150


def test_a_job_that_does_not_listen_is_stopped_all_the_same(served: Store) -> None:
    job = begun(served, add(served, "deaf"))
    served.cancel(job.id)
    stopped = outcome(served, job, 20)
    assert stopped.state is JobState.STOPPED
    assert outcome(served, add(served, "echo")).state is JobState.DONE  # there is a worker again


def test_lanes_run_beside_each_other(served: Store, tmp_path: Path) -> None:
    long = begun(served, add(served, "count", file=tmp_path / "n", to=100_000))
    assert outcome(served, add(served, "echo", lane="b")).state is JobState.DONE
    served.cancel(long.id)
    outcome(served, long)


def test_a_job_that_kills_its_worker_is_given_up_after_three_attempts(served: Store) -> None:
    job = outcome(served, add(served, "die"))
    assert (job.state, job.attempt) == (JobState.FAILED, 3)
    assert "The system ended this job" in text(job)
    assert "memory ran out" in text(job)
    assert job.problem is not None
    assert "smaller batch" in job.problem.remedy
    assert outcome(served, add(served, "echo")).state is JobState.DONE


def test_a_job_that_gets_further_each_time_is_not_given_up(served: Store) -> None:
    job = outcome(served, add(served, "die", at=0, gain=1, to=3))
    assert (job.state, job.attempt) == (JobState.DONE, 4)


def test_a_worker_that_breaks_down_is_told_apart_from_one_that_was_killed(served: Store) -> None:
    job = outcome(served, add(served, "die", signal=signal.SIGSEGV))
    assert "SIGSEGV" in text(job)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (0, 1, "Memory ran out and the system ended this job"),
        (7, 8, "Memory ran out and the system ended this job"),
        (7, 7, "The system ended this job"),
    ],
)
def test_a_death_for_want_of_memory_is_told_as_that(
    store: Store, before: int, now: int, said: str
) -> None:
    with running(store, before, now):
        job = outcome(store, add(store, "die"))
    assert text(job).startswith(said)


def test_a_job_that_found_too_little_memory_leaves_the_next_a_new_process(served: Store) -> None:
    before = result(served, add(served, "echo"))
    failed = outcome(served, add(served, "hungry"))
    assert text(failed) == "There was not enough memory for this."
    assert result(served, add(served, "echo"))["pid"] != before["pid"]


def test_a_worker_that_is_told_to_end_saves_its_job(served: Store, tmp_path: Path) -> None:
    job = begun(served, add(served, "count", file=tmp_path / "n", to=300, pause_s=0.005))
    [held] = served.held()
    assert held.owner is not None
    os.kill(held.owner.worker.pid, signal.SIGTERM)
    assert result(served, job)["sum"] == 45_150
    assert states(served, job) == ["queued", "running", "queued", "running", "done"]


def test_idle_time_is_used_once_each_time_the_queue_runs_dry(served: Store) -> None:
    before = result(served, add(served, "echo"))["rests"]
    time.sleep(0.3)
    assert result(served, add(served, "echo"))["rests"] == before + 1


def test_a_worker_that_does_not_start_is_told(store: Store) -> None:
    broken = [sys.executable, "-c", "raise SystemExit(7)"]
    runner = Runner(store, ["a"], lambda lane: broken)
    job = add(store, "echo")
    runner.start()
    try:
        assert "does not start (exit status 7)" in text(outcome(store, job, 30))
    finally:
        runner.stop(5)


def test_stopping_the_server_saves_and_starting_it_goes_on(store: Store, tmp_path: Path) -> None:
    job = add(store, "count", file=tmp_path / "n", to=300, pause_s=0.005)
    with running(store):
        begun(store, job)
    assert store.get(job.id).state is JobState.QUEUED  # not stopped: nobody asked for that
    with running(store):
        assert result(store, job)["sum"] == 45_150
    assert store.get(job.id).attempt == 2


def test_a_worker_of_a_killed_server_saves_its_job_and_ends(store: Store, tmp_path: Path) -> None:
    job = add(store, "count", file=tmp_path / "n", to=100_000)
    process = server(store.url)
    begun(store, job)
    [held] = store.held()
    assert held.owner is not None
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while held.owner.worker.alive() or store.get(job.id).state is not JobState.QUEUED:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_orphan_that_does_not_end_is_killed_by_the_next_server(store: Store) -> None:
    job = add(store, "deaf")
    process = server(store.url)
    begun(store, job)
    [held] = store.held()
    assert held.owner is not None
    process.kill()
    process.wait()
    assert held.owner.worker.alive()
    with running(store, orphan_s=0.5):
        deadline = time.monotonic() + 30
        while store.get(job.id).attempt < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert not held.owner.worker.alive()
        store.cancel(job.id)
        [again] = store.held()
        assert again.owner is not None
        again.owner.worker.kill()
        assert outcome(store, job).state is JobState.STOPPED


def test_a_second_server_leaves_the_workers_of_a_live_one_alone(
    served: Store, tmp_path: Path
) -> None:
    job = begun(served, add(served, "count", file=tmp_path / "n", to=300, pause_s=0.005))
    with running(served, orphan_s=0):
        waiting = add(served, "echo")
        assert result(served, job)["sum"] == 45_150
        assert served.get(job.id).attempt == 1
        assert outcome(served, waiting).state is JobState.DONE


def test_nothing_is_left_running_when_a_runner_stops(store: Store) -> None:
    with running(store):
        worker = process_of(result(store, add(store, "echo"))["pid"])
        assert worker.alive()
        deaf = begun(store, add(store, "deaf", lane="b"))
    assert not worker.alive()
    assert store.get(deaf.id).state is JobState.QUEUED
    assert store.held() == []
