"""The tables of the queue, the same in SQLite and in PostgreSQL."""

import json
import secrets
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

from angen.jobs.events import Event
from angen.jobs.job import Job, JobState, Problem, Progress

SCHEMA = 2  # of these tables; raise it with every change, and see ``Database``
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LETTERS = "23456789abcdefghijkmnpqrstuvwxyz"  # 32 that are not mistaken for each other
_ID_LENGTH = 16  # times 5 bits


class Moment(TypeDecorator[datetime]):
    """A time in UTC, kept as whole microseconds since 1970: exact, and the same everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class Json(TypeDecorator[Any]):
    """JSON as ASCII text, so that no database trips over a character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, allow_nan=False)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class State(TypeDecorator[JobState]):
    """A ``JobState`` as its word."""

    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: JobState | None, _dialect: Dialect) -> str | None:
        return None if value is None else JobState(value).value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> JobState | None:
        return None if value is None else JobState(value)


metadata = MetaData()

clock = Table(
    "angen_clock",  # one row
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("schema", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),  # counts every change
    Column("orders", BigInteger, nullable=False),  # counts what a worker should look at
)

jobs = Table(
    "angen_jobs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("lane", String(64), nullable=False),
    Column("arguments", Json, nullable=False),
    Column("state", State, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("place", Integer, nullable=False),  # orders jobs of one lane and priority
    Column("after", Json, nullable=False),
    Column("uses", Json, nullable=True),  # see ``uses.py``; null: of a job that has not told
    Column("stopped_by", String(32), nullable=True, index=True),  # the job it waited for in vain
    Column("attempt", Integer, nullable=False, default=0),
    Column("owner", Text, nullable=True),  # see ``owner.py``
    Column("heartbeat", Moment, nullable=True),
    Column("stop_asked", Moment, nullable=True),
    Column("furthest", Json, nullable=False),  # stage -> most that any attempt has done
    Column("advanced", Boolean, nullable=False, default=False),  # this attempt got further
    Column("strikes", Integer, nullable=False, default=0),  # see ``lease.py``
    Column("created", Moment, nullable=False),
    Column("started", Moment, nullable=True),
    Column("ended", Moment, nullable=True),
    Column("progress", Json, nullable=True),
    Column("result", Json, nullable=True),
    Column("problem", Json, nullable=True),
    Column("last_event", Integer, nullable=False, default=0),
    Column("revision", BigInteger, nullable=False),
    Index("angen_jobs_queue", "state", "lane", "priority", "place"),
    Index("angen_jobs_changes", "revision"),
    sqlite_autoincrement=True,  # a number is never used twice
)

events = Table(
    "angen_events",
    metadata,
    Column("job", ForeignKey("angen_jobs.number", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("data", Json, nullable=False),
)


def new_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))


def job_of(row: Row[Any], position: int = 0) -> Job:
    """The row of ``jobs`` as others see it."""
    return Job(
        id=row.id,
        number=row.number,
        kind=row.kind,
        title=row.title,
        lane=row.lane,
        arguments=row.arguments,
        state=row.state,
        priority=row.priority,
        position=position,
        after=tuple(row.after),
        attempt=row.attempt,
        created=row.created,
        started=row.started,
        ended=row.ended,
        progress=Progress(**row.progress) if row.progress else None,
        result=row.result,
        problem=Problem(**row.problem) if row.problem else None,
        revision=row.revision,
    )


def event_of(row: Row[Any], job: str) -> Event:
    """The row of ``events`` as others see it."""
    return Event(job=job, number=row.number, at=row.at, kind=row.kind, data=row.data)


def told(value: Progress | Problem | None) -> dict[str, Any] | None:
    """As kept in a column and in events."""
    return None if value is None else asdict(value)
