"""The queue: what jobs there are, in which order, and what has become of them.

    store = Store("sqlite:////home/me/angen/jobs.db")
    job = store.add("train", {"name": "blues"}, lane="model", title="Train blues")

Safe to use from many threads and many processes at once. Workers are in ``worker.py``, and
``runner.py`` keeps them alive.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import delete, insert, select

from angen.errors import Taken
from angen.jobs import lease, order, pruning
from angen.jobs.chain import ended, enter, revive, settle
from angen.jobs.database import Database
from angen.jobs.events import STATE, Event, plain
from angen.jobs.job import OVER, PENDING, Job, JobState, Problem, Progress
from angen.jobs.order import UnknownJob as UnknownJob
from angen.jobs.owner import Owner
from angen.jobs.tables import event_of, job_of, jobs, new_id
from angen.jobs.tables import events as event_table
from angen.jobs.uses import (
    NOTHING,
    Uses,
    as_kept,
    refuse_conflict,
    refuse_conflict_of,
    to_be_made,
)

Check = Callable[[frozenset[str]], None]

MAX_TITLE = 300  # characters
CANCELLED = Problem(message="Stopped before it began.", kind="stopped")


def unchecked(_made: frozenset[str]) -> None:
    """For jobs that can always be added."""


class Store:
    """The queue in a database."""

    def __init__(self, url: str) -> None:
        """Opens the queue, made when it is not there.

        url: ``sqlite:////path/jobs.db`` or ``postgresql://user:password@host/name``.

        Raises BadInput when there is no such database or it cannot be read and written,
        Incompatible when its tables are of another version, OutOfSpace.
        """
        self.url = url
        self._database = Database(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def verify(self) -> None:
        """Read the whole queue once. Raises BadInput when it is damaged."""
        self._database.verify()

    def close(self) -> None:
        """Let go of the database and of everybody who waits."""
        self._database.close()

    # What people do

    def add(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        *,
        lane: str,
        title: str,
        priority: int = 0,
        after: Sequence[str] = (),
        id: str | None = None,
        uses: Uses = NOTHING,
        check: Check = unchecked,
    ) -> Job:
        """A new job at the end of its lane's queue.

        kind: which handler does it.
        arguments: what the handler gets; JSON.
        priority: higher goes first.
        after: ids of jobs that must be done first.
        id: of ``new_id``.
        uses: what it needs and makes.
        check: raises when the job could not be done. It is called while nobody adds a job and
            nothing is changed that a job may need, with what ``after`` have still to make. It must
            be quick, and not ask this store.

        Raises UnknownJob when one of ``after`` is not there, Taken when another job stands in the
        way.
        """
        with self._database.writing(orders=True) as change:
            for other in after:
                order.find(change.connection, other)
            refuse_conflict(change.connection, uses, lane=lane, after=after)
            check(to_be_made(change.connection, after))
            values = {
                "id": id or new_id(),
                "kind": kind,
                "title": plain(title)[:MAX_TITLE],
                "lane": lane,
                "arguments": plain(arguments),
                "state": JobState.WAITING,
                "priority": priority,
                "place": order.last_place(change) + 1,
                "after": list(dict.fromkeys(after)),
                "uses": as_kept(uses),
                "furthest": {},
                "created": change.now,
                "revision": change.revision,
            }
            change.connection.execute(insert(jobs).values(values))
            settle(change, order.find(change.connection, str(values["id"])))
            return order.shown(change.connection, str(values["id"]))

    @contextmanager
    def unneeded(self, *resources: str) -> Iterator[None]:
        """Within the block no job that is not over needs ``resources``, and none is added.

        It must be short, and not ask this store. Raises Taken that names a job which needs one.
        """
        with self._database.writing() as change:
            refuse_conflict(change.connection, Uses(writes=resources))
            yield

    def declare(self, uses_of: Callable[[Job], Uses]) -> None:
        """Note what jobs use that were added by a version that did not tell."""
        untold = select(jobs).where(jobs.c.uses.is_(None))
        with self._database.reading() as connection:
            if connection.execute(untold.limit(1)).first() is None:
                return
        with self._database.writing() as change:
            for row in change.connection.execute(untold).all():
                change.update(row.number, uses=as_kept(uses_of(job_of(row))))

    def get(self, id: str) -> Job:
        """Raises UnknownJob when it is not there."""
        with self._database.reading() as connection:
            return order.shown(connection, id)

    def jobs(
        self,
        *,
        states: Iterable[JobState] | None = None,
        kinds: Iterable[str] | None = None,
        limit: int = 100,
        before: int | None = None,
        since: int | None = None,
    ) -> list[Job]:
        """Jobs, the latest first.

        before: only those with a lower number: the next page.
        since: only those that have changed after this revision.
        """
        query = select(jobs).order_by(jobs.c.number.desc()).limit(limit)
        if states is not None:
            query = query.where(jobs.c.state.in_(list(states)))
        if kinds is not None:
            query = query.where(jobs.c.kind.in_(list(kinds)))
        if before is not None:
            query = query.where(jobs.c.number < before)
        if since is not None:
            query = query.where(jobs.c.revision > since)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            places = order.positions(connection, {r.lane for r in rows if r.state in PENDING})
        return [job_of(row, places.get(row.number, 0)) for row in rows]

    def cancel(self, id: str) -> Job:
        """Stop a job: at once when it has not begun, else as soon as it has saved what it has.

        A job that is over stays as it is. Raises UnknownJob when it is not there.
        """
        with self._database.writing(orders=True) as change:
            row = order.find(change.connection, id)
            if row.state in PENDING:
                enter(change, row.number, JobState.STOPPED, CANCELLED, stopped_by=None)
                ended(change, id)
            elif row.state == JobState.RUNNING:
                change.update(row.number, state=JobState.STOPPING, stop_asked=change.now)
                change.event(row.number, STATE, {"state": JobState.STOPPING})
            return order.shown(change.connection, id)

    def retry(self, id: str) -> Job:
        """Do the same job again, from what it has saved, at the end of the queue.

        Jobs that were stopped because of it wait for it again.

        Raises UnknownJob when it is not there, Taken when it is done, not over, or needs a job
        that did not end well, and when another job stands in the way.
        """
        with self._database.writing(orders=True) as change:
            row = order.find(change.connection, id)
            if row.state not in (JobState.FAILED, JobState.STOPPED):
                raise Taken(
                    f"{row.title!r} is {row.state}; only a job that failed or was stopped can be "
                    "retried. Ask for a new one instead."
                )
            refuse_conflict_of(change.connection, row)
            if settle(change, row) is JobState.STOPPED:
                raise Taken(
                    f"{row.title!r} needs a job that did not end well. Retry that one; this then "
                    "follows by itself."
                )
            place = order.last_place(change) + 1
            values: dict[str, Any] = {"progress": None, "result": None, "strikes": 0}
            change.update(row.number, place=place, started=None, stop_asked=None, **values)
            revive(change, id)
            return order.shown(change.connection, id)

    def move(self, id: str, before: str | None) -> list[Job]:
        """Put a job of the queue right before another, or at the end of its lane when None.

        It takes that one's priority. Returns the lane's queue in its new order.

        Raises UnknownJob when one is not there, Taken when they are not in the same queue.
        """
        with self._database.writing(orders=True) as change:
            return order.move(change, id, before)

    def set_priority(self, id: str, priority: int) -> Job:
        """Higher goes first. Raises UnknownJob when it is not there."""
        with self._database.writing(orders=True) as change:
            change.update(order.find(change.connection, id).number, priority=priority)
            return order.shown(change.connection, id)

    def forget(self, id: str) -> None:
        """Delete a job that is over, with its events.

        Raises UnknownJob when it is not there, Taken when it is not over.
        """
        with self._database.writing() as change:
            row = order.find(change.connection, id)
            if row.state not in OVER:
                raise Taken(f"{row.title!r} is {row.state}. Stop it before you delete it.")
            change.connection.execute(delete(event_table).where(event_table.c.job == row.number))
            change.connection.execute(delete(jobs).where(jobs.c.number == row.number))

    def prune(self, most: int, age: timedelta) -> int:
        """Delete jobs that are over, but for the ``most`` that ended last; see ``pruning.py``.

        age: since their end; older ones go too. Returns how many were deleted.
        """
        return pruning.prune(self._database, most, age)

    # What has happened

    def events(self, id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """What happened to a job, oldest first, from the event after number ``after``.

        Raises UnknownJob when it is not there.
        """
        table = event_table
        with self._database.reading() as connection:
            number = order.number_of(connection, id)
            rows = connection.execute(
                select(table)
                .where(table.c.job == number, table.c.number > after)
                .order_by(table.c.number)
                .limit(limit)
            ).all()
        return [event_of(row, id) for row in rows]

    def revision(self) -> int:
        """Counts every change of any job: equal numbers mean that nothing is new."""
        return self._database.read_clock()[0]

    def wait(self, since: int, timeout_s: float) -> int:
        """The revision as soon as it is over ``since``, or when time is up. Blocks its thread."""
        return self._database.bell.wait(since, timeout_s)

    async def wait_async(self, since: int, timeout_s: float) -> int:
        """The same for coroutines: costs no thread."""
        return await self._database.bell.wait_async(since, timeout_s)

    def wait_for_orders(self, since: int, timeout_s: float) -> int:
        """The same, counting only what workers should look at: for the runner."""
        return self._database.bell.wait(since, timeout_s, orders=True)

    def heard_orders(self) -> int:
        """How often something happened that others should look at, as far as has been heard.

        Asks nobody. In a process where somebody waits for orders it is a twentieth of a second old.
        """
        return self._database.bell.heard[1]

    def hear(self) -> None:
        """Hear now what has happened: whoever tells of an end must know of it everywhere."""
        self._database.bell.ring(self._database.read_clock())

    # What workers do; see ``lease.py``. False or None: the job was taken from them.

    def claim(self, lane: str, owner: Owner) -> Job | None:
        """The next job of ``lane``; None when there is none or the lane is busy."""
        return lease.claim(self._database, lane, owner)

    def heartbeat(self, job: Job) -> JobState | None:
        """Tell that the worker lives. Returns the job's state."""
        return lease.heartbeat(self._database, job)

    def look(self, job: Job) -> JobState | None:
        """The job's state, as long as this attempt holds it."""
        return lease.look(self._database, job)

    def progress(self, job: Job, now: Progress, *, keep: bool = True) -> bool:
        """Tell how far the job is; ``keep``: as an event too."""
        return lease.progress(self._database, job, now, keep=keep)

    def emit(self, job: Job, kind: str, data: Mapping[str, Any]) -> bool:
        """Add to the job's events."""
        return lease.emit(self._database, job, kind, data)

    def finish(self, job: Job, result: Mapping[str, Any]) -> bool:
        """The job is done."""
        return lease.finish(self._database, job, result)

    def fail(self, job: Job, problem: Problem) -> bool:
        """The job failed."""
        return lease.give_up(self._database, job, JobState.FAILED, problem)

    def stopped(self, job: Job, problem: Problem) -> bool:
        """The job was stopped, as somebody asked."""
        return lease.give_up(self._database, job, JobState.STOPPED, problem)

    def release(self, job: Job, stopped: Problem) -> bool:
        """Queue the job again; or end it with ``stopped`` when somebody had asked it to stop."""
        return lease.release(self._database, job, stopped)

    # What the runner does

    def begun(self, lane: str, since: datetime) -> bool:
        """Whether a job of ``lane`` was begun after ``since``."""
        query = select(jobs.c.number).where(jobs.c.lane == lane, jobs.c.started >= since).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def refuse(self, lane: str, problem: Problem) -> Job | None:
        """Fail the next job of ``lane``, whose worker does not start."""
        return lease.refuse(self._database, lane, problem)

    def held(self) -> list[lease.Held]:
        """Every job that a worker has."""
        return lease.held(self._database)

    def take_back(
        self,
        dead: lease.Held,
        *,
        alone: bool,
        problem: Problem,
        patience: int = lease.PATIENCE,
    ) -> bool:
        """Queue a job again whose worker died, or end it; see ``lease.take_back``."""
        return lease.take_back(
            self._database, dead, alone=alone, patience=patience, problem=problem
        )
