"""The queue, in both databases."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from angen.errors import BadInput, Incompatible
from angen.jobs import order
from angen.jobs.bell import Clock
from angen.jobs.database import Database
from angen.jobs.events import KEPT_PROGRESS
from angen.jobs.job import OVER, Job, JobState, Problem, Progress
from angen.jobs.owner import Owner, Process, this_process
from angen.jobs.store import Store, UnknownJob

ME = Owner(worker=this_process(), server=None)
OTHERS = [
    Owner(worker=Process(boot="elsewhere", pid=pid, started="1"), server=None) for pid in range(16)
]
BROKEN = Problem(message="It broke.", kind="fault")


def add(store: Store, title: str = "Count", *, priority: int = 0, after: Sequence[Job] = ()) -> Job:
    ids = [job.id for job in after]
    return store.add("count", {"to": 3}, lane="a", title=title, priority=priority, after=ids)


def claim(store: Store) -> Job:
    job = store.claim("a", ME)
    assert job is not None
    return job


def titles(jobs: Sequence[Job]) -> list[str]:
    return [job.title for job in jobs]


def states(store: Store, *jobs: Job) -> list[JobState]:
    return [store.get(job.id).state for job in jobs]


def test_a_new_job_is_queued_with_what_was_asked(store: Store) -> None:
    job = add(store, "Zähle bis 三")
    assert job == store.get(job.id)
    assert (job.kind, job.arguments, job.lane) == ("count", {"to": 3}, "a")
    assert (job.title, job.state, job.position) == ("Zähle bis 三", JobState.QUEUED, 1)
    assert abs(job.created - datetime.now(UTC)) < timedelta(seconds=5)
    assert job.created.tzinfo is UTC


def test_text_that_databases_refuse_is_kept_as_far_as_it_goes(store: Store) -> None:
    job = store.add(
        "count", {"file": "a\0b\udcff", "none": float("nan")}, lane="a", title="\0x\ud800"
    )
    assert store.get(job.id).arguments == {"file": "ab?", "none": None}
    assert store.get(job.id).title == "x?"


@pytest.mark.parametrize("id", ["nosuchjob", "", "a\0b", "x" * 5000, "'; DROP TABLE jobs", "名"])
def test_an_unknown_job_is_told(store: Store, id: str) -> None:
    with pytest.raises(UnknownJob, match="There is no job"):
        store.get(id)
    with pytest.raises(UnknownJob):
        store.events(id)
    with pytest.raises(UnknownJob):
        store.add("count", {}, lane="a", title="x", after=[id])


def test_jobs_come_in_order_of_asking_unless_priority_says_otherwise(store: Store) -> None:
    for title, priority in (("one", 0), ("two", 0), ("urgent", 5)):
        add(store, title, priority=priority)
    order = []
    while job := store.claim("a", ME):
        order.append(job.title)
        assert store.finish(job, {})
    assert order == ["urgent", "one", "two"]


def test_a_lane_does_one_job_at_a_time(store: Store) -> None:
    first = add(store)
    add(store)
    other = store.add("count", {}, lane="b", title="elsewhere")
    assert claim(store).id == first.id
    assert store.claim("a", OTHERS[0]) is None
    assert store.claim("b", OTHERS[0]) == store.get(other.id)


def test_a_job_that_its_worker_does_not_know_of_is_not_running_for_ever(store: Store) -> None:
    add(store)
    unheard = claim(store)  # the database did it, but the connection broke before it said so
    again = claim(store)
    assert (again.id, again.attempt) == (unheard.id, 2)
    assert not store.finish(unheard, {})
    store.cancel(again.id)
    assert store.claim("a", ME) is None
    assert store.get(again.id).state is JobState.STOPPED


def test_many_who_claim_at_once_never_get_the_same_job(store: Store) -> None:
    for n in range(8):
        store.add("count", {}, lane=f"lane{n}", title=str(n))
    got: list[Job] = []
    start = threading.Barrier(16)

    def take(n: int) -> None:
        start.wait()
        for lane in range(8):
            if job := store.claim(f"lane{(lane + n) % 8}", OTHERS[n]):
                got.append(job)

    threads = [threading.Thread(target=take, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job.title for job in got) == [str(n) for n in range(8)]


def test_move_puts_a_job_before_another_or_last(store: Store) -> None:
    one, two, three = (add(store, title) for title in ("one", "two", "three"))
    assert titles(store.move(three.id, one.id)) == ["three", "one", "two"]
    assert titles(store.move(three.id, two.id)) == ["one", "three", "two"]
    assert titles(store.move(one.id, None)) == ["three", "two", "one"]
    assert titles(store.move(two.id, two.id)) == ["three", "two", "one"]
    assert [store.get(job.id).position for job in (one, two, three)] == [3, 2, 1]
    assert claim(store).title == "three"


def test_move_takes_the_priority_of_its_new_place(store: Store) -> None:
    add(store, "one", priority=9)
    two, three = add(store, "two"), add(store, "three")
    store.move(three.id, two.id)
    assert titles(store.move(two.id, None)) == ["one", "three", "two"]
    assert titles(store.move(two.id, store.jobs()[-1].id)) == ["two", "one", "three"]
    assert store.get(two.id).priority == 9


def test_move_refuses_jobs_that_are_not_in_the_same_queue(store: Store) -> None:
    one, two = add(store, "one"), add(store, "two")
    other = store.add("count", {}, lane="b", title="elsewhere")
    claim(store)
    with pytest.raises(BadInput, match="'one' is running"):
        store.move(one.id, two.id)
    with pytest.raises(BadInput, match="'elsewhere' is not in the queue of lane 'a'"):
        store.move(two.id, other.id)


def test_set_priority_reorders_the_queue(store: Store) -> None:
    add(store, "one")
    two = add(store, "two")
    assert store.set_priority(two.id, 1).position == 1


def test_cancel_ends_a_queued_job_at_once_and_asks_a_running_one(store: Store) -> None:
    running, queued = add(store), add(store)
    job = claim(store)
    assert store.cancel(queued.id).state is JobState.STOPPED
    assert store.cancel(running.id).state is JobState.STOPPING
    assert store.cancel(running.id).state is JobState.STOPPING  # a second click
    assert store.look(job) is JobState.STOPPING
    assert store.stopped(job, Problem(message="Saved at 3.", kind="stopped"))
    ended = store.cancel(running.id)
    assert (ended.state, ended.problem) == (
        JobState.STOPPED,
        Problem(message="Saved at 3.", kind="stopped"),
    )


def test_retry_queues_the_same_job_again(store: Store) -> None:
    job = add(store)
    with pytest.raises(BadInput, match="'Count' is queued; only a job that failed"):
        store.retry(job.id)
    store.fail(claim(store), BROKEN)
    add(store, "later")
    again = store.retry(job.id)
    assert (again.id, again.state, again.position) == (job.id, JobState.QUEUED, 2)
    assert (again.problem, again.ended) == (None, None)
    store.finish(claim(store), {})
    assert claim(store).attempt == 2


def test_only_jobs_that_are_over_are_forgotten(store: Store) -> None:
    job = add(store)
    with pytest.raises(BadInput, match="Stop it before you delete it"):
        store.forget(job.id)
    store.cancel(job.id)
    store.forget(job.id)
    assert store.jobs() == []
    assert add(store).number > job.number  # numbers are not used twice


def test_a_job_waits_for_what_it_needs(store: Store) -> None:
    prepare = add(store, "prepare")
    train = add(store, "train", after=[prepare])
    song = add(store, "song", after=[prepare, train])
    assert states(store, prepare, train, song) == ["queued", "waiting", "waiting"]
    store.finish(claim(store), {})
    assert states(store, prepare, train, song) == ["done", "queued", "waiting"]
    store.finish(claim(store), {})
    assert claim(store).id == song.id


def test_a_job_that_needs_one_that_failed_is_stopped_and_says_so(store: Store) -> None:
    prepare = add(store, "prepare")
    train = add(store, "train", after=[prepare])
    song = add(store, "song", after=[prepare, train])
    store.fail(claim(store), BROKEN)
    assert states(store, prepare, train, song) == ["failed", "stopped", "stopped"]
    problem = store.get(train.id).problem
    assert problem is not None
    assert problem.message == "This needs 'prepare', which failed."
    assert [e.data["state"] for e in store.events(song.id)] == ["waiting", "stopped"]
    late = add(store, "late", after=[train])
    assert states(store, late) == ["stopped"]


def test_retrying_the_first_revives_the_rest(store: Store) -> None:
    prepare = add(store, "prepare")
    train = add(store, "train", after=[prepare])
    song = add(store, "song", after=[train])
    alone = add(store, "alone", after=[prepare])
    store.cancel(alone.id)  # by a person: stays stopped
    store.cancel(prepare.id)
    with pytest.raises(BadInput, match="'train' needs a job that did not end well"):
        store.retry(train.id)
    store.retry(prepare.id)
    assert states(store, prepare, train, song, alone) == [
        "queued",
        "waiting",
        "waiting",
        "stopped",
    ]
    for _ in range(3):
        store.finish(claim(store), {})
    assert states(store, prepare, train, song, alone) == ["done", "done", "done", "stopped"]


def test_a_job_with_two_needs_waits_for_both_after_a_retry(store: Store) -> None:
    first, second = add(store, "first"), add(store, "second")
    both = add(store, "both", after=[first, second])
    store.cancel(first.id)
    store.cancel(second.id)
    store.retry(first.id)
    problem = store.get(both.id).problem
    assert problem is not None
    assert problem.message == "This needs 'second', which was stopped."
    store.retry(second.id)
    assert states(store, both) == ["waiting"]


def test_a_worker_that_lost_its_job_can_change_nothing(store: Store) -> None:
    add(store)
    lost = claim(store)
    assert store.release(lost, BROKEN)
    held = claim(store)
    assert (held.id, held.attempt) == (lost.id, 2)
    assert not store.progress(lost, Progress(stage="x", done=1, total=2))
    assert not store.emit(lost, "say", {"message": "ghost"})
    assert not store.finish(lost, {"wrong": True})
    assert not store.fail(lost, BROKEN)
    assert not store.stopped(lost, BROKEN)
    assert not store.release(lost, BROKEN)
    assert store.heartbeat(lost) is None
    assert store.look(lost) is None
    assert store.heartbeat(held) is JobState.RUNNING
    assert store.finish(held, {"right": True})
    assert not store.finish(held, {"twice": True})
    assert store.get(held.id).result == {"right": True}


def test_a_released_job_keeps_its_place_and_ends_if_it_was_to_stop(store: Store) -> None:
    first, second = add(store), add(store)
    store.release(claim(store), BROKEN)
    assert [store.get(job.id).position for job in (first, second)] == [1, 2]
    job = claim(store)
    store.cancel(job.id)
    store.release(job, Problem(message="Saved.", kind="stopped"))
    assert store.get(job.id).state is JobState.STOPPED


def test_events_are_numbered_kept_and_replayed(store: Store) -> None:
    add(store)
    job = claim(store)
    store.emit(job, "metrics", {"loss": float("inf"), "path": Path("x"), "steps": (1, 2)})
    store.progress(job, Progress(stage="Counting", done=1, total=3, seconds_left=2.5))
    store.finish(job, {"sum": 6})
    events = store.events(job.id)
    assert [(e.number, e.kind) for e in events] == [
        (1, "state"),
        (2, "state"),
        (3, "metrics"),
        (4, "progress"),
        (5, "state"),
    ]
    assert events[2].data == {"loss": None, "path": "x", "steps": [1, 2]}
    assert events[3].data == {"stage": "Counting", "done": 1, "total": 3, "seconds_left": 2.5}
    assert store.events(job.id, after=3) == events[3:]
    assert store.events(job.id, after=1, limit=2) == events[1:3]
    assert [e.at for e in events] == sorted(e.at for e in events)


def test_events_of_progress_are_thinned_and_others_are_not(store: Store) -> None:
    add(store)
    job = claim(store)
    for n in range(1, KEPT_PROGRESS + 11):
        store.progress(job, Progress(stage="Counting", done=n, total=110))
        if n % 50 == 0:
            store.emit(job, "metrics", {"n": n})
    store.finish(job, {})
    kept = store.events(job.id)
    assert [e.data["done"] for e in kept if e.kind == "progress"] == [*range(1, 110, 2), 110]
    assert [e.data["n"] for e in kept if e.kind == "metrics"] == [50, 100]


def test_jobs_are_listed_latest_first_in_pages(store: Store) -> None:
    made = [add(store, str(n)) for n in range(5)]
    assert titles(store.jobs(limit=2)) == ["4", "3"]
    assert titles(store.jobs(before=made[3].number)) == ["2", "1", "0"]
    claim(store)
    assert titles(store.jobs(states=[JobState.RUNNING])) == ["0"]
    assert store.jobs(kinds=["train"]) == []
    assert [job.position for job in store.jobs()] == [4, 3, 2, 1, 0]


def test_a_job_is_read_as_it_was_at_one_moment(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = add(store)
    with Store(url) as others:
        places = order.positions

        def late(connection: Connection, lanes: set[str]) -> dict[int, int]:
            others.cancel(job.id)  # between the reading of the job and that of its place
            return places(connection, lanes)

        with monkeypatch.context() as changed:
            changed.setattr(order, "positions", late)
            seen = store.get(job.id)
        assert (seen.state, seen.position) == (JobState.QUEUED, 1)
        assert store.get(job.id).state is JobState.STOPPED


def test_what_has_changed_since_is_told(store: Store) -> None:
    one, two = add(store, "one"), add(store, "two")
    seen = store.revision()
    assert store.jobs(since=seen) == []
    store.emit(claim(store), "say", {"message": "new"})
    assert [job.id for job in store.jobs(since=seen)] == [one.id]
    assert store.revision() > seen
    assert two.revision <= seen


def test_wait_returns_when_another_process_has_changed_something(url: str) -> None:
    with Store(url) as mine, Store(url) as others:
        seen = mine.revision()
        began = time.monotonic()
        assert mine.wait(seen, 0.1) == seen
        assert time.monotonic() - began >= 0.1
        threading.Timer(0.1, add, (others,)).start()
        assert mine.wait(seen, 20) > seen


def test_waiting_for_nothing_does_not_read_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reads = Database.read_clock, []

    def counted(database: Database) -> Clock:
        reads.append(1)
        return read(database)

    with Store(f"sqlite:///{tmp_path}/jobs.db") as store, Store(store.url) as others:
        monkeypatch.setattr(Database, "read_clock", counted)
        seen = store.revision()
        store.wait(seen, 0.5)
        assert len(reads) <= 2  # a look comes every twentieth of a second
        add(others)
        assert store.wait(seen, 20) > seen


def test_coroutines_wait_without_a_thread_each(url: str) -> None:
    async def watch(store: Store, seen: int) -> list[int]:
        return list(await asyncio.gather(*(store.wait_async(seen, 20) for _ in range(100))))

    with Store(url) as mine, Store(url) as others:
        seen = mine.revision()
        threads = threading.active_count()
        timer = threading.Timer(0.2, add, (others,))
        timer.start()
        assert all(found > seen for found in asyncio.run(watch(mine, seen)))
        assert threading.active_count() <= threads + 2
        assert asyncio.run(mine.wait_async(mine.revision(), 0.05)) == mine.revision()
        timer.join()


def test_close_lets_go_of_those_who_wait(url: str) -> None:
    store = Store(url)
    waiter = threading.Thread(target=store.wait, args=(store.revision(), 60))
    waiter.start()
    time.sleep(0.05)
    store.close()
    waiter.join(10)
    assert not waiter.is_alive()


def test_many_threads_read_while_others_write(store: Store) -> None:
    add(store)
    job = claim(store)
    faults: list[BaseException] = []
    over = threading.Event()

    def poll() -> None:
        try:
            while not over.is_set():
                store.jobs()
                store.events(job.id)
        except BaseException as error:
            faults.append(error)

    readers = [threading.Thread(target=poll) for _ in range(10)]
    for reader in readers:
        reader.start()
    for n in range(15):
        store.progress(job, Progress(stage="x", done=n, total=15))
    over.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(store.events(job.id)) == 17


def test_a_file_that_another_holds_while_it_is_made_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.3, other.rollback)
        done.start()
        with Store(f"sqlite:///{path}") as store:
            add(store)
        done.join()


def test_several_may_open_a_new_queue_at_once(url: str) -> None:
    faults: list[BaseException] = []

    def open_and_add() -> None:
        try:
            with Store(url) as store:
                add(store)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=open_and_add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with Store(url) as store:
        assert len(store.jobs()) == 4


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "is no address of a database"),
        ("sqlite://", "cannot hold the queue"),
        ("mysql://root@localhost/jobs", "cannot hold the queue"),
        ("sqlite:////proc/nowhere/jobs.db", "cannot be made"),
    ],
)
def test_an_address_that_cannot_be_used_is_explained(address: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        Store(address)


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: make test brings it")
    with pytest.raises(BadInput, match="cannot be opened") as told:
        Store("postgresql://me:secret@127.0.0.1:9/jobs")
    assert "secret" not in str(told.value)


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    Store(url).close()
    with sqlite3.connect(tmp_path / "jobs.db") as connection:
        connection.execute("UPDATE angen_clock SET schema = 99")
    connection.close()
    with pytest.raises(Incompatible, match="tables of version 99, expected 2"):
        Store(url)


def test_states_that_are_over() -> None:
    assert {state for state in JobState if state.over} == OVER == {"done", "failed", "stopped"}
