"""What is over long ago goes; what is to be done, or needed for it, never does."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from angen.jobs.job import Job, JobState, Problem
from angen.jobs.store import Store, UnknownJob
from tests.jobs.test_store import add, claim, titles

LONG = timedelta(days=1)
BROKEN = Problem(message="It broke.", kind="fault")


def done(store: Store, title: str) -> Job:
    add(store, title)
    job = claim(store)
    assert store.emit(job, "say", {"text": "here"})
    assert store.finish(job, {})
    return job


def test_the_jobs_that_ended_last_stay(store: Store) -> None:
    first, *_ = [done(store, title) for title in "abcde"]
    revision = store.revision()
    assert store.prune(2, LONG) == 3
    assert titles(store.jobs()) == ["e", "d"]
    assert store.revision() > revision  # whoever shows them looks again
    with pytest.raises(UnknownJob):
        store.events(first.id)
    assert store.prune(2, LONG) == 0


def test_the_latest_end_counts_and_not_the_order_of_asking(store: Store) -> None:
    late = add(store, "late")
    store.cancel(late.id)
    done(store, "early")
    store.retry(late.id)
    assert store.finish(claim(store), {})
    assert store.prune(1, LONG) == 1
    assert titles(store.jobs()) == ["late"]


def moved(url: str, days: int, where: str = "1 = 1") -> None:
    """As if the clock had been so many days ahead when those jobs ended."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        by = days * 24 * 3600 * 1_000_000
        connection.execute(text(f"UPDATE angen_jobs SET ended = ended + ({by}) WHERE {where}"))
    engine.dispose()


def test_old_jobs_go_however_few_there_are(url: str, store: Store) -> None:
    for title in "abc":
        done(store, title)
    moved(url, -2, "title = 'a'")
    assert store.prune(100, timedelta(days=3)) == 0
    assert store.prune(100, LONG) == 1
    assert titles(store.jobs()) == ["c", "b"]


def test_a_clock_that_is_far_ahead_at_one_start_forgets_nothing(url: str, store: Store) -> None:
    for title in "abcde":
        done(store, title)
    moved(url, -400)  # the clock of now is 400 days ahead of all that is kept
    assert store.prune(1000, timedelta(days=365)) == 0
    for title in "fgh":  # and some jobs are done by it
        done(store, title)
    assert store.prune(1000, timedelta(days=365)) == 0
    assert len(store.jobs()) == 8


def test_a_clock_that_was_ahead_and_goes_back_forgets_nothing_new(url: str, store: Store) -> None:
    for title in "abcde":
        done(store, title)
    moved(url, 400)
    done(store, "now")
    assert store.prune(1000, timedelta(days=365)) == 0
    assert store.prune(2, timedelta(days=365)) == 4
    assert titles(store.jobs()) == ["now", "e"]


def test_what_is_not_over_or_needed_by_it_stays(store: Store) -> None:
    needed = done(store, "needed")
    done(store, "not needed")
    first = add(store, "first")
    running = claim(store)
    assert running.id == first.id
    waiting = add(store, "waiting", after=[needed, first])
    queued = add(store, "queued")
    assert store.prune(0, timedelta(0)) == 1
    kept = {job.id: job.state for job in store.jobs()}
    assert kept == {
        needed.id: JobState.DONE,
        first.id: JobState.RUNNING,
        waiting.id: JobState.WAITING,
        queued.id: JobState.QUEUED,
    }
    assert store.finish(running, {})
    assert store.get(waiting.id).state is JobState.QUEUED


def test_failed_and_stopped_jobs_go_too(store: Store) -> None:
    add(store, "fails")
    assert store.fail(claim(store), BROKEN)
    store.cancel(add(store, "stopped").id)
    assert store.prune(0, LONG) == 2


def test_many_go_at_once_and_two_may_prune_together(store: Store) -> None:
    for n in range(250):
        store.cancel(add(store, str(n)).id)
    gone: list[int] = []
    threads = [threading.Thread(target=lambda: gone.append(store.prune(3, LONG))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(gone) == 247
    assert titles(store.jobs()) == ["249", "248", "247"]
