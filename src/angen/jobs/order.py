"""Which job is where: finding one, its place in the queue of its lane, and moving it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from angen.errors import Taken, Unknown
from angen.jobs.database import Change
from angen.jobs.job import PENDING, Job
from angen.jobs.tables import job_of, jobs


class UnknownJob(Unknown):
    """There is no job of that id."""


def find(connection: Connection, id: str) -> Row[Any]:
    """The row of a job. Raises UnknownJob when it is not there."""
    row = connection.execute(select(jobs).where(jobs.c.id == _known(id))).one_or_none()
    if row is None:
        raise _unknown(id)
    return row


def number_of(connection: Connection, id: str) -> int:
    """Raises UnknownJob when the job is not there."""
    query = select(jobs.c.number).where(jobs.c.id == _known(id))
    number = connection.execute(query).scalar_one_or_none()
    if number is None:
        raise _unknown(id)
    return int(number)


def shown(connection: Connection, id: str) -> Job:
    """The job with its place in the queue. Raises UnknownJob when it is not there."""
    row = find(connection, id)
    if row.state not in PENDING:
        return job_of(row)
    return job_of(row, positions(connection, {row.lane})[row.number])


def positions(connection: Connection, lanes: set[str]) -> dict[int, int]:
    """Place in the queue, from 1, of each job number that waits in one of ``lanes``."""
    found: dict[int, int] = {}
    for lane in lanes:
        numbers = connection.execute(_in_queue(lane).with_only_columns(jobs.c.number)).scalars()
        found |= {number: place for place, number in enumerate(numbers, 1)}
    return found


def last_place(change: Change) -> int:
    """Of all jobs: whoever comes next goes after it."""
    return int(
        change.connection.execute(select(func.coalesce(func.max(jobs.c.place), 0))).scalar_one()
    )


def move(change: Change, id: str, before: str | None) -> list[Job]:
    """Put a job right before another of its queue, or last; see ``Store.move``."""
    row = find(change.connection, id)
    if row.state not in PENDING:
        raise Taken(f"{row.title!r} is {row.state}; only jobs in the queue have a place.")
    if before != id:
        queue = [entry for entry in _queue(change.connection, row.lane) if entry.id != id]
        index = len(queue) if before is None else _index(change, queue, row.lane, before)
        neighbour = (queue[index:] or queue[-1:] or [row])[0]
        queue.insert(index, row)
        change.update(row.number, priority=neighbour.priority)
        for place, entry in zip(sorted(entry.place for entry in queue), queue, strict=True):
            if entry.place != place:
                change.update(entry.number, place=place)
    return [job_of(entry, i) for i, entry in enumerate(_queue(change.connection, row.lane), 1)]


def _index(change: Change, queue: Sequence[Row[Any]], lane: str, id: str) -> int:
    for index, entry in enumerate(queue):
        if entry.id == id:
            return index
    other = find(change.connection, id)
    raise Taken(f"{other.title!r} is not in the queue of lane {lane!r}.")


def _known(id: str) -> str:
    """``id`` if one could look like that: it comes from outside, and databases are particular."""
    if not id.isalnum() or not id.isascii():
        raise _unknown(id)
    return id


def _unknown(id: str) -> UnknownJob:
    return UnknownJob(f"There is no job {id!r}; it may have been deleted.")


def _in_queue(lane: str) -> Select[Any]:
    return (
        select(jobs)
        .where(jobs.c.state.in_(PENDING), jobs.c.lane == lane)
        .order_by(jobs.c.priority.desc(), jobs.c.place, jobs.c.number)
    )


def _queue(connection: Connection, lane: str) -> Sequence[Row[Any]]:
    return connection.execute(_in_queue(lane)).all()
