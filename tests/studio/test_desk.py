"""The desk counts what it changes itself, so that answers that were kept are given up."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from angen.errors import AngenError
from angen.jobs.store import Store
from angen.studio.desk import Desk
from angen.studio.settings import Settings

CHANGES: dict[str, tuple[object, ...]] = {
    "save_upload": ("tune.wav", BytesIO(b"no sound")),
    "delete_upload": ("none",),
    "edit_rows": ("none", {}),
    "delete_collection": ("none",),
    "edit_dataset": ("none", {}),
    "delete_dataset": ("none",),
    "rename_adapter": ("none", "other"),
    "delete_adapter": ("none",),
    "delete_song": ("none",),
    "forget": ("none",),
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = Settings(home=tmp_path)
    with Store(settings.database) as store:
        yield Desk(settings, store)


@pytest.mark.parametrize("method", CHANGES)
def test_whatever_may_change_something_without_a_job_is_counted(desk: Desk, method: str) -> None:
    with pytest.raises(AngenError):  # who knows how far it came
        getattr(desk, method)(*CHANGES[method])
    assert desk.changes == 1


def test_looking_is_not_counted(desk: Desk) -> None:
    for look in (desk.uploads, desk.datasets, desk.songs, desk.adapters, desk.jobs):
        assert look() == []
    assert desk.changes == 0
