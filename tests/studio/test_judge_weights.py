"""Fetching the outside judge, with downloads that go wrong."""

import zipfile
from pathlib import Path

import pytest

from angen.errors import MissingWeights, Stopped
from angen.judge.weights import FILE
from angen.studio.judge_weights import ARCHIVE, fetch_judge
from angen.studio.models import fetch_model
from angen.studio.settings import read_settings
from angen.studio.watch import OnStep


def ignore(done: int, total: int) -> None:
    pass


def nothing(folder: Path, on_step: OnStep) -> None:
    pass


def another_archive(folder: Path, on_step: OnStep) -> None:
    with zipfile.ZipFile(folder / ARCHIVE, "w") as archive:
        archive.writestr("musicnn/MSD_musicnn/.index", b"")


def stopped(folder: Path, on_step: OnStep) -> None:
    (folder / ARCHIVE).write_bytes(b"half")
    raise Stopped("Stopped.")


def test_another_file_than_the_known_one_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "judge" / "musicnn"
    with pytest.raises(MissingWeights, match=r"its sha256 is .* instead of f38a4890c648"):
        fetch_judge(place, ignore, download=another_archive)
    with pytest.raises(MissingWeights, match=r"it left no musicnn-0.1.0.*PIP_FIND_LINKS"):
        fetch_judge(place, ignore, download=nothing)
    assert list(place.parent.iterdir()) == []


def test_a_stopped_fetch_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "judge" / "musicnn"
    with pytest.raises(Stopped):
        fetch_judge(place, ignore, download=stopped)
    assert list(place.parent.iterdir()) == []


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path)
    settings.judge.mkdir(parents=True)
    (settings.judge / FILE).write_bytes(b"")
    assert fetch_model("musicnn", settings, ignore) == settings.judge


def test_without_an_index_pip_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        MissingWeights, match=r"No matching distribution.*angen models fetch"
    ) as told:
        fetch_model("musicnn", read_settings({}, home=tmp_path), ignore)
    assert "\n" not in str(told.value)
    assert list((tmp_path / "models" / "judge").iterdir()) == []
