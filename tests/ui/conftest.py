"""A real desk on an empty home; nobody works."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    settings.home.mkdir()
    return settings


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store(settings.database) as store:
        yield store


@pytest.fixture
def desk(settings: Settings, store: Store) -> Desk:
    return Desk(settings, store)
