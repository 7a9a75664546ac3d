"""The worker's side of the queue: taking a job, telling of it, ending it.

A worker holds its job by (number, attempt). Whatever it writes is refused once the job was taken
from it, so a worker that was thought dead can do no harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select

from angen.jobs.chain import ended, enter
from angen.jobs.database import Change, Database
from angen.jobs.events import PROGRESS, STATE, plain, superfluous
from angen.jobs.job import ACTIVE, Job, JobState, Problem, Progress
from angen.jobs.owner import Owner, read_owner
from angen.jobs.tables import events, job_of, jobs, told

PATIENCE = 3  # deaths of a worker in a row without its job getting further
_ALONE, _WITH_SERVER = 2, 1  # strikes: the job is less to blame when the server died as well
_THIN_EVERY = 500  # events
INTERRUPTED = "The server went down; this goes on by itself from what was saved."
SILENT = Problem(message="Stopped; its process ended before it could say more.", kind="stopped")
KILLED = "Its process was ended from outside; this goes on by itself from what was saved."


@dataclass(frozen=True, kw_only=True)
class Held:
    """A job that a worker has, or had when it died."""

    job: Job
    owner: Owner | None
    heartbeat: datetime | None
    stop_asked: datetime | None
    strikes: int  # its worker's deaths in a row without progress, by weight
    advanced: bool  # the present attempt got further than any before


def claim(database: Database, lane: str, owner: Owner) -> Job | None:
    """The next job of ``lane``, now held by ``owner``; None when there is none, or one is running.

    What a lane stands for (a device) does one thing at a time, however many servers there are.
    """
    busy = select(jobs).where(jobs.c.lane == lane, jobs.c.state.in_(ACTIVE))
    with database.reading() as connection:  # looking costs nobody a lock
        others = [row for row in connection.execute(busy) if not _is_of(row, owner)]
        if others or connection.execute(_next(lane, ACTIVE)).first() is None:
            return None
    with database.writing(durable=False) as change:  # if it is lost with the power, all is well
        for held in change.connection.execute(busy).all():
            if not _is_of(held, owner):
                return None
            _put_back(change, held)  # taken a moment ago, but the answer never came
        row = change.connection.execute(_next(lane)).first()
        if row is None:
            return None
        attempt = row.attempt + 1
        change.update(
            row.number,
            state=JobState.RUNNING,
            attempt=attempt,
            owner=owner.text(),
            heartbeat=change.now,
            stop_asked=None,
            advanced=False,
            started=change.now,
            progress=None,
        )
        change.event(row.number, STATE, {"state": JobState.RUNNING, "attempt": attempt})
        taken = select(jobs).where(jobs.c.number == row.number)
        return job_of(change.connection.execute(taken).one())


def heartbeat(database: Database, job: Job) -> JobState | None:
    """Tell that the worker lives. Returns the job's state; None when it was taken away."""
    with database.writing(durable=False) as change:
        row = _held(change, job)
        if row is None:
            return None
        change.connection.execute(
            jobs.update().where(jobs.c.number == job.number).values(heartbeat=change.now)
        )
        return JobState(row.state)


def look(database: Database, job: Job) -> JobState | None:
    """The same without telling."""
    with database.reading() as connection:
        row = connection.execute(
            select(jobs.c.state).where(
                jobs.c.number == job.number,
                jobs.c.attempt == job.attempt,
                jobs.c.state.in_(ACTIVE),
            )
        ).first()
        return None if row is None else row.state


def progress(database: Database, job: Job, now: Progress, *, keep: bool) -> bool:
    """Tell how far a job is.

    keep: as an event too.
    """
    with database.writing(durable=False) as change:
        row = _held(change, job)
        if row is None:
            return False
        values: dict[str, Any] = {"progress": told(now)}
        if now.done > row.furthest.get(now.stage, 0):
            values |= {"furthest": row.furthest | {now.stage: now.done}, "advanced": True}
        change.update(job.number, **values)
        if keep:
            _event(change, job.number, PROGRESS, told(now) or {})
    return True


def emit(database: Database, job: Job, kind: str, data: Mapping[str, Any]) -> bool:
    """Add to a job's events."""
    with database.writing(durable=False) as change:
        if _held(change, job) is None:
            return False
        _event(change, job.number, kind, data)
    return True


def finish(database: Database, job: Job, result: Mapping[str, Any]) -> bool:
    """A job is done."""
    with database.writing(orders=True) as change:
        if _held(change, job) is None:
            return False
        thin(change, job.number)
        free: dict[str, Any] = {"owner": None, "strikes": 0}
        enter(change, job.number, JobState.DONE, result=plain(result), **free)
        ended(change, job.id)
    return True


def give_up(database: Database, job: Job, state: JobState, problem: Problem) -> bool:
    """A job failed or was stopped."""
    with database.writing(orders=True) as change:
        if _held(change, job) is None:
            return False
        _end(change, job, state, problem)
    return True


def refuse(database: Database, lane: str, problem: Problem) -> Job | None:
    """Fail the next job of ``lane``, which nobody can begin. None when there is none."""
    with database.writing(orders=True) as change:
        row = change.connection.execute(_next(lane)).first()
        if row is None:
            return None
        job = job_of(row)
        _end(change, job, JobState.FAILED, problem)
        return job


def release(database: Database, job: Job, stopped: Problem) -> bool:
    """Put a job back into the queue that its worker cannot go on with; it keeps its place.

    stopped: what to say when somebody had asked it to stop anyway.
    """
    with database.writing(orders=True) as change:
        row = _held(change, job)
        if row is None:
            return False
        _put_back(change, row, stopped)
    return True


def held(database: Database) -> list[Held]:
    """Every job that a worker has."""
    with database.reading() as connection:
        rows = connection.execute(select(jobs).where(jobs.c.state.in_(ACTIVE))).all()
    return [
        Held(
            job=job_of(row),
            owner=read_owner(row.owner or ""),
            heartbeat=row.heartbeat,
            stop_asked=row.stop_asked,
            strikes=row.strikes,
            advanced=row.advanced,
        )
        for row in rows
    ]


def take_back(
    database: Database, dead: Held, *, alone: bool, patience: int, problem: Problem
) -> bool:
    """Queue a job again whose worker died, or end it when it got no further too often.

    alone: the worker died while its server lived, or of want of memory: the job may be to blame.
    patience: deaths in a row without getting further that are too many.
    problem: what to say when this was one too many, or when it was asked to stop anyway.
    """
    weight = _ALONE if alone else _WITH_SERVER
    strikes = weight if dead.advanced else dead.strikes + weight
    with database.writing(orders=True) as change:
        row = _held(change, dead.job)
        if row is None:
            return False
        if row.state == JobState.STOPPING:
            _end(change, dead.job, JobState.STOPPED, SILENT)
        elif strikes >= _ALONE * patience:
            _end(change, dead.job, JobState.FAILED, problem)
        else:
            again: dict[str, Any] = {"owner": None, "progress": None, "strikes": strikes}
            enter(change, dead.job.number, JobState.QUEUED, why=KILLED, **again)
    return True


def thin(change: Change, number: int) -> None:
    """Drop events of progress that nobody will miss."""
    query = (
        select(events.c.number, events.c.data)
        .where(events.c.job == number, events.c.kind == PROGRESS)
        .order_by(events.c.number)
    )
    stages = [(row.number, row.data["stage"]) for row in change.connection.execute(query)]
    if gone := superfluous(stages):
        change.connection.execute(
            delete(events).where(events.c.job == number, events.c.number.in_(gone))
        )


def _put_back(change: Change, row: Row[Any], stopped: Problem = SILENT) -> None:
    if row.state == JobState.STOPPING:
        _end(change, job_of(row), JobState.STOPPED, stopped)
    else:
        again: dict[str, Any] = {"owner": None, "progress": None}
        enter(change, row.number, JobState.QUEUED, why=INTERRUPTED, **again)


def _is_of(row: Row[Any], owner: Owner) -> bool:
    """Whether the job is held by this very worker."""
    holder = read_owner(row.owner or "")
    return holder is not None and holder.worker == owner.worker


def _next(lane: str, besides: frozenset[JobState] = frozenset()) -> Any:
    return (
        select(jobs)
        .where(jobs.c.state.in_({JobState.QUEUED} | besides), jobs.c.lane == lane)
        .order_by(jobs.c.priority.desc(), jobs.c.place, jobs.c.number)
        .limit(1)
    )


def _held(change: Change, job: Job) -> Row[Any] | None:
    """The job's row, if this attempt still holds it."""
    query = select(jobs).where(
        jobs.c.number == job.number,
        jobs.c.attempt == job.attempt,
        jobs.c.state.in_(ACTIVE),
    )
    return change.connection.execute(query).one_or_none()


def _end(change: Change, job: Job, state: JobState, problem: Problem) -> None:
    thin(change, job.number)
    enter(change, job.number, state, problem, owner=None)
    ended(change, job.id)


def _event(change: Change, number: int, kind: str, data: Mapping[str, Any]) -> None:
    if change.event(number, kind, data) % _THIN_EVERY == 0:
        thin(change, number)
