"""Transactions: many may read, one writes at a time, in SQLite as in PostgreSQL.

Every change begins by counting up the one row of ``clock``. That takes the lock that makes claims
safe, and gives each change a number that readers can compare with what they have seen.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, select
from sqlalchemy import update as sql_update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from angen.errors import AngenError, BadInput, Incompatible, OutOfSpace
from angen.files import tells_full
from angen.jobs.bell import Bell, Clock
from angen.jobs.events import plain
from angen.jobs.tables import SCHEMA, clock, events, jobs, metadata

logger = logging.getLogger(__name__)

SAFE = "Songs, adapters and datasets are safe: it holds nothing but the list of jobs."
_DAMAGED = ("not a database", "malformed", "corrupt")
BUSY_S = 30.0  # how long to wait for another writer
_SETUP_LOCK = 0x616E67656E  # of PostgreSQL: one process at a time makes the tables


@dataclass(frozen=True, kw_only=True)
class Change:
    """One transaction that writes."""

    connection: Connection
    revision: int
    orders: int
    now: datetime

    def update(self, number: int, **values: Any) -> None:
        """Set columns of a job."""
        values["revision"] = self.revision
        self.connection.execute(sql_update(jobs).where(jobs.c.number == number).values(values))

    def event(self, number: int, kind: str, data: Mapping[str, Any]) -> int:
        """Add to a job's events. Returns the event's number."""
        last: int = self.connection.execute(
            sql_update(jobs)
            .where(jobs.c.number == number)
            .values(last_event=jobs.c.last_event + 1, revision=self.revision)
            .returning(jobs.c.last_event)
        ).scalar_one()
        values = {"job": number, "number": last, "at": self.now, "kind": kind, "data": plain(data)}
        self.connection.execute(insert(events).values(values))
        return last


class Database:
    """The tables, wherever they are."""

    def __init__(self, url: str) -> None:
        """Opens the database and makes its tables.

        url: ``sqlite:////path/jobs.db`` or ``postgresql://user:password@host/name``.

        Raises BadInput when there is no such database or it cannot be read and written,
        Incompatible when its tables are of another version, OutOfSpace.
        """
        self._engine = _engine(_checked(url))
        self._sqlite = self._engine.dialect.name == "sqlite"
        try:
            self._make_tables()
            # For the bell alone; the pool's connections come and go.
            self._watched = self._engine.raw_connection() if self._sqlite else None
        except Incompatible:
            self._engine.dispose()
            raise
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            self._engine.dispose()
            raise unopened(self._engine.url, error) from error
        self._seen: tuple[Any, Clock] = (None, (0, 0))  # version of the file, and its clock then
        self.bell = Bell(self._look)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view: what others change meanwhile is not seen."""
        with self._engine.connect() as connection:
            if not self._sqlite:  # whose transactions are so by themselves
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, *, durable: bool = True, orders: bool = False) -> Iterator[Change]:
        """A change, made whole or not at all.

        durable: on the disk before this returns, for promises; news may be lost with the power.
        orders: workers should look at once.

        Raises OutOfSpace when the disk is full.
        """
        with self._told_when_full(), self._engine.connect() as connection:
            connection = connection.execution_options(angen_write=True)
            if self._sqlite:  # outside of the transaction, where alone it has an effect
                level = "FULL" if durable else "NORMAL"
                _driver(connection).execute(f"PRAGMA synchronous={level}")
            with connection.begin():
                if not self._sqlite and not durable:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
                counted = connection.execute(
                    sql_update(clock)
                    .values(revision=clock.c.revision + 1, orders=clock.c.orders + int(orders))
                    .returning(clock.c.revision, clock.c.orders)
                ).one()
                yield Change(
                    connection=connection,
                    revision=counted.revision,
                    orders=counted.orders,
                    now=datetime.now(UTC),
                )
        self.bell.ring((counted.revision, counted.orders))

    def read_clock(self) -> Clock:
        """How often anything has changed, and how often something that workers should look at."""
        with self.reading() as connection:
            row = connection.execute(select(clock.c.revision, clock.c.orders)).one()
            return row.revision, row.orders

    def _look(self) -> Clock:
        """The clock, for the one thread that asks all the time.

        SQLite tells a connection at once whether others have changed the file, without reading it.
        """
        if self._watched is None:
            return self.read_clock()
        cursor = self._watched.cursor()
        try:
            cursor.execute("PRAGMA data_version")
            version = cursor.fetchone()
        except sqlite3.Error:
            return self.read_clock()  # which tells what is wrong
        finally:
            cursor.close()
        if version != self._seen[0]:
            self._seen = version, self.read_clock()
        return self._seen[1]

    @contextmanager
    def _told_when_full(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, sqlite3.OperationalError) as error:
            if not tells_full(error):
                raise
            raise OutOfSpace(
                f"No space left to write the queue in {self._engine.url!r}. Free some space on "
                "that disk and try again."
            ) from error

    def verify(self) -> None:
        """Read a file of SQLite once, whole. Raises BadInput when it is damaged."""
        if not self._sqlite:
            return
        try:
            with self.reading() as connection:
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise unopened(self._engine.url, error) from error
        if found != "ok":
            raise unopened(self._engine.url, sqlite3.DatabaseError("malformed"))

    def close(self) -> None:
        """Let go of connections and of everybody who waits."""
        self.bell.close()
        if self._watched is not None:
            self._watched.close()
        self._engine.dispose()

    def _make_tables(self) -> None:
        with self._engine.connect() as connection:
            connection = connection.execution_options(angen_write=True)
            with connection.begin():
                if not self._sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SETUP_LOCK})")
                metadata.create_all(connection)
                found = connection.execute(select(clock.c.schema)).scalar_one_or_none()
                if found is None:
                    values = {"id": 1, "schema": SCHEMA, "revision": 0, "orders": 0}
                    connection.execute(insert(clock).values(values))
                elif found == 1:
                    connection.exec_driver_sql("ALTER TABLE angen_jobs ADD COLUMN uses TEXT")
                    connection.execute(sql_update(clock).values(schema=SCHEMA))
                    logger.info("the queue's tables are of version %d now, made of 1", SCHEMA)
        if found not in (None, 1, SCHEMA):
            raise Incompatible(
                f"The queue in {self._engine.url!r} was made by another version of angen (tables "
                f"of version {found}, expected {SCHEMA}). {SAFE} Use that version, or "
                f"{_elsewhere(self._engine.url)}."
            )


def unopened(url: URL, error: Exception) -> AngenError:
    """Why a queue cannot be used, what is not lost, and what to do."""
    reason = str(getattr(error, "orig", None) or error).strip().removesuffix(".")
    if tells_full(error):
        return OutOfSpace(
            f"No space left to write the queue in {url!r}. {SAFE} Free some space on that disk "
            "and try again."
        )
    if url.get_backend_name() != "sqlite":
        remedy = "Start it, or correct its address."
    elif Path(str(url.database)).is_dir():
        reason, remedy = "a folder is in its place", f"Move that away, or {_elsewhere(url)}."
    elif any(word in reason for word in _DAMAGED):
        reason, remedy = f"the file is damaged ({reason})", f"To go on, {_elsewhere(url)}."
    elif "locked" in reason:
        remedy = "Another program holds it: end that one, then try again."
    else:
        remedy = "See that the file and its folder may be read and written, on a disk that is "
        remedy += f"not read-only; or {_elsewhere(url)}."
    return BadInput(f"The queue's database {url!r} cannot be opened: {reason}. {SAFE} {remedy}")


def _elsewhere(url: URL) -> str:
    """How to go on with an empty queue."""
    if url.get_backend_name() != "sqlite":
        return "name another database (ANGEN_DATABASE_URL)"
    name = Path(str(url.database)).name
    return f"move {name}, {name}-wal and {name}-shm away: a new, empty queue is made then"


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadInput(
            f"{url!r} is no address of a database. Write sqlite:////path/to/jobs.db or "
            "postgresql://user:password@host/name."
        ) from None
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise BadInput(
            f"{parsed!r} cannot hold the queue: expected sqlite:////path/to/jobs.db or "
            "postgresql://user:password@host/name."
        )
    folder = Path(parsed.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"The queue's folder {folder} cannot be made: {error.strerror}. Choose another place."
        ) from error
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=10, max_overflow=40, connect_args={"timeout": BUSY_S})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(url, pool_size=5, max_overflow=20, pool_pre_ping=True)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise BadInput(
            "A queue on PostgreSQL needs psycopg: pip install 'angen[postgres]'."
        ) from error


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None  # we say BEGIN ourselves
    _write_ahead(connection)
    connection.execute("PRAGMA foreign_keys=ON")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Readers and the writer do not wait for each other. Once told, the file stays so.

    Telling it needs the file alone, and for that SQLite waits for nobody, whatever its timeout:
    of several who open a new queue at once, all but one would be sent away.
    """
    until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # in all its varieties
            if not busy or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the writers' lock now: two claims cannot both read before either writes.
    writes = connection.get_execution_options().get("angen_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
