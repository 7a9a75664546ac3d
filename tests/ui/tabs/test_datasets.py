import warnings
from pathlib import Path

import pytest

from angen.errors import BadInput
from angen.studio.desk import Desk
from angen.studio.settings import Settings
from angen.ui.tabs.datasets import (
    SYMBOLIC,
    VOCAL,
    download_datasets,
    draw_curated,
    draw_datasets,
    import_dataset,
)
from tests.ui.house import add_dataset


def test_the_sets_of_the_mission_are_those_that_the_studio_knows(desk: Desk) -> None:
    page = [(title, name) for title, name in (*VOCAL, *SYMBOLIC)]

    assert page == [(found.title, found.id) for found in desk.curated()]
    assert [title for title, _ in VOCAL] == ["OpenSinger", "M4Singer", "CC Mixter"]
    assert [title for title, _ in SYMBOLIC] == ["Lakh MIDI", "Mutopia"]


def test_what_is_not_built_is_said_and_not_pretended(desk: Desk) -> None:
    with pytest.warns(UserWarning, match="Nothing was downloaded: OpenSinger, Lakh MIDI cannot"):
        page = download_datasets(desk, ["opensinger"], ["lakh"])

    assert "OpenSinger" in page
    assert "Lakh MIDI" in page
    assert "Mutopia" not in page
    assert "not built yet" in page
    assert desk.jobs() == []
    with pytest.raises(BadInput, match="Choose at least one"):
        download_datasets(desk, [], [])


def test_a_set_that_is_here_says_so(desk: Desk, settings: Settings) -> None:
    add_dataset(settings, "vocal_opensinger")

    assert draw_curated(desk.curated()).count('class="chip good"') == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing to complain of
        assert "vocal_opensinger" in download_datasets(desk, ["opensinger"], [])


def test_datasets_are_listed_with_what_is_in_them(desk: Desk, settings: Settings) -> None:
    assert "No datasets yet" in draw_datasets(desk, "")
    add_dataset(settings, "my_set", clips=3)
    page = draw_datasets(desk, "")

    for fact in ("my_set", "3 songs", "2 clips to learn from", "1 kept aside", "0.5 min"):
        assert fact in page
    assert 'href="api/training/datasets/my_set/export"' in page
    assert "<angen-play" not in page


def test_an_opened_dataset_shows_its_clips_to_be_heard(desk: Desk, settings: Settings) -> None:
    add_dataset(settings, "my_set", clips=3)
    page = draw_datasets(desk, "my_set")

    assert page.count("<angen-play") == 3
    assert "datasets/my_set/clips/jazz_song0_clip001.wav/audio" in page


def test_a_damaged_dataset_is_shown_with_its_problem(desk: Desk, settings: Settings) -> None:
    add_dataset(settings, "my_set")
    (settings.datasets / "my_set" / "dataset_info.json").write_text("{")

    assert "note error" in draw_datasets(desk, "my_set")


def test_an_archive_is_taken_in_by_a_job(desk: Desk, upload_folder: Path) -> None:
    archive = upload_folder / "set.zip"
    archive.write_bytes(b"PK")
    assert import_dataset(desk, str(archive), " mine ") == ""

    (job,) = desk.jobs()
    assert (job.kind, job.arguments["name"]) == ("import_dataset", "mine")
