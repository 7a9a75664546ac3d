"""Nothing is taken from under a job, and nothing made twice: in both databases."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text

from angen.errors import BadInput, Taken
from angen.jobs.job import Job, JobState, Problem
from angen.jobs.owner import Owner, this_process
from angen.jobs.store import Store
from angen.jobs.uses import Uses

MAKES = Uses(writes=("pot:tea",))
NEEDS = Uses(reads=("pot:tea",))


def add(store: Store, uses: Uses, lane: str = "a", after: tuple[str, ...] = ()) -> Job:
    return store.add("k", {}, lane=lane, title="Brew", uses=uses, after=after)


def refused(act: Callable[[], object], job: Job) -> None:
    with pytest.raises(Taken, match=f"pot 'tea' is needed by 'Brew' .job {job.id}."):
        act()


def take(store: Store, resource: str = "pot:tea") -> None:
    with store.unneeded(resource):
        pass


def begun(store: Store, lane: str = "a") -> Job:
    job = store.claim(lane, Owner(worker=this_process(), server=None))
    assert job is not None
    return job


@pytest.mark.parametrize("uses", [MAKES, NEEDS])
def test_what_a_job_needs_is_not_taken_until_it_is_over(store: Store, uses: Uses) -> None:
    first = add(store, Uses())
    job = add(store, uses, after=(first.id,))
    refused(lambda: take(store), job)  # waiting
    store.finish(begun(store), {})
    refused(lambda: take(store), job)  # queued
    held = begun(store)
    refused(lambda: take(store), job)  # running
    store.cancel(job.id)
    refused(lambda: take(store), job)  # stopping
    store.stopped(held, Problem(message="", kind="stopped"))
    take(store)
    store.retry(job.id)
    refused(lambda: take(store), job)
    take(store, "pot:coffee")


def test_two_do_not_make_the_same_and_what_is_needed_is_not_made_anew(store: Store) -> None:
    job = add(store, MAKES)
    refused(lambda: add(store, MAKES), job)
    store.cancel(job.id)
    job = add(store, NEEDS)
    add(store, NEEDS)
    refused(lambda: add(store, MAKES), job)


def test_what_is_made_may_be_waited_for(store: Store) -> None:
    first = add(store, MAKES, lane="a")
    refused(lambda: add(store, NEEDS, lane="b"), first)  # it could be replaced while it is read
    assert add(store, NEEDS, lane="a").state is JobState.QUEUED  # one after the other
    second = add(store, NEEDS, lane="b", after=(first.id,))
    third = add(store, Uses(), lane="b", after=(second.id,))
    assert add(store, NEEDS, lane="c", after=(third.id,)).state is JobState.WAITING


def test_a_check_knows_what_the_jobs_before_will_make(store: Store) -> None:
    told: list[frozenset[str]] = []
    first = add(store, MAKES)
    second = store.add("k", {}, lane="a", title="t", after=(first.id,), check=told.append)
    store.add("k", {}, lane="a", title="t", after=(second.id,), check=told.append)
    store.add("k", {}, lane="a", title="t", check=told.append)
    store.finish(begun(store), {})
    store.add("k", {}, lane="a", title="t", after=(first.id,), check=told.append)
    made = frozenset({"pot:tea"})
    assert told == [made, made, frozenset(), frozenset()]


def test_a_refused_job_is_not_there(store: Store) -> None:
    def refuse(_made: frozenset[str]) -> None:
        raise BadInput("no water")

    with pytest.raises(BadInput, match="no water"):
        store.add("k", {}, lane="a", title="t", check=refuse)
    assert store.jobs() == []


def test_a_retry_that_another_job_stands_in_the_way_of_is_refused(store: Store) -> None:
    first = add(store, MAKES)
    store.cancel(first.id)
    second = add(store, MAKES)
    refused(lambda: store.retry(first.id), second)
    assert store.get(first.id).state is JobState.STOPPED
    store.cancel(second.id)
    assert store.retry(first.id).state is JobState.QUEUED


def test_a_job_that_is_revived_with_another_makes_nothing_twice(store: Store) -> None:
    first = add(store, Uses())
    later = add(store, MAKES, after=(first.id,))
    free = add(store, Uses(), after=(first.id,))
    store.cancel(first.id)
    add(store, MAKES)
    store.retry(first.id)
    assert store.get(later.id).state is JobState.STOPPED
    assert store.get(free.id).state is JobState.WAITING


def test_of_eight_at_once_one_makes_it_whichever_process_asks(url: str) -> None:
    stores = [Store(url) for _ in range(8)]  # as eight processes open it
    start = threading.Barrier(8)

    def ask(store: Store) -> bool:
        start.wait()
        try:
            add(store, MAKES)
        except Taken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, stores)) == 1
    assert len(stores[0].jobs()) == 1
    for store in stores:
        store.close()


def test_nobody_adds_a_job_while_something_is_taken(url: str) -> None:
    """A check of the disk inside ``add`` sees what was taken, or the taking is refused."""
    there = {"tea"}

    def check(_made: frozenset[str]) -> None:
        if "tea" not in there:
            raise BadInput("it is gone")

    with Store(url) as mine, Store(url) as other:
        inside = threading.Event()

        def add_one() -> str:
            inside.wait()
            try:
                other.add("k", {}, lane="a", title="t", uses=NEEDS, check=check)
            except BadInput as error:
                return str(error)
            return "added"

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(add_one)
            with mine.unneeded("pot:tea"):
                inside.set()
                with pytest.raises(TimeoutError):
                    answer.result(0.3)
                there.clear()
            assert answer.result(20) == "it is gone"


def test_a_queue_of_the_version_before_opens_and_its_jobs_are_asked(url: str) -> None:
    with Store(url) as store:
        job = add(store, NEEDS)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:  # as version 1 made it
        connection.execute(text("ALTER TABLE angen_jobs DROP COLUMN uses"))
        connection.execute(text("UPDATE angen_clock SET schema = 1"))
    engine.dispose()
    with Store(url) as store:
        assert store.get(job.id) == job
        take(store)  # it has not told
        store.declare(lambda found: NEEDS if found.id == job.id else Uses())
        refused(lambda: take(store), job)
    with Store(url) as store:
        store.declare(lambda _: Uses())  # those that told are not asked again
        refused(lambda: take(store), job)
