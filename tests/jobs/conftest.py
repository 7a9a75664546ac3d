"""Queues in both databases, and servers with workers for them."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from angen.jobs.store import Store
from tests.jobs.postgres import running_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    with running_server() as address:
        yield address


_schemas = itertools.count(1)


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """The address of an empty queue in PostgreSQL."""
    name = f"jobs{next(_schemas)}"
    engine = create_engine(postgres.replace("postgresql", "postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))  # far cheaper than a database
    engine.dispose()
    return f"{postgres}?options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty queue in either database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as store:
        yield store
