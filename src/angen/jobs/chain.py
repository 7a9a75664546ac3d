"""Jobs that wait for other jobs.

A job waits until all that it needs is done. When one of those fails or is stopped, it is stopped
too, and it waits again as soon as that one is retried.
"""

from contextlib import suppress
from typing import Any

from sqlalchemy import Row, Select, select

from angen.errors import Taken
from angen.jobs.database import Change
from angen.jobs.events import STATE
from angen.jobs.job import OVER, JobState, Problem
from angen.jobs.problems import needs
from angen.jobs.tables import job_of, jobs, told
from angen.jobs.uses import refuse_conflict_of


def enter(
    change: Change,
    number: int,
    state: JobState,
    problem: Problem | None = None,
    *,
    why: str = "",
    **values: Any,
) -> None:
    """Put a job into a state, and tell it.

    why: a line for people, if there is no problem that says it.
    """
    now = change.now if state in OVER else None
    change.update(number, state=state, problem=told(problem), ended=now, **values)
    data: dict[str, Any] = {"state": state}
    if problem is not None:
        data["problem"] = told(problem)
    if why:
        data["message"] = why
    change.event(number, STATE, data)


def settle(change: Change, row: Row[Any]) -> JobState:
    """Queue a job that is to be done, have it wait, or stop it: as the jobs that it needs say."""
    found = select(jobs).where(jobs.c.id.in_(row.after))
    others = [job_of(other) for other in change.connection.execute(found)]  # forgotten ones passed
    bad = next((o for o in others if o.state in (JobState.FAILED, JobState.STOPPED)), None)
    if bad is not None:
        enter(change, row.number, JobState.STOPPED, needs(bad), stopped_by=bad.id)
        ended(change, row.id)
        return JobState.STOPPED
    ready = all(other.state is JobState.DONE for other in others)
    state = JobState.QUEUED if ready else JobState.WAITING
    enter(change, row.number, state, stopped_by=None)
    return state


def ended(change: Change, job: str) -> None:
    """A job is over: go on with those that wait for it."""
    waiting = _rows(change, select(jobs).where(jobs.c.state == JobState.WAITING))
    for row in waiting:
        if job in row.after and _decided(change, row):
            settle(change, row)


def revive(change: Change, job: str) -> None:
    """A job is to be done after all: so are those that were stopped because of it.

    But for those in whose way another job stands by now; they can be retried when it is over.
    """
    for row in _rows(change, select(jobs).where(jobs.c.stopped_by == job)):
        with suppress(Taken):
            refuse_conflict_of(change.connection, row)
            if settle(change, row) is not JobState.STOPPED:
                revive(change, row.id)


def _decided(change: Change, row: Row[Any]) -> bool:
    """Whether a job that waited when ``row`` was read, and still does, need wait no longer."""
    now = select(jobs.c.state).where(jobs.c.number == row.number)
    if change.connection.execute(now).scalar_one() != JobState.WAITING:
        return False  # a job between the two has ended it
    states = select(jobs.c.state).where(jobs.c.id.in_(row.after))
    found = set(change.connection.execute(states).scalars())
    return found <= {JobState.DONE} or bool(found & {JobState.FAILED, JobState.STOPPED})


def _rows(change: Change, query: Select[Any]) -> list[Row[Any]]:
    return list(change.connection.execute(query.order_by(jobs.c.number)))
