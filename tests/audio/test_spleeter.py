"""Spleeter against the numbers of the original, and what holds of any separation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from angen.audio.spleeter import Spleeter, SpleeterConfig, load_spleeter
from angen.audio.spleeter_weights import FILE, STEMS, from_tensorflow
from angen.audio.stems import SPLEETER, load_separator, separate, separate_file
from angen.errors import Incompatible, MissingWeights
from tests.audio.original_spleeter import (
    CHANNELS,
    EVERY,
    GOLDEN,
    SMALL,
    formula_checkpoint,
    recording,
)
from tests.audio.sounds import write


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
    return values


@pytest.fixture(scope="module")
def small() -> Spleeter:
    """The nets of the original's graph with few channels and small patches."""
    config = SpleeterConfig(
        window=SMALL["frame_length"],
        hop=SMALL["frame_step"],
        frames=SMALL["T"],
        bins=SMALL["F"],
        channels=CHANNELS,
    )
    model = Spleeter(config).eval()
    tensors = from_tensorflow(formula_checkpoint())
    model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    return model


def test_nets_make_what_the_original_makes_of_the_same_tensors(
    small: Spleeter, golden: dict[str, Any]
) -> None:
    made = small.separate(recording(9_000, 8_000))
    for stem, sound in zip(STEMS, made, strict=True):
        np.testing.assert_allclose(sound[:, ::EVERY], golden["formula"][stem], atol=2e-6)


def test_the_released_nets_make_what_the_original_makes(
    spleeter_folder: Path, golden: dict[str, Any]
) -> None:
    made = load_spleeter(spleeter_folder).separate(recording(30_000, 44_100))
    for stem, sound in zip(STEMS, made, strict=True):
        np.testing.assert_allclose(sound[:, ::EVERY], golden["released"][stem], atol=2e-6)


@pytest.mark.parametrize("samples", [1, 64, 9_000])
def test_stems_add_up_to_the_recording_and_are_the_same_each_time(
    small: Spleeter, samples: int
) -> None:
    mix = recording(samples, 8_000)
    stems = separate(mix, small.rate_hz, small)
    assert {stem: sound.shape for stem, sound in stems.items()} == {
        "vocals": (2, samples),
        "accompaniment": (2, samples),
    }
    np.testing.assert_allclose(sum(stems.values()), mix - mix.mean(), atol=1e-6)
    again = separate(mix, small.rate_hz, small)
    assert all(np.array_equal(sound, again[stem]) for stem, sound in stems.items())


def test_loudness_plays_no_part(small: Spleeter) -> None:
    mix = recording(9_000, 8_000)
    loud, soft = (separate(gain * mix, small.rate_hz, small)["vocals"] for gain in (3.0, 0.003))
    np.testing.assert_allclose(loud / 3, soft / 0.003, atol=1e-5)


def test_opposite_channels_are_no_silence(small: Spleeter) -> None:
    mono = recording(9_000, 8_000)[:1]
    stems = separate(np.concatenate([mono, -mono]), small.rate_hz, small)
    mirrored = separate(np.concatenate([mono, mono]), small.rate_hz, small)
    for stem, sound in stems.items():
        assert np.isfinite(sound).all()
        np.testing.assert_allclose(sound[0], mirrored[stem][0], atol=0.05)


def test_a_recording_becomes_two_files(small: Spleeter, tmp_path: Path) -> None:
    path = write(tmp_path / "song.wav", recording(44_100, 44_100), 44_100)
    files = separate_file(path, tmp_path / "out", small, lambda done, total: None)
    assert [file.name for file in files.values()] == ["song_vocals.wav", "song_accompaniment.wav"]


def test_the_separator_that_is_here_is_taken(spleeter_folder: Path, tmp_path: Path) -> None:
    assert load_separator(tmp_path, spleeter_folder).name == "Spleeter"
    with pytest.raises(MissingWeights, match=r"angen models fetch htdemucs|pip install"):
        load_separator(tmp_path, spleeter_folder, "htdemucs")


@pytest.mark.parametrize("name", [None, SPLEETER])
def test_without_weights_the_way_to_them_is_told(tmp_path: Path, name: str | None) -> None:
    with pytest.raises(MissingWeights, match="angen models fetch spleeter"):
        load_separator(tmp_path, tmp_path, name)


def test_damaged_weights_and_another_checkpoint_are_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"{}")
    with pytest.raises(Incompatible, match="not a whole safetensors file"):
        load_separator(tmp_path, tmp_path)
    lacking = formula_checkpoint()
    del lacking["conv2d_6/bias"]
    with pytest.raises(Incompatible, match=r"none of Spleeter.*conv2d_6/bias"):
        from_tensorflow(lacking)
