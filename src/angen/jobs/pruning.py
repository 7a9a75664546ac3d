"""What is over long ago is forgotten: a queue that is used for years must not grow for ever."""

import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Select, delete, or_, select

from angen.jobs.database import Database
from angen.jobs.job import OVER
from angen.jobs.tables import events, jobs

logger = logging.getLogger(__name__)

_AT_ONCE = 100  # jobs in one transaction: nobody who writes should wait for long


def prune(database: Database, most: int, age: timedelta) -> int:
    """Delete jobs that are over, with their events; the number of those deleted.

    most: how many of them stay, those that ended last.
    age: since their end; older ones go, however few there are.

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
    oldest = datetime.now(UTC) - age
    kept = over.order_by(jobs.c.ended.desc(), jobs.c.number.desc()).limit(most)
    old = over.where(or_(jobs.c.ended < oldest, jobs.c.number.not_in(_numbers(kept))))
    needed = _needed(connection)
    return [row.number for row in connection.execute(old) if row.id not in needed]


def _numbers(query: Select[tuple[int, str]]) -> Select[tuple[int]]:
    return select(query.subquery().c.number)


def _needed(connection: Connection) -> set[str]:
    """Ids of the jobs that others wait for, or need to begin again."""
    unfinished = select(jobs.c.after).where(jobs.c.state.not_in(OVER))
    return {id for after in connection.execute(unfinished).scalars() for id in after}
