import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from angen.audio.demucs import load_demucs
from angen.audio.files import probe, read_audio
from angen.audio.stems import Separator, load_separator, separate, separate_file
from angen.errors import Incompatible, MissingWeights, OutOfSpace, Stopped
from tests.audio.sounds import sine, write

htdemucs = pytest.importorskip("demucs.htdemucs")

TINY = {
    "sources": ["drums", "bass", "other", "vocals"],
    "channels": 4,
    "t_layers": 1,
    "t_heads": 2,
    "dconv_depth": 1,
    "dconv_comp": 2,
    "bottom_channels": 8,
    "t_hidden_scale": 1.0,
    "segment": 2,
    "samplerate": 8_000,
}
KLASS = "demucs.htdemucs.HTDemucs"


def silent(done: int, total: int) -> None:
    pass


def save_tiny(folder: Path, klass: str = KLASS, **extra: str) -> Path:
    """Random weights in the format of the hub: a yaml that names a safetensors file."""
    torch.manual_seed(0)
    state = {name: value.clone() for name, value in htdemucs.HTDemucs(**TINY).state_dict().items()}
    facts = {"klass": klass, "args": "[]", "kwargs": json.dumps(TINY), **extra}
    folder.mkdir(exist_ok=True)
    save_file(state, folder / "abc1.safetensors", metadata=facts)
    (folder / "tiny.yaml").write_text("models: ['abc1']\n")
    return folder


@pytest.fixture(scope="module")
def separator(tmp_path_factory: pytest.TempPathFactory) -> Separator:
    return load_demucs(save_tiny(tmp_path_factory.mktemp("weights")), "tiny")


def test_stems_are_written_under_the_names_of_the_mission(
    separator: Separator, tmp_path: Path
) -> None:
    path = write(tmp_path / "mysong.wav", sine(440, 5, 44_100), 44_100)
    steps: list[tuple[int, int]] = []
    stems = separate_file(path, tmp_path / "stems", separator, lambda *step: steps.append(step))
    assert {stem: file.name for stem, file in stems.items()} == {
        stem: f"mysong_{stem}.wav" for stem in ("vocals", "drums", "bass", "other")
    }
    for file in stems.values():
        info = probe(file)
        assert (info.rate_hz, info.channels) == (8_000, 2)
        assert info.duration_s == pytest.approx(5, abs=0.001)
    assert steps == [(1, 1)]


def test_a_long_file_in_pieces_is_as_long_and_as_separated(
    separator: Separator, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal((2, 70 * 8_000))).astype(np.float32)
    path = write(tmp_path / "x.wav", noise, 8_000, subtype="FLOAT")
    steps: list[tuple[int, int]] = []
    stems = separate_file(path, tmp_path, separator, lambda *step: steps.append(step))
    assert steps == [(1, 2), (2, 2)]
    assert probe(stems["drums"]).frames == 70 * 8_000


def test_separation_is_the_same_each_time(separator: Separator) -> None:
    tone = sine(440, 3, 8_000)
    first, second = separate(tone, 8_000, separator), separate(tone, 8_000, separator)
    for stem, sound in first.items():
        assert sound.shape == (2, 24_000)
        assert np.array_equal(sound, second[stem])


def test_stopping_leaves_no_file(separator: Separator, tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 3, 8_000), 8_000)

    def stop(done: int, total: int) -> None:
        raise Stopped("stopped")

    with pytest.raises(Stopped):
        separate_file(path, tmp_path / "out", separator, stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_stems_that_would_fill_the_disk_are_refused_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 3, 8_000), 8_000)
    greedy = replace(load_demucs(save_tiny(tmp_path / "weights"), "tiny"), rate_hz=10**12)
    with pytest.raises(OutOfSpace, match="Free some space"):
        separate_file(path, tmp_path, greedy, silent)


def test_missing_weights_say_which_file_goes_where(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"angen models fetch htdemucs.*HTDemucs") as caught:
        load_separator(tmp_path, tmp_path, "htdemucs")
    assert str(tmp_path / "htdemucs.yaml") in str(caught.value)
    (tmp_path / "htdemucs.yaml").write_text("models: ['955717e8']\n")
    with pytest.raises(MissingWeights, match=r"955717e8\.safetensors is missing"):
        load_separator(tmp_path, tmp_path)


@pytest.mark.parametrize("klass", ["subprocess.Popen", "os.system", "demucs.hf.get_hf_model"])
def test_weights_may_not_choose_what_is_called(klass: str, tmp_path: Path) -> None:
    with pytest.raises(Incompatible, match="no Demucs model"):
        load_demucs(save_tiny(tmp_path, klass), "tiny")
    with pytest.raises(Incompatible, match="no Demucs model"):
        load_demucs(save_tiny(tmp_path, structure='{"_class": "os.system"}'), "tiny")


@pytest.mark.parametrize("text", ["models: ['../abc1']", "models: []", "models: [[", "- 3"])
def test_a_damaged_description_is_refused(text: str, tmp_path: Path) -> None:
    save_tiny(tmp_path)
    (tmp_path / "tiny.yaml").write_text(text)
    with pytest.raises(Incompatible, match="Fetch it again"):
        load_demucs(tmp_path, "tiny")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    path = save_tiny(tmp_path) / "abc1.safetensors"
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(Incompatible, match="damaged"):
        load_demucs(tmp_path, "tiny")
    save_tiny(tmp_path, kwargs=json.dumps({**TINY, "channels": 8}))
    with pytest.raises(Incompatible, match="does not fit"):
        load_demucs(tmp_path, "tiny")


def test_mono_is_heard_on_both_sides(separator: Separator, tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", sine(440, 2, 8_000), 8_000)
    stems = separate_file(path, tmp_path, separator, silent)
    assert read_audio(stems["bass"]).samples.shape == (2, 16_000)
