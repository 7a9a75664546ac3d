"""What handlers tell, and how often it is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from angen.errors import Stopped
from angen.jobs.context import TOLD_S, WorkContext
from angen.jobs.events import Event
from angen.jobs.job import Job
from angen.jobs.owner import Owner, this_process
from angen.jobs.store import Store


class Clock:
    """Time that passes when we say so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/jobs.db") as store:
        yield store


@pytest.fixture
def job(store: Store) -> Job:
    store.add("count", {}, lane="a", title="Count")
    job = store.claim("a", Owner(worker=this_process(), server=None))
    assert job is not None
    return job


def told(store: Store, job: Job, kind: str) -> list[Event]:
    return [event for event in store.events(job.id) if event.kind == kind]


def test_fast_steps_are_told_at_times_and_the_last_always(store: Store, job: Job) -> None:
    clock = Clock()
    on_step = WorkContext(store, job, lambda: False, clock).stage("Counting")
    before = store.revision()
    for n in range(1, 101):
        clock.now += TOLD_S / 16
        on_step(n, 100)
    assert store.revision() - before <= 8
    progress = store.get(job.id).progress
    assert progress is not None
    assert (progress.stage, progress.done, progress.percent) == ("Counting", 100, 100)
    assert [e.data["done"] for e in told(store, job, "progress")] == [1, 65, 100]


def test_the_time_left_is_that_of_steps_like_those_before(store: Store, job: Job) -> None:
    clock = Clock()
    on_step = WorkContext(store, job, lambda: False, clock).stage("Training")
    clock.now += 100  # warming up counts for nothing
    left = []
    for n in range(41, 51):  # resumed at 40
        on_step(n, 100)
        progress = store.get(job.id).progress
        assert progress is not None
        left.append(progress.seconds_left)
        clock.now += 2
    assert left[0] is None
    assert left[1:] == [2 * (100 - n) for n in range(42, 51)]


def test_a_new_stage_tells_what_was_held_back(store: Store, job: Job) -> None:
    context = WorkContext(store, job, lambda: False, Clock())
    on_step = context.stage("One")
    for n in (1, 2, 3):
        on_step(n, 10)
    context.stage("Two")
    assert [e.data["done"] for e in told(store, job, "progress")] == [1, 3]
    assert [e.data["title"] for e in told(store, job, "stage")] == ["One", "Two"]


def test_steps_raise_stopped_when_the_work_should_end(store: Store, job: Job) -> None:
    stop = False
    context = WorkContext(store, job, lambda: stop)
    on_step = context.stage("Counting")
    on_step(1, 3)
    stop = True
    assert context.stopping()
    with pytest.raises(Stopped):
        on_step(2, 3)
    with pytest.raises(Stopped):
        context.stage("Next")


def test_lines_and_news_are_kept(store: Store, job: Job) -> None:
    context = WorkContext(store, job, lambda: False)
    context.say("x" * 20_000)
    context.emit("metrics", {"loss": 0.5})
    assert [len(e.data["message"]) for e in told(store, job, "say")] == [10_000]
    assert [e.data for e in told(store, job, "metrics")] == [{"loss": 0.5}]
    with pytest.raises(ValueError, match="made by the queue"):
        context.emit("state", {})


def test_a_job_goes_on_when_its_news_cannot_be_written(
    store: Store, job: Job, tmp_path: Path
) -> None:
    context = WorkContext(store, job, lambda: False)
    on_step = context.stage("Counting")
    store.close()
    (tmp_path / "jobs.db").unlink()
    (tmp_path / "jobs.db").mkdir()
    on_step(1, 2)
    context.say("nobody hears this")
