"""A real desk on an empty home; nobody works."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gradio leaves event loops unclosed, of which Python complains when it sweeps them up."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for kind in ("ResourceWarning", "pytest.PytestUnraisableExceptionWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{kind}"))


@pytest.fixture(scope="package", autouse=True)
def _swept_up() -> Iterator[None]:
    """What Gradio left is swept up here, not in the tests that come after."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def upload_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Gradio keeps what a browser has uploaded."""
    folder = tmp_path / "uploaded"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


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


@pytest.fixture(scope="package")
def idle_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that nobody changes, for looks at the page as it opens."""
    settings = Settings(home=tmp_path_factory.mktemp("idle"))
    with Store(settings.database) as store:
        yield Desk(settings, store)
