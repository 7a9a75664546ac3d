"""What is over long ago is forgotten: a queue that is used for years must not grow for ever."""

import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Select, delete, or_, select

from angen.jobs.database import Database
from angen.jobs.job import OVER
from angen.jobs.tables import events, jobs

logger = logging.getLogger(__name__)

_WITNESSES = 99  # jobs whose ends tell what time it is
_LATEST = (jobs.c.revision.desc(), jobs.c.number.desc())  # changes are counted, clocks go wrong
_AT_ONCE = 100  # jobs in one transaction: nobody who writes should wait for long


def prune(database: Database, most: int, age: timedelta) -> int:
    """Delete jobs that are over, with their events; the number of those deleted.

    most: how many of them stay, those that ended last.
    age: from their end to the middle one of the last ends; older ones go, however few there are.

    A job that another one needs stays until that one is over too.
    """
    gone = 0
    while _found(database, most, age):
        with database.writing() as change:  # looks again: one may have been retried meanwhile
            numbers = _doomed(change.connection, most, age)[:_AT_ONCE]
            change.connection.execute(delete(events).where(events.c.job.in_(numbers)))
            change.connection.execute(delete(jobs).where(jobs.c.number.in_(numbers)))
        gone += len(numbers)
    if gone:
        logger.info("%d jobs that ended long ago are forgotten", gone)
    return gone


def _found(database: Database, most: int, age: timedelta) -> bool:
    with database.reading() as connection:  # looking costs nobody a lock
        return bool(_doomed(connection, most, age))


def _doomed(connection: Connection, most: int, age: timedelta) -> list[int]:
    """Numbers of the jobs that are to go."""
    over = select(jobs.c.number, jobs.c.id).where(jobs.c.state.in_(OVER))
    kept = over.order_by(*_LATEST).limit(most)
    oldest = _today(connection) - age
    old = over.where(or_(jobs.c.ended < oldest, jobs.c.number.not_in(_numbers(kept))))
    needed = _needed(connection)
    return [row.number for row in connection.execute(old) if row.id not in needed]


def _today(connection: Connection) -> datetime:
    """The time from which age counts back: the middle one of the last ends, if it is not to come.

    A clock that is far ahead, at one start or for some jobs, must not make a past of all history.
    """
    last = select(jobs.c.ended).where(jobs.c.state.in_(OVER)).order_by(*_LATEST).limit(_WITNESSES)
    ends = sorted(connection.execute(last).scalars())
    now = datetime.now(UTC)
    return min(now, ends[(len(ends) - 1) // 2]) if ends else now


def _numbers(query: Select[tuple[int, str]]) -> Select[tuple[int]]:
    return select(query.subquery().c.number)


def _needed(connection: Connection) -> set[str]:
    """Ids of the jobs that others wait for, or need to begin again."""
    unfinished = select(jobs.c.after).where(jobs.c.state.not_in(OVER))
    return {id for after in connection.execute(unfinished).scalars() for id in after}
